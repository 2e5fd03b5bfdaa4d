"""`data.relevance`: rows to train on ask a judge, too; nothing else of the data changes, and what is measured stays."""

from __future__ import annotations

import pytest

from verif.core.reward import reward
from verif.data.composed.naming import named
from verif.data.composed.prepare import prepare_composed
from verif.data.composed.tasks import SUBJECTS
from verif.data.splits import Splits
from verif.recipe import ComposedData
from verif.types import Instruction, Status, Verdict

SIZES = {"train": 60, "validation": 10, "test": 30, "unseen": 30}


@pytest.fixture(scope="module")
def plain() -> Splits:
    return prepare_composed(ComposedData(**SIZES), 3)


@pytest.fixture(scope="module")
def asked() -> Splits:
    return prepare_composed(ComposedData(**SIZES, relevance=True), 3)


def test_prompts_and_rules_are_the_same_with_and_without_it(plain: Splits, asked: Splits) -> None:
    for name in ("train", "validation", "test", "unseen"):
        for before, after in zip(getattr(plain, name), getattr(asked, name), strict=True):
            assert (after.prompt, after.meta["source"]) == (before.prompt, before.meta["source"])
            assert after.constraints[: len(before.constraints)] == before.constraints


def test_what_is_trained_on_asks_a_judge_about_its_bare_task_and_what_is_measured_does_not(
    plain: Splits, asked: Splits
) -> None:
    for item in (*asked.train, *asked.validation):
        soft = [c for c in item.constraints if c.kind == "soft"]
        assert soft == [item.constraints[-1]]
        assert soft[0].text.endswith(item.meta["task"])
        assert item.meta["task"] in item.prompt
    for item in (*asked.test, *asked.unseen):
        assert all(c.kind == "rule" for c in item.constraints)
        assert item.meta["task"] in item.prompt
    assert all("task" not in item.meta for item in (*plain.train, *plain.test))


@pytest.mark.parametrize("formula", ["all", "product"])
def test_a_text_that_has_left_its_task_earns_nothing_whatever_rules_it_keeps(
    asked: Splits, formula: str
) -> None:
    item = next(item for item in asked.train if len(item.constraints) == 3)
    assert worth(item, (True, True, False), formula) == 0.0
    assert worth(item, (True, True, True), formula) == 1.0
    assert worth(item, (True, False, True), formula) == (
        0.5 if formula == "product" else 0.0
    )  # partial credit


def worth(item: Instruction, kept: tuple[bool, ...], formula: str) -> float | None:
    verdicts = [
        Verdict(status=Status.PASS if ok else Status.FAIL, covers=(place,)) for place, ok in enumerate(kept)
    ]
    return reward(item.constraints, verdicts, formula).value


@pytest.mark.parametrize("subject", SUBJECTS[::12], ids=lambda subject: subject.word)
def test_a_subject_is_named_by_its_phrase_and_its_word_in_any_case(subject) -> None:
    assert named(subject.phrase, f"This is about {subject.phrase.upper()}.")
    assert named(subject.phrase, f"({subject.word.capitalize()}) is the point.")
    assert not named(subject.phrase, "Xyzzy, quux: 12!")
    assert not named(subject.phrase, "")
