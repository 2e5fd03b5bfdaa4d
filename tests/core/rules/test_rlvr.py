"""IF-RLVR's types decide as IFEvalG's code does, odd edges included. Expected values are worked out by hand from it."""

from __future__ import annotations

from typing import Any

import pytest

from verif.core import rules
from verif.core.text import Doc
from verif.errors import InputError

ASK = {"prompt_to_repeat": "Name three ports."}
CASES: list[tuple[str, dict[str, Any], str, bool]] = [
    ("keywords:word_once", {"keyword": "a.t"}, "ART", True),  # a regular expression, in any case
    ("keywords:exclude_word_harder", {"keyword": "lamp"}, "lamp at the start, a lamp, and the end lamp", True),
    ("keywords:exclude_word_harder", {"keyword": "lamp"}, "a lamp burns", False),
    ("keywords:no_adjacent_consecutive", {}, '"Apple "bread', True),  # a mark is a first character
    ("keywords:no_adjacent_consecutive", {}, "a B", False),
    ("keywords:palindrome", {}, "I wait", True),
    ("keywords:palindrome", {}, "Radar", False),  # the case counts
    ("keywords:keyword_specific_position", {"keyword": ["lamp"], "n": 1, "m": 2}, "A lamp.", True),
    ("keywords:start_end", {}, "So it is so", True),
    ("keywords:start_end", {}, "So", False),
    ("first_word:first_word_sent", {"first_word": "so"}, "So what? So be it", True),
    ("first_word:first_word_sent", {"first_word": "so"}, "So?! So", False),  # nothing between the marks: a sentence
    ("first_word:first_word_answer", {"first_word": "yes"}, "Yes, sir", False),
    ("last_word:last_word_sent", {"last_word": "sea"}, "The *sea*! A sea", True),
    ("last_word:last_word_answer", {"last_word": "dont"}, "I don't.", True),
    ("count:lowercase_counting", {"N": 2}, "don't Stop", True),
    ("count:lowercase_counting", {"N": 1}, "don't Stop", False),
    ("count:count_unique", {}, "The the", True),
    ("count:count_unique", {}, "One. Two.", False),  # the periods are two tokens
    ("count:count_increment_word", {"keyword1": "a", "keyword2": "b"}, "abB", True),
    ("copy:copy", ASK, "  NAME three ports.\n", True),
    ("copy:copying_simple", ASK, "Name  three ports.", False),
    ("copy:copying_multiple", {**ASK, "N": 2}, "Name three ports.******name three ports.", True),
    ("copy:copying_multiple", {**ASK, "N": 2}, "Name three ports.******", False),
    ("new:copy_span_idx", {**ASK, "n_start": 4, "n_end": 10}, "Three", True),
    ("copy:repeat_phrase", {"phrase": "the old mill", "small_n": 2}, "the old mill, the new mill", True),
    ("copy:repeat_phrase", {"phrase": "the old mill", "small_n": 2}, "the new mill, the old mill", False),  # the last one
    ("copy:repeat_phrase", {"phrase": "the old mill", "small_n": 1}, "the very old mill", False),
    ("copy:repeat_phrase", {"phrase": "the old mill", "small_n": 1}, "the\nold mill", False),
    ("detectable_format:sentence_hyphens", {}, "One.-Two.", True),
    ("detectable_format:sentence_hyphens", {}, "A well-known tale.", False),
    ("detectable_format:square_brackets", {}, "[a][b] [c]", True),
    ("detectable_format:bigram_wrapping", {}, "<<a b>> odd", True),
    ("paragraphs:paragraphs", {}, "***\na\n***\nb", True),
    ("paragraphs:paragraphs2", {}, "\n\na\n\nb", True),
    ("paragraphs:paragraphs2", {}, "a\n\n\n\nb", False),
    ("punctuation:punctuation_dot", {}, "3.5", False),
    ("punctuation:punctuation_exclamation", {}, "a！", True),
    ("letters:letter_counting", {"N": 2, "relation": "at least"}, "éa1", False),
    ("letters:letter_counting2", {"letter": "E", "let_frequency": 2, "let_relation": "at least"}, "eE", True),
    ("count:counting_composition", {"n_sent": 1, "n_words": 2}, "Go!***Go!***Go!", True),
    ("count:counting_composition", {"n_sent": 1, "n_words": 2}, "***Go!***Go!***Go!", False),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "params", "text", "ok"), CASES)
def test_rule(rule: str, params: dict[str, Any], text: str, ok: bool) -> None:
    assert rules.check(rules.get(rule), Doc(text), rules.validate(rule, params)).ok is ok


@pytest.mark.parametrize(
    ("rule", "params", "field"),
    [
        ("new:copy_span_idx", {**ASK, "n_start": 30, "n_end": 40}, "params"),
        ("copy:repeat_phrase", {"phrase": "one", "small_n": 1}, "phrase"),
        ("copy:repeat_phrase", {"phrase": "(a+)+ b", "small_n": 1}, "phrase"),
        (
            "letters:letter_counting2",
            {"letter": "ä", "let_frequency": 1, "let_relation": "at least"},
            "letter",
        ),
        ("keywords:keyword_specific_position", {"keyword": "a", "n": 0, "m": 1}, "n"),
        ("last_word:last_word_answer", {"last_word": ["a", "b"]}, "last_word"),
    ],
)
def test_what_upstream_would_draw_anew_is_refused(rule: str, params: dict[str, Any], field: str) -> None:
    with pytest.raises(InputError) as caught:
        rules.validate(rule, params, file="rows.jsonl", row=3)
    assert caught.value.field == field
