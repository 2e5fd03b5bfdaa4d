"""Answers that keep the rules and have left their task are seen in the worst tenth, not in the mean."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verif.evaluation.summary import warnings
from verif.evaluation.texture import copied, repeated, risen, texture, worst_tenth

PLAIN = "The boats went out at dawn and came back late with little in their nets."
PHRASE = "*This phrase* is one. " * 30
PROMPT = "Write about the sea. Highlight a phrase, for example *This phrase* is one. Use no commas."


def test_a_phrase_said_again_and_again_is_repeated_and_copied() -> None:
    assert repeated(PLAIN) == 0.0
    assert repeated(PHRASE) > 0.9
    assert copied(PROMPT, PHRASE) > 0.2
    assert copied(PROMPT, PLAIN) == 0.0
    assert copied(PROMPT, PROMPT) == 1.0


@pytest.mark.parametrize("text", ["", "one", "three words only", "   "])
def test_a_text_without_four_words_says_nothing(text: str) -> None:
    assert (repeated(text), copied(PROMPT, text)) == (0.0, 0.0)


@given(st.text(), st.text())
def test_any_text_gives_shares(prompt: str, text: str) -> None:
    assert 0.0 <= repeated(text) < 1.0
    assert 0.0 <= copied(prompt, text) <= 1.0


def test_the_worst_tenth_shows_what_the_mean_hides() -> None:
    answers = [(PROMPT, PLAIN)] * 38 + [(PROMPT, PHRASE)] * 2
    assert texture(answers)["repeated_worst_tenth"] > 0.4
    assert texture([(PROMPT, PLAIN)] * 40) == {"repeated_worst_tenth": 0.0, "copied_worst_tenth": 0.0}
    assert worst_tenth([]) == 0.0
    assert worst_tenth([0.0, 0.3]) == 0.3


def test_a_rise_is_a_warning_of_the_evaluation_and_a_fall_is_none() -> None:
    form = {"empty": {"value": 0.0}, "distinct": 1.0, "unknown_prompts": 0, "copied_worst_tenth": 0.1}
    before, after = {**form, "repeated_worst_tenth": 0.1}, {**form, "repeated_worst_tenth": 0.6}
    (line,) = warnings("held-back", {"n": 40, "before": before, "after": after})
    assert "held-back: in the worst tenth of the answers 60% of the text" in line
    assert "10% before training" in line
    assert warnings("held-back", {"n": 40, "before": after, "after": before}) == []
    assert risen("world-test", {}, {"repeated_worst_tenth": 1.0}) == []
