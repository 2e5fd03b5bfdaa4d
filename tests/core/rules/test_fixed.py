"""A repaired rule decides alike whatever line ends, blanks and forms of letters a text is written with."""

from __future__ import annotations

import logging
import unicodedata
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.readers import params_of

from verif.core import rules
from verif.core.rules import forgiving
from verif.core.text import Doc

FIXED = [name for name in rules.rules() if name.endswith("_fixed")]
LINES = ("\r\n", "\r", "\u2028", "\u0085")
BLANKS = ("\u00a0", "\u3000", "\u2009")
pieces = st.sampled_from([
    "art", "B", "the", "a\u0301rt", "नमस्ते", "वि.", "தமிழ்", "مُحَمَّد", "É", "THE", "one.",
    "Two!", "three,", "* a", "- b", "**c**", "*d*", "***",
    "******", "Section 1", "P.S.", "say hi", "bye", "My answer is yes.", '"x"', "“x”", "<<t>>", "\n", "\n\n",
    " ", " ", "---", "1.",
])  # fmt: skip
texts = st.lists(pieces, min_size=1, max_size=10).map("".join)


def decide(name: str, params: dict[str, Any], text: str) -> bool:
    return rules.check(rules.get(name), Doc(text), rules.validate(name, params)).ok


@given(texts, st.sampled_from(LINES), st.sampled_from(BLANKS))
@settings(max_examples=60, deadline=None)
def test_line_ends_blanks_and_composition_change_nothing(text: str, end: str, blank: str) -> None:
    others = [text.replace("\n", end), text.replace(" ", blank), unicodedata.normalize("NFD", text)]
    for name in FIXED:
        if name.startswith("language:") or name == "change_case:english_capital_fixed":
            continue  # these ask which language it is, by n-grams of what is written
        spec, params = rules.get(name), params_of(name)
        for other in others:
            same = unicodedata.normalize("NFC", text) if other == others[2] else text
            assert rules.check(spec, Doc(other), params).ok == rules.check(spec, Doc(same), params).ok, (
                name,
                other,
            )


@pytest.mark.parametrize(
    ("name", "params", "text", "ok"),
    [
        ("keywords:existence_fixed", {"keywords": ["C++"]}, "c++ rocks", True),
        ("keywords:existence_fixed", {"keywords": ["U.S."]}, "the Uzso", False),
        ("keywords:existence_fixed", {"keywords": ["New York"]}, "New\u00a0York", True),
        ("keywords:existence_fixed", {"keywords": ["café"]}, "cafe\u0301", True),
        ("keywords:frequency_fixed", {"keyword": "$5", "frequency": 2, "relation": "at least"}, "$5, $5", True),
        ("keywords:forbidden_words_fixed", {"forbidden_words": ["C++"]}, "in C++ code", False),
        ("keywords:forbidden_words_fixed", {"forbidden_words": ["art"]}, "a start", True),
        ("length_constraints:number_words_fixed", {"num_words": 3, "relation": "less than"}, "नमस्ते दुनिया", True),
        ("length_constraints:number_words_fixed", {"num_words": 2, "relation": "less than"}, "مُحَمَّد", True),
        ("length_constraints:number_words_fixed", {"num_words": 2, "relation": "less than"}, "re\u0301sume\u0301", True),
        ("length_constraints:number_sentences_fixed", {"num_sentences": 2, "relation": "less than"},
         "Roe v. Wade was decided then.", True),
        ("length_constraints:number_sentences", {"num_sentences": 2, "relation": "less than"},
         "Roe v. Wade was decided then.", True),
        ("detectable_format:number_bullet_lists_fixed", {"num_bullets": 2}, "*\tbread\r\n-\u00a0salt", True),
        ("detectable_format:json_format_fixed", {}, '```json{"a": 1}```', True),
        ("detectable_format:json_format_fixed", {}, '```\r\n[1]\r\n```', True),
        ("detectable_format:constrained_response_fixed", {}, "\u3000My answer\u00a0is yes.\u2028", True),
        ("startend:end_checker_fixed", {"end_phrase": "the end"}, "x the\u00a0end\u3000", True),
        ("combination:repeat_prompt_fixed", {"prompt_to_repeat": "Say café"}, "say\u2028cafe\u0301! Hi", True),
    ],
)  # fmt: skip
def test_what_the_plain_rule_stumbles_over(name: str, params: dict[str, Any], text: str, ok: bool) -> None:
    assert decide(name, params, text) is ok


def test_a_keyword_that_reads_as_an_odd_expression_is_named_once(caplog: pytest.LogCaptureFixture) -> None:
    rules.registry._warn.cache_clear()
    with caplog.at_level(logging.WARNING, "verif.rules"):
        for _ in range(2):
            rules.validate("keywords:existence", {"keywords": ["C++", "lamp"]})
    (said,) = [record.getMessage() for record in caplog.records]
    assert "'C++'" in said
    assert "keywords:existence_fixed" in said


@given(st.text(max_size=40))
def test_marks_are_taken_out_and_nothing_else(text: str) -> None:
    rest = forgiving.unmarked(text)
    assert len(rest) == sum(unicodedata.category(c)[0] != "M" and c not in "\u200c\u200d" for c in text)
