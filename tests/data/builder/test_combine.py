"""Rows ask for what goes together, no more than the answer bears, and never against the question."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from verif.data.builder.combine import Mixture, asked_already, combined
from verif.data.builder.pairs import SourcePair
from verif.data.builder.quarantine import Refusal
from verif.recipe import CombineSection
from verif.types import RuleConstraint, SoftConstraint

BULLETS = RuleConstraint(
    text="Write exactly 3 bullet points.",
    rule="detectable_format:number_bullet_lists",
    params={"num_bullets": 3},
)
WORDS = RuleConstraint(text="Write at most 40 words.", rule="local:max_words", params={"n": 40})
MORE_WORDS = RuleConstraint(text="Write at least 20 words.", rule="local:min_words", params={"n": 20})
SAD = SoftConstraint(text="Keep a sad tone.", dimension="style")
PAIR = SourcePair("p1", 1, "Describe {task} in the {sentences} way.", "word " * 30, "Be kind.", "MIT", "ours")
SECTION = CombineSection(least=2, most=4)


def test_a_row_holds_the_question_as_it_is_and_every_constraint_in_words() -> None:
    row = combined(PAIR, [BULLETS, WORDS, SAD], SECTION, Mixture(), 1)
    assert not isinstance(row, Refusal)
    assert PAIR.prompt in row.prompt
    assert all(constraint.text in row.prompt for constraint in row.constraints)
    assert (row.system, row.meta["licence"], row.meta["source"]) == ("Be kind.", "MIT", "ours")
    assert row == combined(PAIR, [BULLETS, WORDS, SAD], SECTION, Mixture(), 1)


def test_two_counts_of_the_same_thing_never_stand_together() -> None:
    for seed in range(10):
        row = combined(PAIR, [WORDS, MORE_WORDS, SAD, BULLETS], SECTION, Mixture(), seed)
        assert not isinstance(row, Refusal)
        assert not {WORDS.rule, MORE_WORDS.rule} <= {c.rule for c in row.constraints if c.kind == "rule"}


def test_the_rarest_type_comes_first() -> None:
    mixture = Mixture()
    for number in range(60):
        pair = SourcePair(f"p{number}", number, "Describe it.", "word " * 13)
        combined(pair, [BULLETS, WORDS, SAD], CombineSection(least=2, most=2, hard_share=0.5), mixture, 1)
    assert mixture.types["soft:style"] == 60
    assert abs(mixture.types[BULLETS.rule] - mixture.types[WORDS.rule]) <= 1


@pytest.mark.parametrize(
    ("answer", "kind"), [("two words", "too short"), ("word " * 30, "too few constraints")]
)
def test_a_pair_that_bears_too_little_is_refused(answer: str, kind: str) -> None:
    refusal = combined(SourcePair("p", 3, "Say it.", answer), [SAD], SECTION, Mixture(), 1)
    assert isinstance(refusal, Refusal)
    assert (refusal.kind, refusal.row) == (kind, 3)


def test_a_number_that_the_question_names_keeps_its_rule_out() -> None:
    assert asked_already("Describe it in 2 bullets, please.", BULLETS)
    assert not asked_already("Describe it in bullets on the 12th.", BULLETS)


@settings(max_examples=50)
@given(st.text(alphabet="0123456789²٣ abulets,.", max_size=60))
def test_no_question_is_too_odd(question: str) -> None:
    assert asked_already(f"{question} bullets", BULLETS) in (True, False)


def test_a_recipe_may_ask_for_plain_prompts_alone() -> None:
    for seed in range(10):
        row = combined(
            PAIR, [BULLETS, WORDS, SAD], SECTION.model_copy(update={"style": "plain"}), Mixture(), seed
        )
        assert not isinstance(row, Refusal)
        assert row.prompt == " ".join([PAIR.prompt, *(constraint.text for constraint in row.constraints)])
