"""Judgements of relevance: what is true and what is false is known by how a text was made."""

from __future__ import annotations

import pytest

from verif.audit.relevance_pairs import TAUGHT, UNTAUGHT, golden, judgements, usable
from verif.data.composed.naming import named
from verif.data.composed.prepare import prepare_composed
from verif.errors import TrainingError
from verif.recipe import ComposedData
from verif.types import Instruction

ITEMS = prepare_composed(ComposedData(train=48, validation=8, test=8, unseen=8, relevance=True), 1).train


def answer(item: Instruction) -> str:
    return (
        f"I had never thought of {item.meta['source']} before. Then I saw one in June. It made me glad for a whole week."
        " We still talk of it. Nobody else was there."
    )


ANSWERS = [(item, answer(item)) for item in ITEMS]


def test_half_is_true_and_only_the_task_is_asked_about() -> None:
    made = judgements(ANSWERS, "a")
    assert sum(each.pair.followed for each in made) * 2 == len(made)
    for each in made:
        assert [c.kind for c in each.pair.instruction.constraints] == ["soft"]
        assert each.pair.followed == (each.kind in ("own", "shortened"))
        assert not each.pair.reason


def test_an_answer_to_another_task_does_not_name_the_subject_and_a_stuffed_one_does() -> None:
    for each in judgements(ANSWERS, "a"):
        subject = each.pair.instruction.meta["source"]
        if each.kind == "other":
            assert not named(subject, each.pair.response)
        if each.kind in ("own", "shortened", "stuffed"):
            assert named(subject, each.pair.response), each.kind


def test_what_is_never_taught_stands_in_the_golden_set_alone() -> None:
    taught = {each.kind for each in judgements(ANSWERS, "a")}
    assert taught <= {"own", "shortened", "other", *TAUGHT}
    held = judgements(ANSWERS, "b", (TAUGHT, UNTAUGHT))
    assert {each.kind for each in held} & set(UNTAUGHT)
    assert [item.truth for item in golden(held)] == [[each.pair.followed] for each in held]


def test_the_same_seed_makes_the_same_judgements() -> None:
    assert judgements(ANSWERS, "a") == judgements(ANSWERS, "a") != judgements(ANSWERS, "b")


def test_form_tells_nothing_about_half_of_the_texts_are_made_to_keep_the_rules() -> None:
    shouted = [each for each in judgements(ANSWERS * 3, "a") if each.pair.response.isupper()]
    assert {each.pair.followed for each in shouted} == {True, False}


def test_a_policy_that_writes_of_something_else_teaches_no_judge() -> None:
    lost = [(item, "The weather is fine. " * 10) for item in ITEMS]
    with pytest.raises(TrainingError, match="answers name the subject of their task; 12 are needed"):
        usable(lost, 12)
    assert usable([*lost, *ANSWERS], 12)[-1] == ANSWERS[-1]
