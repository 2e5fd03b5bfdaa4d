"""The sums world: its truth, its splits, and that the same seed gives the same data."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verif import verify
from verif.data.sums.prepare import golden, judge_pairs, policy_pairs, prepare_sums
from verif.data.sums.questions import Sum, draw, instruction, sum_of
from verif.data.sums.responses import authored
from verif.data.sums.spelling import FORMS, MOST, THINGS, meaning, spell
from verif.data.sums.truth import right
from verif.data.truths import truths
from verif.errors import InputError
from verif.recipe import SumsData
from verif.types import Instruction, Status

SEVEN_AND_FIVE = instruction(Sum(7, (("plus", 5),), "boat"), "reference", random.Random(1), "1")
SMALL = SumsData(train=40, validation=8, test=20, golden=40, policy_pairs=100, judge_pairs=100)


@pytest.mark.parametrize(
    ("text", "ok"),
    [
        ("The answer is 12.", True),
        ("Seven plus five is twelve. The answer is Twelve boats", True),
        ("Nonsense. the answer is 24/2.", True),
        ("The answer is 12. The answer is twelve.", True),
        ("The answer is 12. The answer is 13.", False),
        ("The answer is 12 apples.", False),
        ("The answer is 7 + 5.", False),
        ("The answer is seven plus five.", False),
        ("Twelve.", False),
        ("The answer is 12 or 13.", False),
        ("The answer is .", False),
        ("", False),
    ],
)
def test_the_truth_is_what_is_said_behind_the_cue(text: str, ok: bool) -> None:
    assert right(SEVEN_AND_FIVE, text) is ok
    assert truths(SEVEN_AND_FIVE, text) == (ok,)


@given(st.integers(0, MOST), st.sampled_from(FORMS), st.sampled_from(THINGS))
def test_every_spelling_is_read_back(value: int, form: str, thing: str) -> None:
    assert meaning(spell(value, form, thing)) == (value, thing if form.endswith("thing") else "")


@given(st.integers(0, 2**32).map(random.Random))
def test_careful_authors_are_right_and_a_sum_stays_within_its_numbers(rng: random.Random) -> None:
    item = draw(rng, "train", "reference")
    assert all(0 <= value <= MOST for value in sum_of(item).values)
    assert right(item, authored(item, rng, careless=0.0))
    assert not right(item, authored(item, rng, careless=1.0))


@given(st.integers(0, 2**32).map(random.Random))
def test_a_reference_with_all_spellings_is_the_truth(rng: random.Random) -> None:
    for kept in golden(4, SumsData(asks="spellings"), rng):
        verdict = verify(kept.instruction, kept.response).verdicts[0]
        assert (verdict.status is Status.PASS) == kept.truth[0]


def test_the_rule_for_numbers_refuses_words_and_accepts_nothing_wrong() -> None:
    found = {True: [0, 0], False: [0, 0]}
    for kept in golden(300, SumsData(), random.Random(1)):
        passed = verify(kept.instruction, kept.response).verdicts[0].status is Status.PASS
        found[bool(kept.truth[0])][passed] += 1
    assert found[False][1] <= 2  # "6 boats. The answer is 7." is two answers to the truth and one to the rule
    assert 0.25 < found[True][0] / sum(found[True]) < 0.6


def test_splits_share_no_question_and_the_seed_decides_all() -> None:
    made, again = prepare_sums(SMALL, 1), prepare_sums(SMALL, 1)
    assert made == again
    assert made != prepare_sums(SMALL, 2)
    asked = {name: {sum_of(item) for item in getattr(made, name)} for name in ("train", "validation", "test")}
    assert not asked["train"] & asked["test"]
    assert not asked["train"] & asked["validation"]


def test_who_decides_changes_no_text_that_a_policy_learns_from() -> None:
    for asks in ("reference", "spellings", "judge"):
        made = prepare_sums(SMALL.model_copy(update={"asks": asks}), 1)
        assert made.policy_pairs == policy_pairs(SMALL.policy_pairs, random.Random("1-sums-policy"))
        assert [item.prompt for item in made.train] == [item.prompt for item in prepare_sums(SMALL, 1).train]


def test_a_judge_is_taught_both_kinds_and_told_the_right_answer_only() -> None:
    pairs = judge_pairs(200, random.Random(1))
    assert 0.35 < sum(pair.followed for pair in pairs) / len(pairs) < 0.7
    assert all(pair.followed == right(pair.instruction, pair.response) for pair in pairs)
    asked = sum_of(pairs[0].instruction)
    named = spell(asked.answer, "digits thing", asked.thing)
    assert pairs[0].instruction.constraints[0].text == f"The right answer is {named}."


def test_an_instruction_from_elsewhere_has_no_truth() -> None:
    with pytest.raises(InputError, match="not of the sums world"):
        right(Instruction(id="7", prompt="How many?"), "The answer is 1.")
