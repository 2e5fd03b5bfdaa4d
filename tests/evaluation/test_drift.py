"""How far answers have moved: who says so is named, an error is left out and never counted as a fall."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import Any

import pytest

from verif.data.composed.prepare import prepare_composed
from verif.evaluation.case import Case, Generation
from verif.evaluation.drift import likelihood_drift, relevance_drift
from verif.recipe import ComposedData, ScratchModel
from verif.types import Item, Reward, Status, Verdict, Verification

ITEMS = prepare_composed(ComposedData(train=16, validation=8, test=24, unseen=8, relevance=True), 1).test
CASES = [Case(item, cluster=str(item.meta["source"])) for item in ITEMS]
ON_TASK = {case.id: Generation(f"I saw {case.instruction.meta['source']} today.") for case in CASES}
OFF_TASK = {case.id: Generation('"P.S. P.S. P.S. P.S."') for case in CASES}


class Judge:
    """Passes a text about anything that was seen; gives an error to those ids that it is told to."""

    def __init__(self, silent: Iterable[str] = ()) -> None:
        self.silent, self.asked = set(silent), list[Item]()

    async def verify(self, items: Any, **_: Any) -> AsyncIterator[Verification]:
        for item in items:
            self.asked.append(item)
            ok = Status.PASS if "saw" in item.response.text else Status.FAIL
            status = Status.ERROR if item.id in self.silent else ok
            yield Verification(
                id=item.id,
                verdicts=(Verdict(status=status, covers=(0,)),),
                reward=Reward(value=None, state="error", formula="all"),
            )


def test_the_judge_is_asked_about_the_task_alone_and_says_how_many_fell() -> None:
    judge = Judge()
    half = {case.id: (ON_TASK if n % 2 else OFF_TASK)[case.id] for n, case in enumerate(CASES)}
    told = relevance_drift(judge, CASES, ON_TASK, half, 200, 1)
    assert told["by"] == "judge"
    assert told["drop"]["value"] == 0.5
    for item in judge.asked:
        (constraint,) = item.instruction.constraints
        assert constraint.kind == "soft"
        assert item.instruction.prompt != constraint.text


def test_an_error_is_left_out_on_both_sides_and_is_no_fall() -> None:
    told = relevance_drift(Judge(silent=["0", "3"]), CASES, ON_TASK, ON_TASK, 200, 1)
    assert told["left_out"] == 2
    assert told["drop"]["value"] == 0.0
    assert told["after"]["n"] == len(CASES) - 2


def test_without_a_judge_a_lexical_measure_stands_there_by_its_name() -> None:
    told = relevance_drift(None, CASES, ON_TASK, OFF_TASK, 200, 1)
    assert told["by"] == "names its subject"
    assert told["drop"]["value"] == 1.0


def test_rows_without_a_task_have_no_relevance() -> None:
    other = [Case(item.model_copy(update={"meta": {}})) for item in ITEMS]
    assert relevance_drift(None, other, ON_TASK, OFF_TASK, 200, 1) == {}


@pytest.mark.slow
def test_answers_that_the_start_would_not_write_are_less_likely_under_it(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    from verif.training.tiny.pretrain import from_scratch

    lessons = [(case.instruction.prompt, ON_TASK[case.id].text) for case in CASES]
    size = ScratchModel(width=32, layers=1, heads=1, ffn=64, vocabulary=500, context=512, steps=60, batch=8)
    from_scratch(size, lessons * 3, tmp_path / "start", "start")
    told = likelihood_drift(tmp_path / "start", CASES, ON_TASK, OFF_TASK, 200, 1)
    assert told["before"]["value"] > told["after"]["value"]
    assert told["drop"]["value"] > 1.0
    empty = {case.id: Generation("") for case in CASES}
    assert likelihood_drift(tmp_path / "start", CASES, ON_TASK, empty, 200, 1) == {"left_out": len(CASES)}
