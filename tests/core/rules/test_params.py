"""Parameters are judged when a row is loaded; the message names file, row and field."""

from __future__ import annotations

import math
import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.readers import params_of

from verif.core import rules
from verif.core.checks import Rules
from verif.core.text import Doc
from verif.errors import InputError
from verif.types import RuleConstraint


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


ENDLESS = [
    "a?" * 60 + "b",
    "a{,60}" * 3 + "b",
    ".*x",
    "foo.*bar",
    r"\w+\s",
    "(ab)+",
    "(a?){,60}",
    "(?=a*)b",
    r"(\w*)\1",
    "a+|b",
]


@pytest.mark.parametrize("keyword", ENDLESS)
def test_an_expression_without_a_small_bound_on_its_steps_is_refused_before_anything_is_matched(
    keyword: str,
) -> None:
    for rule, params in (
        ("keywords:existence", {"keywords": ["art", keyword]}),
        ("keywords:forbidden_words", {"forbidden_words": ["art", keyword]}),
        ("keywords:frequency", {"keyword": keyword, "frequency": 1, "relation": "at least"}),
        ("detectable_content:postscript", {"postscript_marker": keyword}),
        ("detectable_format:multiple_sections", {"section_spliter": keyword, "num_sections": 1}),
    ):
        with pytest.raises(InputError, match="may take for ever") as caught:
            rules.validate(rule, params, file="f", row=1)
        assert len(str(caught.value)) < 500


@pytest.mark.parametrize("keyword", ["ha+", "C++", r"\bcat\b", "[0-9]{1,3}", "(?:cat|dog)s?", "x{2,}", "no*"])
def test_expressions_with_few_steps_stay_what_re_makes_of_them(keyword: str) -> None:
    params = {"keyword": keyword, "frequency": 2, "relation": "at least"}
    text = "haaa C++ CC cat dogs 12 345 xxx xx nooo n"
    outcome = rules.get("keywords:frequency").check(Doc(text), rules.validate("keywords:frequency", params))
    assert outcome.evidence["count"] == len(re.findall(keyword, text, re.IGNORECASE))


@pytest.mark.parametrize(
    ("rule", "params", "field"),
    [
        ("keywords:existence", {"keywords": ["a" * 2_000_000]}, "keywords.0"),
        ("keywords:existence", {"keywords": ["ab"] * 20_000}, "keywords"),
        ("keywords:existence", {"keywords": ["a" * 900] * 6}, "keywords"),
        ("keywords:existence", {"keywords": ["[ -\U0010ffff]" * 30]}, "keywords.0"),
        ("keywords:forbidden_words", {"forbidden_words": ["ab"] * 20_000}, "forbidden_words"),
        ("keywords:frequency", {"keyword": "a" * 2000, "frequency": 1, "relation": "at least"}, "keyword"),
        ("startend:end_checker", {"end_phrase": "a" * 2_000_000}, "end_phrase"),
        ("combination:repeat_prompt", {"prompt_to_repeat": "a" * 2_000_000}, "prompt_to_repeat"),
        ("detectable_content:postscript", {"postscript_marker": r"P\Z"}, "postscript_marker"),
        (
            "detectable_format:multiple_sections",
            {"section_spliter": "C++", "num_sections": 1},
            "section_spliter",
        ),
        ("language:response_language", {"language": "e" * 2_000_000}, "language"),
        ("local:keywords", {"words": ["ab"] * 20_000}, "words"),
        ("local:forbidden", {"words": ["a" * 900] * 6}, "words"),
        ("local:start", {"phrase": "a" * 2_000_000}, "phrase"),
    ],
)
def test_a_parameter_of_any_size_is_refused_at_once_and_in_few_words(
    rule: str, params: dict[str, object], field: str
) -> None:
    started = time.process_time()
    with pytest.raises(InputError) as caught:
        rules.validate(rule, params, file="f", row=1)
    assert time.process_time() - started < 1
    assert caught.value.field == field
    assert len(str(caught.value)) < 500


@pytest.mark.slow
def test_no_text_among_the_parameters_of_any_rule_is_without_a_bound() -> None:
    """Filled with two million characters, every text and every list of texts is refused."""
    for name, spec in rules.rules().items():
        for field in spec.params.model_fields:
            for value in ("a" * 2_000_000, ["a" * 2_000_000], ["a"] * 50_000):
                with pytest.raises(InputError):
                    rules.validate(name, {**params_of(name).model_dump(), field: value})


def test_an_unknown_type_of_any_length_is_named_in_few_words() -> None:
    with pytest.raises(InputError) as caught:
        rules.validate("x" * 2_000_000, {}, file="f", row=1)
    assert len(str(caught.value)) < 300


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            ["a", "b", "?", "*", "+", "{,60}", "{2}", "(", ")", "|", ".", r"\w", r"\s", "[ab]", "(?:"]
        ),
        max_size=8,
    )
)
def test_what_is_accepted_is_quick_on_texts_made_to_hurt(pieces: list[str]) -> None:
    keyword = "".join(pieces)
    try:
        forbidden = rules.validate("keywords:forbidden_words", {"forbidden_words": [keyword]})
        counted = rules.validate(
            "keywords:frequency", {"keyword": keyword, "frequency": 1, "relation": "at least"}
        )
    except InputError:
        return
    for text in ("a" * 2000 + "!", "ab" * 1000 + "!", "a " * 1000):
        started = time.process_time()
        rules.get("keywords:forbidden_words").check(Doc(text), forbidden)
        rules.get("keywords:frequency").check(Doc(text), counted)
        assert time.process_time() - started < 1.0, keyword


def test_a_number_that_is_none_is_refused_whatever_was_asked_before() -> None:
    """Parameters are remembered by their JSON, in which NaN and null are written alike."""

    def rule(value: float | None) -> RuleConstraint:
        params = {"num_words": 3, "relation": "at least", "keyword": value}
        return RuleConstraint(text="t", rule="length_constraints:number_words", params=params)

    known = Rules()
    assert known.params(rule(None), "a") == known.params(rule(None), "a")
    for value in (math.nan, math.inf):
        with pytest.raises(InputError):
            Rules().params(rule(value), "a")
        with pytest.raises(InputError):
            known.params(rule(value), "a")


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("punctuation:no_commas", "Did you mean punctuation:no_comma"),
        ("no_comma", ""),
        ("keyword:exists", "Did you mean keywords:existence?"),
    ],
)
def test_only_near_names_are_suggested(name: str, hint: str) -> None:
    with pytest.raises(InputError) as caught:
        rules.get(name)
    assert (caught.value.hint or "").startswith(hint) if hint else not caught.value.hint
