"""The verifier stage against a real service, with a judge that passes everything, and with rules only."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest
from support.bad_judge import serving
from support.stand_ins import local_recipe

from verif.audit.cases import AuditCase
from verif.audit.fitness import fitness_path, require_fit, teacher_of
from verif.cli.rescore import rescore
from verif.core.instruction_files import write_instructions
from verif.data.rollouts import Rollout, read, write_step
from verif.data.splits import GoldenItem
from verif.data.tables import write_golden
from verif.errors import UnfitVerifierError
from verif.pipeline.stages import verifier
from verif.project import Stage
from verif.recipe import parse_recipe
from verif.service import lease
from verif.types import Instruction, Response, RuleConstraint

pytestmark = pytest.mark.slow


@pytest.fixture
def stage(world_cases: list[AuditCase], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    """A working directory with a golden set and a judge folder; its services are ended."""
    monkeypatch.setenv(lease.IDLE_VARIABLE, "2")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    made = Stage(tmp_path, local_recipe(audit_items=60), tmp_path)
    made.data.mkdir()
    write_golden(
        made.data / "golden.parquet", [GoldenItem(c.instruction, c.text, list(c.truth)) for c in world_cases]
    )
    write_instructions(
        made.data / "train.parquet", [c.instruction for c in world_cases[:8]], source="t", split="train"
    )
    (made.models / "judge").mkdir(parents=True)
    (made.models / "judge" / "config.json").write_text("{}", "utf-8")
    yield made
    for folder in (made.state / "leases").glob("*"):
        found = lease.living(folder)
        if found:
            lease.end(found)


def test_a_judge_that_always_passes_is_caught_and_train_refuses_it(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving('all fine</think>{"verdict":"pass"}') as url:
        monkeypatch.setenv("VERIF_JUDGE_URL", url)
        verifier.run(stage)
        first = fitness_path(stage).read_bytes()
        verifier.run(stage)
        assert fitness_path(stage).read_bytes() == first, "the same bytes on every run"
    kept = orjson.loads(first)
    assert kept["fit"] is False
    assert any("false responses" in reason for reason in kept["reasons"])
    numbers = orjson.loads((stage.reports / "verifier.json").read_bytes())
    assert teacher_of(stage) == kept["identity"] != numbers["identity"], (
        "of all rules, those that the world asks"
    )
    assert numbers["judge"]["recall_false"] == 0.0
    assert numbers["cost"]["judge_calls"] > 0
    assert numbers["cost"]["prompt_tokens"] > 0
    with pytest.raises(UnfitVerifierError, match="false responses"):
        require_fit(stage)


def test_rules_alone_are_audited_through_the_service(stage: Stage) -> None:
    section = {"formula": "hard-only", "audit_items": 60}
    raw = {
        "name": "rules",
        "data": {"kind": "world"},
        "policy": {"kind": "scratch"},
        "judge": {"kind": "none"},
    }
    alone = Stage(stage.root, parse_recipe(raw | {"verifier": section}, "test"), stage.source)
    verifier.run(alone)
    numbers = orjson.loads((alone.reports / "verifier.json").read_bytes())
    assert numbers["fit"] is True, numbers["reasons"]
    assert "no judge" in numbers["notes"][0]
    assert numbers["rules"]["recall_false"] == 1.0
    assert numbers["cost"]["judge_calls"] == 0
    assert require_fit(alone) == teacher_of(alone)
    assert os.environ.get("VERIF_JUDGE_URL", "") == ""
    with lease.verifier(alone) as endpoint:
        repair_a_run(endpoint.url, alone.root / "run" / "rollouts")


def repair_a_run(url: str, folder: Path) -> None:
    """`verif rescore --errors-only` against the running service gives a lost rollout its reward."""
    rule = RuleConstraint(text="Use no commas.", rule="punctuation:no_comma")
    instruction = Instruction(id="1", prompt="Use no commas.", constraints=(rule,))
    write_step(folder, 1, [Rollout(1, "u", instruction, Response(text="A boat."), None)])
    rescore(folder.parent, verifier=url, errors_only=True, out=None)
    (target,) = folder.parent.glob("rollouts-rescored-*")
    assert [row.reward for row in read(target)] == [1.0]
    assert orjson.loads((target / "changes.json").read_bytes())["repaired"] == 1
