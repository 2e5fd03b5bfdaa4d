"""`verif rescore RUN --verifier RECIPE`: the service of another recipe of the project, started for it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest
import yaml
from support.bad_judge import serving
from support.stand_ins import rollout

from verif.cli.app import main
from verif.data.rollouts import read, write_step
from verif.service import lease
from verif.types import Status

pytestmark = pytest.mark.slow

HUB = {"kind": "hub", "repo": "test/judge", "revision": "1", "digest": "0" * 8}
RECIPES = {
    "now": {"judge": HUB, "verifier": {"formula": "average", "prompt": "joint-en"}},
    "strict": {"judge": HUB, "verifier": {"formula": "product", "prompt": "joint-en"}},
    "rules": {"judge": {"kind": "none"}, "verifier": {"formula": "hard-only"}},
    "foreign": {"judge": HUB | {"repo": "test/other", "digest": "1" * 8}, "verifier": {"prompt": "joint-en"}},
}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Four recipes, a run of the first, and no service that outlives the test."""
    (tmp_path / "recipes").mkdir()
    for name, sections in RECIPES.items():
        raw = {"name": name, "data": {"kind": "world"}, "policy": {"kind": "scratch"}, **sections}
        (tmp_path / "recipes" / f"{name}.yaml").write_text(yaml.safe_dump(raw))
    (tmp_path / "params.yaml").write_text("recipe: now\ndata: verif/data/world\n")
    rows = [
        rollout(1, Status.PASS, 1.0),
        rollout(1, Status.PASS, 1.0, "A boat, a gull."),
        rollout(1, Status.ERROR, None),
    ]
    write_step(tmp_path / "reports" / "train" / "rollouts", 1, rows)
    (tmp_path / "models" / "judge").mkdir(parents=True)
    monkeypatch.setenv(lease.IDLE_VARIABLE, "2")
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    for folder in (tmp_path / ".verif" / "leases").glob("*"):
        if found := lease.living(folder):
            lease.end(found)


def rescore(monkeypatch: pytest.MonkeyPatch, name: str, *more: str) -> int:
    monkeypatch.setattr(sys, "argv", ["verif", "rescore", ".", "--verifier", name, *more])
    try:
        main()
    except SystemExit as ended:
        return int(ended.code or 0)
    return 0


def test_another_formula_with_the_same_judge(project: Path, monkeypatch, capsys) -> None:
    with serving('calm</think>{"verdict":"pass"}') as url:
        monkeypatch.setenv("VERIF_JUDGE_URL", url)
        assert rescore(monkeypatch, "strict", "--out", "new") == 0
    assert [row.reward for row in read(project / "new")] == [1.0, 0.0, 1.0]
    changes = orjson.loads((project / "new" / "changes.json").read_bytes())
    assert (changes["asked"], changes["repaired"], changes["rewards_changed"]) == (3, 1, 1)
    assert "3 of 3 rollouts judged again" in capsys.readouterr().out


def test_rules_alone_need_no_judge(project: Path, monkeypatch) -> None:
    monkeypatch.delenv("VERIF_JUDGE_URL", raising=False)
    assert rescore(monkeypatch, "rules") == 0
    (target,) = (project / "reports").glob("train-rescored-*")
    assert [row.reward for row in read(target)] == [1.0, 0.0, 1.0]


def test_a_judge_that_is_not_here_is_never_replaced_by_the_one_that_is(project, monkeypatch, capsys) -> None:
    monkeypatch.delenv("VERIF_JUDGE_URL", raising=False)
    assert rescore(monkeypatch, "foreign") == 2
    assert "recipe 'foreign' has another judge than 'now'" in capsys.readouterr().err
    assert rescore(monkeypatch, "nonesuch") == 2
    assert "Known recipes: foreign, now, rules, strict." in capsys.readouterr().err
    with serving('tense</think>{"verdict":"fail"}') as url:
        monkeypatch.setenv("VERIF_JUDGE_URL", url)
        assert rescore(monkeypatch, "foreign", "--errors-only", "--out", "new") == 0
    assert [row.reward for row in read(project / "new")] == [1.0, 1.0, 0.5]
