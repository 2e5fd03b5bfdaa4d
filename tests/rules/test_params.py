"""Parameters are judged when a row is loaded; the message names file, row and field."""

from __future__ import annotations

import pytest

from verif.core import rules
from verif.errors import InputError


@pytest.mark.parametrize(
    ("rule", "params", "field"),
    [
        ("length_constraints:number_words", {"num_words": 3}, "relation"),
        ("length_constraints:number_words", {"num_words": 3, "relation": "at most"}, "relation"),
        ("length_constraints:number_words", {"num_wrods": 3, "relation": "at least"}, "num_words"),
        ("length_constraints:number_words", {"num_words": -1, "relation": "at least"}, "num_words"),
        ("length_constraints:number_words", {"num_words": "3", "relation": "at least"}, "num_words"),
        ("length_constraints:number_words", {"num_words": True, "relation": "at least"}, "num_words"),
        ("length_constraints:number_words", {"num_words": 2.5, "relation": "at least"}, "num_words"),
        ("length_constraints:number_words", {"num_words": 2**63, "relation": "at least"}, "num_words"),
        ("length_constraints:number_words", {"num_words": 1e300, "relation": "at least"}, "num_words"),
        (
            "length_constraints:nth_paragraph_first_word",
            {"num_paragraphs": 2, "nth_paragraph": 3, "first_word": "a"},
            "params",
        ),
        ("local:max_words", {"n": 2**63}, "n"),
        ("keywords:existence", {"keywords": []}, "keywords"),
        ("keywords:existence", {"keywords": "abc"}, "keywords"),
        ("keywords:existence", {"keywords": ["a", "["]}, "keywords.1"),
        ("keywords:frequency", {"keyword": "(a+)+", "frequency": 1, "relation": "at least"}, "keyword"),
        (
            "keywords:letter_frequency",
            {"letter": "ab", "let_frequency": 1, "let_relation": "at least"},
            "letter",
        ),
        ("language:response_language", {"language": "zh"}, "language"),
        ("language:response_language", {"language": None}, "language"),
        ("startend:end_checker", {"end_phrase": "  "}, "end_phrase"),
        ("punctuation:no_comma", {"num_words": 3}, "num_words"),
    ],
)
def test_a_bad_parameter_names_its_place(rule: str, params: dict[str, object], field: str) -> None:
    with pytest.raises(InputError) as caught:
        rules.validate(rule, params, file="rows.jsonl", row=7)
    assert (caught.value.file, caught.value.row, caught.value.field) == ("rows.jsonl", 7, field)
    assert rule in str(caught.value)


def test_null_means_absent_and_whole_floats_are_numbers() -> None:
    params = rules.validate(
        "length_constraints:number_words", {"num_words": 3.0, "relation": "at least", "letter": None}
    )
    assert params.model_dump() == {"num_words": 3, "relation": "at least"}


def test_zero_is_a_value() -> None:
    params = {"keyword": "x", "frequency": 0, "relation": "at least"}
    assert rules.validate("keywords:frequency", params).model_dump()["frequency"] == 0


def test_an_unknown_type_suggests_near_ones() -> None:
    with pytest.raises(InputError, match="punctuation:no_comma") as caught:
        rules.validate("punctuation:no_commas", {}, file="f", row=1)
    assert caught.value.row == 1


@pytest.mark.parametrize("keyword", ["C++", "a.b", "what?", "50%", "a|b", r"colou?r", "naïve"])
def test_ordinary_keywords_load(keyword: str) -> None:
    rules.validate("keywords:existence", {"keywords": [keyword]})


@pytest.mark.parametrize("keyword", ["(a|aa)+b", ".*.*.*x", "(a{1,9}){1,9}", "((a))*(b*)*", "(?:x+x+)+y"])
def test_an_expression_that_may_never_end_is_refused(keyword: str) -> None:
    with pytest.raises(InputError, match="for ever"):
        rules.validate("keywords:existence", {"keywords": [keyword]})
