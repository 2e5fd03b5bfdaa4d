"""Pairs known by construction: the oracle agrees, both questions stand side by side, and held-out families stay out."""

from __future__ import annotations

import random

import pytest

from verif.core.rules import check, get, validate
from verif.core.text import Doc
from verif.data.judgements.pairs import META
from verif.data.judgements.prepare import prepare_judgements
from verif.data.judgements.world import HELD_OUT, WorldPairs, world_pair
from verif.data.splits import Splits
from verif.data.world.oracle import soft_truth
from verif.errors import InputError
from verif.recipe import JudgementData
from verif.types import Instruction, RuleConstraint

SECTION = JudgementData(train=30, validation=4, test=8, unseen=8, golden=8, lessons=40, attacks=0)


@pytest.fixture(scope="module")
def splits() -> Splits:
    return prepare_judgements(SECTION, 1, WorldPairs())


def right(question: Instruction, text: str) -> bool:
    (constraint,) = question.constraints
    assert isinstance(constraint, RuleConstraint)
    return check(get(constraint.rule), Doc(text), validate(constraint.rule, constraint.params)).ok


@pytest.mark.parametrize("split", ["train", "test", "unseen"])
def test_one_response_of_a_pair_is_true_and_the_other_false(split: str) -> None:
    rng = random.Random(split)
    for _ in range(15):
        pair = world_pair(rng, split)
        assert soft_truth(pair.instruction, pair.good)
        assert not soft_truth(pair.instruction, pair.bad)
        assert (pair.construction in HELD_OUT) is (split == "unseen")


def test_both_questions_of_a_pair_stand_side_by_side(splits: Splits) -> None:
    for rows in (splits.train, splits.test):
        for first, second in zip(rows[::2], rows[1::2], strict=True):
            assert first.meta[META]["pair"] == second.meta[META]["pair"]
            assert [first.meta[META]["turn"], second.meta[META]["turn"]] == [0, 1]
            assert first.prompt != second.prompt
    forms = [row.meta[META]["form"] for row in splits.train[::2]]
    assert forms[:4] == ["pointwise", "pairwise"] * 2


def test_both_orders_hold_the_same_two_responses(splits: Splits) -> None:
    first, second = (row for row in splits.train if row.meta[META]["pair"] == "train-00002")
    told = [row.prompt.split("\n") for row in (first, second)]
    assert told[0][2] == told[1][4]
    assert told[0][4] == told[1][2]
    assert [row.meta[META]["expected"] for row in (first, second)] == ["A", "B"]


def test_no_family_of_unseen_and_no_instruction_of_test_is_trained_on(splits: Splits) -> None:
    trained = {row.meta[META]["construction"] for row in splits.train}
    assert not trained & set(HELD_OUT)
    assert splits.summary["never_trained_on"]
    assert set(splits.summary["never_trained_on"]) <= set(HELD_OUT)
    for pair in splits.policy_pairs:
        assert pair.response.endswith(("}",))


def test_golden_answers_are_judged_as_they_are_labelled(splits: Splits) -> None:
    labels = [item.truth[0] for item in splits.golden]
    assert labels.count(True) == labels.count(False)
    assert [right(item.instruction, item.response) for item in splits.golden] == labels


def test_the_same_seed_gives_the_same_rows_and_another_seed_others(splits: Splits) -> None:
    again, other = (prepare_judgements(SECTION, seed, WorldPairs()) for seed in (1, 2))
    assert (again.train, again.policy_pairs) == (splits.train, splits.policy_pairs)
    assert other.train != splits.train


@pytest.mark.slow
def test_a_source_with_too_few_pairs_is_one_error() -> None:
    class Same(WorldPairs):
        def draw(self, rng: random.Random, split: str):  # type: ignore[no-untyped-def]
            return super().draw(random.Random(split), split)

    with pytest.raises(InputError, match="only 1 different pairs could be made, 30 are asked for"):
        prepare_judgements(SECTION, 1, Same())
