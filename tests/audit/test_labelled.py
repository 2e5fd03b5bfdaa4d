"""From labelled responses to a verdict on the judge: real-data recipes have no other truth about soft constraints."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from support.bad_judge import serving

from verif.audit.cases import AuditCase
from verif.audit.fitness import fitness_path, require_fit
from verif.audit.run import choose
from verif.errors import UnfitVerifierError
from verif.pipeline.stages import prepare, verifier
from verif.project import Stage
from verif.recipe import LABELLED, Recipe, parse_recipe
from verif.service import lease
from verif.types import Instruction, SoftConstraint

CALM = "The water lies still between the piers."
"""What every calm response says, and no attack or instruction does."""
PAIRS = f"{LABELLED}/pairs.jsonl"
SOURCE = "def check_following(instruction, response):\n    return ':' not in response"


def row(n: int) -> dict[str, Any]:
    prompt = f"Describe harbour number {n}. Keep a calm tone. Avoid the use of colons."
    labels = ["[llm] Style: Keep a calm tone.", "[rule] Punctuation: Avoid the use of colons."]
    return {"id": f"r{n}", "prompt": prompt, "checkers": labels, "functions": ["", SOURCE]}


def labelled(count: int) -> list[dict[str, Any]]:
    """Two responses to each instruction, one calm and one not; nobody labelled the colons."""
    return [
        {**row(1000 + n), "response": f"{text} That is harbour {n}.", "truth": [calm, None]}
        for n in range(count)
        for calm, text in ((True, CALM), (False, "Run for your lives!"))
    ]


def preferences() -> list[dict[str, Any]]:
    """Two pairs: in the second, both responses are calm."""
    texts = [(CALM, "Run!"), (CALM, f"{CALM} Run!")]
    return [
        {"instruction": {"id": f"p{n}", "prompt": "Be calm."}, "chosen": {"text": a}, "rejected": {"text": b}}
        for n, (a, b) in enumerate(texts)
    ]


def recipe(**data: Any) -> Recipe:
    """A judged recipe for VerInstruct rows."""
    sizes = {"kind": "verinstruct", "validation": 4, "test": 4, "golden": 30, "rows": 60, **data}
    section = {"formula": "average", "prompt": "joint-en", "audit_items": 80, "pairs": PAIRS}
    raw = {"name": "t", "data": sizes, "policy": {"kind": "scratch"}, "judge": {"kind": "scratch"}}
    return parse_recipe({**raw, "verifier": section}, "t")


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    """A directory with rows, labelled responses and a judge's folder; its services are ended."""
    monkeypatch.setenv(lease.IDLE_VARIABLE, "2")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    (tmp_path / LABELLED).mkdir(parents=True)
    files = {"rows.jsonl": [row(n) for n in range(60)], f"{LABELLED}/people.jsonl": labelled(25)}
    files[PAIRS] = preferences()
    for name, rows in files.items():
        (tmp_path / name).write_text("".join(json.dumps(one) + "\n" for one in rows))
    made = Stage(tmp_path, recipe(labelled=f"{LABELLED}/people.jsonl"), tmp_path / "rows.jsonl")
    (made.models / "judge").mkdir(parents=True)
    (made.models / "judge" / "config.json").write_text("{}", "utf-8")
    yield made
    for folder in (made.state / "leases").glob("*"):
        if found := lease.living(folder):
            lease.end(found)


def right(asked: str) -> float:
    return 0.99 if CALM in asked else 0.01


@pytest.mark.slow
def test_with_labelled_responses_a_good_judge_of_real_rows_is_fit(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare.run(stage)
    with serving(right) as url:
        monkeypatch.setenv("VERIF_JUDGE_URL", url)
        verifier.run(stage)
    numbers = orjson.loads((stage.reports / "verifier.json").read_bytes())
    assert numbers["fit"] is True, numbers["reasons"]
    assert require_fit(stage) == numbers["identity"]
    assert numbers["judge"]["n"] == 50, (
        "every labelled response is asked, although the budget holds fewer than all"
    )
    assert numbers["judge"]["recall_false"] == numbers["judge"]["accept_true"] == 1.0
    pairs = numbers["pairs"]["all"]
    assert (pairs["right"], pairs["wrong"], pairs["ties"], pairs["errors"]) == (1, 0, 1, 0)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("says", "reason"), [(0.99, "sees fewer than 90% of false"), (0.01, "accepts fewer than 90% of true")]
)
def test_a_judge_that_never_looks_is_unfit(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, says: float, reason: str
) -> None:
    prepare.run(stage)
    with serving(lambda asked: says) as url:
        monkeypatch.setenv("VERIF_JUDGE_URL", url)
        verifier.run(stage)
    with pytest.raises(UnfitVerifierError, match=f"the judge {reason}"):
        require_fit(stage)


@pytest.mark.slow
def test_without_them_even_a_good_judge_is_unfit_and_the_reason_says_what_to_give(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    bare = Stage(stage.root, recipe(), stage.source)
    prepare.run(bare)
    with serving(right) as url:
        monkeypatch.setenv("VERIF_JUDGE_URL", url)
        verifier.run(bare)
    kept = orjson.loads(fitness_path(bare).read_bytes())
    assert any("docs/audit.md says how to label some" in reason for reason in kept["reasons"])
    notes = orjson.loads((bare.reports / "verifier.json").read_bytes())["notes"]
    assert any("`data.labelled` in the recipe" in note for note in notes)


def test_the_budget_goes_to_what_is_known_about_a_judge() -> None:
    soft = Instruction(id="1", prompt="p", constraints=(SoftConstraint(text="Be calm."),))
    known = [AuditCase(f"k{n}", soft, "t", (n % 2 == 0,)) for n in range(60)]
    unknown = [AuditCase(f"u{n}", soft, "t", (None,)) for n in range(500)]
    chosen = choose([*unknown, *known], recipe())
    assert {case.id for case in known} <= {case.id for case in chosen}
    assert len(chosen) == 80
