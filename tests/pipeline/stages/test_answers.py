"""`answers-local` through its stages: prepared, audited by a real service, and evaluated by its truth."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from verif.audit.fitness import require_fit
from verif.evaluation import catalog
from verif.evaluation.case import Generation
from verif.evaluation.judging import blank, by_truth
from verif.pipeline.stages import judge, prepare, verifier
from verif.pipeline.sweep import changed, jobs, load_sweep
from verif.project import Stage, set_parameters
from verif.recipe import load_recipe, parse_recipe
from verif.service import lease
from verif.types import Status

ROOT = Path(__file__).resolve().parents[3]
SMALL = {f"data.{name}": n for name, n in {
    "train": 16, "validation": 8, "test": 8, "golden": 60, "policy_pairs": 100, "judge_pairs": 100,
}.items()} | {"verifier.audit_items": 60}  # fmt: skip


def stage(folder: Path, **values: object) -> Stage:
    base = load_recipe("answers-local", ROOT / "recipes").model_dump(mode="json", by_alias=True)
    return Stage(folder, parse_recipe(changed(base, {**SMALL, **values}), "test"), folder)


def test_its_rows_are_prepared_and_evaluated_by_their_truth(tmp_path: Path) -> None:
    made = stage(tmp_path)
    prepare.run(made)
    cases = catalog.load("sums-test", "", made.data, made.root)
    value = cases[0].instruction.constraints[0].answer  # type: ignore[union-attr]
    said = {f"The answer is {value}.": "pass", "The answer is 999.": "fail", "": "unscorable"}
    for text, status in said.items():
        answer = Generation(text, finished=bool(text))
        (row,) = by_truth(blank("b", "m", "t1", cases[0], answer), cases[0], answer)
        assert (row.status, row.index) == (Status(status), 0)
    report = orjson.loads((made.reports / "data.json").read_bytes())
    assert report["source"]["asks"] == "reference"


def test_its_parameters_name_the_code_that_draws_it(tmp_path: Path) -> None:
    (tmp_path / "recipes").mkdir()
    text = (ROOT / "recipes" / "answers-local.yaml").read_text()
    (tmp_path / "recipes" / "answers-local.yaml").write_text(text)
    (tmp_path / "params.yaml").write_text("recipe: local\ndata: verif/data/world\n")
    assert set_parameters(tmp_path, "answers-local")["data"] == "verif/data/sums"


@pytest.mark.slow
def test_the_sweep_has_the_four_verifiers_and_one_policy_a_seed() -> None:
    sweep = load_sweep(ROOT / "sweeps" / "answers.yaml", ROOT / "recipes")
    base = load_recipe(sweep.base, ROOT / "recipes").model_dump(mode="json", by_alias=True)
    made = [parse_recipe(changed(base, trial.values), trial.arm) for trial in jobs(sweep)]
    assert len(made) == 12
    assert {(r.data.asks, r.judged, bool(r.verifier.reference)) for r in made} == {  # type: ignore[union-attr]
        ("reference", False, False), ("reference", False, True), ("judge", True, False), ("spellings", False, False),
    }  # fmt: skip
    assert len({r.policy.model_dump_json() for r in made}) == len(sweep.seeds)


@pytest.mark.slow
def test_its_verifier_is_audited_through_the_service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(lease.IDLE_VARIABLE, "2")
    made = stage(tmp_path)
    prepare.run(made)
    judge.run(made)
    (made.models / "policy").mkdir()
    try:
        verifier.run(made)
    finally:
        for folder in (made.state / "leases").glob("*"):
            if living := lease.living(folder):
                lease.end(living)
    assert require_fit(made)
    numbers = orjson.loads((made.reports / "verifier.json").read_bytes())
    assert numbers["rules"]["accept_true"] > 0.9, "the rule alone accepts about half of these"
    assert any("rules, checkers and reference answers" in note for note in numbers["notes"])
    assert {"answers.csv", "answer_attacks.csv"} <= {p.name for p in (made.reports / "verifier").iterdir()}
