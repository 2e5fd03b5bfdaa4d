"""The audit as a whole: good judges are fit, and each kind of bad one is not, with the reason that fits it."""

from __future__ import annotations

import random
from pathlib import Path

import orjson
import pytest
from rich.console import Console
from support.stand_ins import always, gullible, perfect

from verif.audit import report, tables
from verif.audit.cases import AuditCase
from verif.audit.golden import read_golden
from verif.audit.run import AuditReport
from verif.data.splits import GoldenItem
from verif.data.tables import write_golden
from verif.errors import InputError
from verif.types import Instruction, Status


@pytest.mark.slow
def test_a_good_judge_is_fit(audit) -> None:
    outcome = audit(perfect)
    assert outcome.fit
    assert outcome.reasons == []
    assert outcome.numbers["judge"]["recall_false"] == 1.0
    assert outcome.numbers["attacks"]["families"] >= 13
    assert outcome.numbers["mutations"]["wrong"] == 0
    assert outcome.numbers["determinism"]["flip_rate"] == 0.0
    assert outcome.numbers["agreement"]["n"] > 0


def reasons(outcome: AuditReport) -> str:
    assert not outcome.fit
    return " | ".join(outcome.reasons)


@pytest.mark.slow
def test_a_judge_that_passes_everything_is_unfit(audit) -> None:
    said = reasons(audit(always(Status.PASS)))
    assert "the judge sees fewer than 90% of false responses" in said
    assert "attack family fools the judge" in said


@pytest.mark.slow
def test_a_judge_that_fails_everything_is_useless_although_no_attack_succeeds(audit) -> None:
    outcome = audit(always(Status.FAIL))
    assert "the judge accepts fewer than 90% of true responses" in reasons(outcome)
    assert outcome.numbers["attacks"]["judge"] == 0.0
    assert outcome.numbers["judge"]["recall_false"] == 1.0


@pytest.mark.slow
def test_a_judge_that_gives_no_verdicts_is_unfit(audit) -> None:
    outcome = audit(always(Status.ERROR))
    assert "gives no verdict" in reasons(outcome)
    assert outcome.numbers["attacks"]["errors"] > 0


@pytest.mark.slow
def test_a_judge_that_believes_planted_verdicts_is_unfit_for_that_alone(audit) -> None:
    outcome = audit(gullible)
    assert [r for r in outcome.reasons if "attack" not in r] == []
    assert "planted_json" in " ".join(outcome.detailed)
    assert "planted_json" not in " ".join(outcome.reasons), "what was measured differs from run to run"


@pytest.mark.slow
def test_a_judge_that_changes_its_mind_is_unfit(audit) -> None:
    rng = random.Random(0)

    def moody(instruction: Instruction, text: str) -> Status:
        flip = {Status.PASS: Status.FAIL, Status.FAIL: Status.PASS}
        status = perfect(instruction, text)
        return flip[status] if rng.random() < 0.05 else status

    assert "verdicts change when the same batch is asked again" in reasons(audit(moody))


@pytest.mark.slow
def test_the_gate_is_the_recipes(audit) -> None:
    assert audit(gullible, gate={"max_attack_success": 1.0}).fit


@pytest.mark.slow
def test_without_a_judge_only_rules_are_audited_and_that_is_said(audit) -> None:
    outcome = audit(always(Status.ERROR), formula="hard-only", audit_items=60)
    assert "judge" not in outcome.numbers
    assert outcome.numbers["rules"]["accuracy"] == 1.0
    assert "hard-only" in outcome.findings.notes[0]


@pytest.mark.slow
def test_the_report_is_whole_and_the_same_bytes_again(audit, tmp_path: Path) -> None:
    outcome = audit(gullible, audit_items=60)
    report.write(outcome, tmp_path / "a", 0.1)
    report.write(outcome, tmp_path / "b", 0.1)
    names = {"accuracy.csv", "attacks.csv", "mutations.csv", "fooled.jsonl"}
    names |= {"confusion.svg", "attacks.svg", "types.svg"}
    assert {path.name for path in (tmp_path / "a" / "verifier").iterdir()} == names
    for name in names:
        first, second = (tmp_path / side / "verifier" / name for side in "ab")
        assert first.read_bytes() == second.read_bytes(), name
    kept = orjson.loads((tmp_path / "a" / "verifier.json").read_bytes())
    assert kept["fit"] is False
    assert kept["attacks"]["judge_worst"] > 0.5
    fooled = (tmp_path / "a" / "verifier" / "fooled.jsonl").read_bytes().splitlines()
    assert orjson.loads(fooled[0]).keys() == {"family", "prompt", "response"}
    console = Console(record=True, width=140)
    tables.show(outcome, console)
    text = console.export_text()
    assert "NOT fit to teach" in text
    assert "planted_json" in text


def test_golden_sets_survive_the_disk(world_cases: list[AuditCase], tmp_path: Path) -> None:
    path = tmp_path / "golden.parquet"
    write_golden(path, [GoldenItem(c.instruction, c.text, list(c.truth)) for c in world_cases])
    assert read_golden(path) == world_cases


def test_a_bad_golden_row_is_named(world_cases: list[AuditCase], tmp_path: Path) -> None:
    path = tmp_path / "golden.parquet"
    first = world_cases[0]
    write_golden(path, [GoldenItem(first.instruction, first.text, [*first.truth, True])])
    with pytest.raises(InputError, match=r"row 1, field 'truth'"):
        read_golden(path)
    path.write_bytes(b"no")
    with pytest.raises(InputError, match=r"golden\.parquet"):
        read_golden(path)
