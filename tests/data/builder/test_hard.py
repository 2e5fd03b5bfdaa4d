"""Hard constraints come from the answer, hold of it, and say in words what they check."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from verif.core.text import Doc
from verif.data.builder.fields import USUAL, chosen, slots
from verif.data.builder.hard import passes, rounded, synthesised
from verif.errors import InputError

LETTER = (
    "<<A letter>>\nDear Ann, the harbour was quiet today. The boats rested, and 12 gulls sat on the wall. I counted 40"
    " nets and *two anchors*.\n\n* One was old.\n* One was new.\n\nNobody spoke. The evening was long and the light was"
    " low over the harbour.\n\nP.S. The harbour says hello."
)


def test_what_is_found_holds_of_the_answer_and_reads_as_it_checks() -> None:
    made = synthesised("Write a letter.", LETTER, chosen(()), random.Random(1))
    by_rule = {constraint.rule: constraint for constraint in made}
    assert all(passes(c.rule, c.params, Doc(LETTER)) for c in made)
    assert by_rule["detectable_format:number_bullet_lists"].params == {"num_bullets": 2}
    assert by_rule["count:numbers"].text == "Include exactly 2 numbers, written in digits."
    assert by_rule["detectable_content:postscript"].params == {"postscript_marker": "P.S."}
    assert "detectable_format:title" in by_rule
    assert not {"punctuation:no_comma", "change_case:english_capital", "startend:quotation"} & set(by_rule)


@settings(max_examples=20)
@given(st.text(alphabet='ab c.,!?\n*-"<>[]{}ß1', max_size=200), st.integers(0, 5))
def test_whatever_the_answer_says_every_constraint_holds_of_it(answer: str, seed: int) -> None:
    for constraint in synthesised("Say it.", answer, ("local:max_words", *USUAL[:8]), random.Random(seed)):
        assert passes(constraint.rule, constraint.params, Doc(answer))
        assert all(
            str(value) in constraint.text for value in constraint.params.values() if isinstance(value, int)
        )


def test_limits_leave_room_and_are_round() -> None:
    assert (rounded(57.6, up=False), rounded(86.4, up=True), rounded(7.2, up=False)) == (50, 90, 7)
    answer = " ".join(["word"] * 72)
    for seed in range(6):
        for constraint in synthesised(
            "Say it.", answer, ("local:max_words", "local:min_words"), random.Random(seed)
        ):
            assert constraint.params["n"] in (90, 50)


def test_a_recipe_names_rules_alone_or_by_family() -> None:
    assert "local:max_words" in chosen(("local:*",))
    assert chosen(("punctuation:no_comma",)) == ("punctuation:no_comma",)
    with pytest.raises(InputError, match="no_coma"):
        chosen(("punctuation:no_coma",))
    assert len(chosen(())) == len(USUAL), "all usual rules can be filled"


def test_a_rule_that_needs_a_request_to_repeat_cannot_be_filled() -> None:
    assert slots("combination:repeat_prompt") is None
    assert slots("count:word_count_range") is None
