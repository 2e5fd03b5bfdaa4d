"""Every IFEval type decides as upstream does, odd edges included. Expected values are worked out by hand."""

from __future__ import annotations

from typing import Any

import pytest

from verif.core import rules
from verif.core.text import Doc


def decide(rule: str, params: dict[str, Any], text: str, loose: bool = False) -> bool:
    return rules.check(rules.get(rule), Doc(text), rules.validate(rule, params), loose=loose).ok


VARIANTS = ("_fixed", "_multilingual")
AT_LEAST, LESS = {"relation": "at least"}, {"relation": "less than"}
CASES: list[tuple[str, dict[str, Any], str, bool]] = [
    # keywords are regular expressions, ignore case, and match inside words; forbidden words need boundaries
    ("keywords:existence", {"keywords": ["art", "B.g"]}, "START with a bag", True),
    ("keywords:existence", {"keywords": ["art", "zebra"]}, "start", False),
    ("keywords:frequency", {"keyword": " run ", "frequency": 3, **AT_LEAST}, "Run running RUN", True),
    ("keywords:frequency", {"keyword": "run", "frequency": 3, **LESS}, "Run running RUN", False),
    ("keywords:frequency", {"keyword": "aa", "frequency": 3, **AT_LEAST}, "aaaaa", False),
    ("keywords:forbidden_words", {"forbidden_words": ["art"]}, "start and party", True),
    ("keywords:forbidden_words", {"forbidden_words": ["art"]}, "state of the ART.", False),
    (
        "keywords:letter_frequency",
        {"letter": "E", "let_frequency": 3, "let_relation": "at least"},
        "Eel e",
        True,
    ),
    (
        "keywords:letter_frequency",
        {"letter": "#", "let_frequency": 2, "let_relation": "less than"},
        "#a #b",
        False,
    ),
    # words are runs of \w
    ("length_constraints:number_words", {"num_words": 4, **AT_LEAST}, "well-known don't", True),
    ("length_constraints:number_words", {"num_words": 4, **LESS}, "well-known don't", False),
    ("length_constraints:number_words_fixed", {"num_words": 3, **LESS}, "well-known don't", True),
    ("length_constraints:number_sentences", {"num_sentences": 2, **AT_LEAST}, "Dr. No came. He left!", True),
    ("length_constraints:number_sentences", {"num_sentences": 3, **AT_LEAST}, "Dr. No came. He left!", False),
    # paragraphs by ***: blank ones are forgiven at the ends only
    ("length_constraints:number_paragraphs", {"num_paragraphs": 2}, "***\na\n***\nb\n***", True),
    ("length_constraints:number_paragraphs", {"num_paragraphs": 2}, "a\n***\n***\nb", False),
    ("length_constraints:number_paragraphs", {"num_paragraphs": 1}, "a", True),
    # the n-th of all pieces, while only the non-blank ones are counted
    (
        "length_constraints:nth_paragraph_first_word",
        {"num_paragraphs": 2, "nth_paragraph": 2, "first_word": "Then"},
        "One.\n\n'then, two.",
        True,
    ),
    (
        "length_constraints:nth_paragraph_first_word",
        {"num_paragraphs": 2, "nth_paragraph": 2, "first_word": "then"},
        "One.\n\n\n\nthen two.",
        False,
    ),
    (
        "length_constraints:nth_paragraph_first_word_fixed",
        {"num_paragraphs": 2, "nth_paragraph": 2, "first_word": "then"},
        "One.\n\n\n\nthen two.",
        True,
    ),
    ("detectable_content:number_placeholders", {"num_placeholders": 2}, "[a] [b\n] []", True),
    ("detectable_content:number_placeholders", {"num_placeholders": 2}, "[[[a]]]", False),
    ("detectable_content:postscript", {"postscript_marker": "P.S."}, "Bye. p. s. more", True),
    ("detectable_content:postscript", {"postscript_marker": "P.P.S"}, "P.S. more", False),
    ("detectable_content:postscript", {"postscript_marker": "P.P.S"}, "p.p.s more", True),
    ("detectable_content:postscript", {"postscript_marker": "Note:"}, "so NOTE: x", True),
    ("detectable_content:postscript_fixed", {"postscript_marker": "P.S."}, "the p.s. within", False),
    ("detectable_content:postscript_fixed", {"postscript_marker": "P.S."}, "x\n**P.S.** y", True),
    # exactly so many; '---' counts, '**bold**' does not
    ("detectable_format:number_bullet_lists", {"num_bullets": 3}, "* a\n  * b\n---\n**c**", True),
    ("detectable_format:number_bullet_lists", {"num_bullets": 1}, "*\n* a", True),
    ("detectable_format:number_bullet_lists_fixed", {"num_bullets": 2}, "* a\n  - b\n---\n**c**\n-5", True),
    ("detectable_format:constrained_response", {}, "Well. My answer is maybe. Bye.", True),
    ("detectable_format:constrained_response", {}, "my answer is maybe.", False),
    ("detectable_format:constrained_response_fixed", {}, "Well. My answer is maybe. Bye.", False),
    ("detectable_format:constrained_response_fixed", {}, " My answer is no.\n", True),
    # upstream finds a bold span twice when it looks for single and for double asterisks
    ("detectable_format:number_highlighted_sections", {"num_highlights": 2}, "*a* and **b**", True),
    ("detectable_format:number_highlighted_sections", {"num_highlights": 1}, "** ** *\n*", False),
    ("detectable_format:number_highlighted_sections", {"num_highlights": 1}, "* one\n* two * x", True),
    ("detectable_format:number_highlighted_sections_fixed", {"num_highlights": 1}, "* one\n* two * x", False),
    (
        "detectable_format:multiple_sections",
        {"section_spliter": "SECTION", "num_sections": 2},
        "SECTION 1 a SECTION2",
        True,
    ),
    (
        "detectable_format:multiple_sections",
        {"section_spliter": "SECTION", "num_sections": 2},
        "Section 1 Section 2",
        False,
    ),
    (
        "detectable_format:multiple_sections_fixed",
        {"section_spliter": "Day", "num_sections": 1},
        "Day 1: see Day 2",
        True,
    ),
    ("detectable_format:json_format", {}, '```JSON\n{"a": [1]}\n```', True),
    ("detectable_format:json_format", {}, "42", True),
    ("detectable_format:json_format", {}, "{'a': 1}", False),
    ("detectable_format:json_format", {}, "[" * 100_000, False),
    ("detectable_format:json_format_fixed", {}, "42", False),
    ("detectable_format:title", {}, "a <<t>> b", True),
    ("detectable_format:title", {}, "<< >> <<>>", True),
    ("detectable_format:title", {}, "<<>> <<\n>>", False),
    ("combination:two_responses", {}, "a\n******\nb", True),
    ("combination:two_responses", {}, "a ****** a", False),
    ("combination:two_responses", {}, "******a******b******", True),
    ("combination:two_responses", {}, "a************b", False),
    ("combination:two_responses_fixed", {}, "a * * * * * * b", True),
    ("combination:repeat_prompt", {"prompt_to_repeat": " Say HI "}, "\nsay hi. Hi!", True),
    ("combination:repeat_prompt", {"prompt_to_repeat": "Say hi"}, '"Say hi" Hi!', False),
    ("combination:repeat_prompt_fixed", {"prompt_to_repeat": "Say  hi"}, '"Say\nhi" Hi!', True),
    ("combination:repeat_prompt_fixed", {"prompt_to_repeat": "Say hi"}, "Say hi", False),
    ("startend:end_checker", {"end_phrase": "The End."}, 'x "the end."', True),
    ("startend:end_checker", {"end_phrase": "The End."}, "The End. Bye", False),
    ("startend:end_checker_fixed", {"end_phrase": "The End."}, "x “**the end.**”\n", True),
    ("startend:quotation", {}, ' "a" ', True),
    ("startend:quotation", {}, '"', False),
    ("startend:quotation", {}, "“a”", False),
    ("startend:quotation_fixed", {}, "“a”", True),
    ("punctuation:no_comma", {}, "a、b，c", True),
    ("punctuation:no_comma", {}, "1,000", False),
    ("punctuation:no_comma_fixed", {}, "a、b", False),
    # NLTK's tokens: I'M is two in capitals, CANNOT is two, a hyphenated word is one
    (
        "change_case:capital_word_frequency",
        {"capital_frequency": 3, "capital_relation": "at least"},
        "I'M OK",
        True,
    ),
    (
        "change_case:capital_word_frequency",
        {"capital_frequency": 2, "capital_relation": "less than"},
        "well-KNOWN A-B",
        True,
    ),
    (
        "change_case:capital_word_frequency",
        {"capital_frequency": 2, "capital_relation": "at least"},
        "CANNOT",
        True,
    ),
    ("change_case:english_lowercase", {}, "this is plainly an english sentence.", True),
    ("change_case:english_lowercase", {}, "This is plainly an english sentence.", False),
    ("change_case:english_lowercase", {}, "dies ist ganz klar ein deutscher satz.", False),
    ("change_case:english_capital", {}, "THIS IS 1 SENTENCE", True),
    ("change_case:english_capital", {}, "THIS IS a SENTENCE", False),
    ("change_case:english_capital_fixed", {}, "DIES IST GANZ KLAR EIN DEUTSCHER SATZ", False),
    ("language:response_language", {"language": "de"}, "Das ist ein kurzer Satz auf Deutsch.", True),
    ("language:response_language", {"language": "fr"}, "Das ist ein kurzer Satz auf Deutsch.", False),
    ("language:response_language", {"language": "fr"}, "1234 !?", True),
    ("language:response_language_fixed", {"language": "fr"}, "1234 !?", False),
]


@pytest.mark.parametrize(("rule", "params", "text", "expected"), CASES)
def test_rule(rule: str, params: dict[str, Any], text: str, expected: bool) -> None:
    assert decide(rule, params, text) is expected


def test_all_25_ifeval_types_are_registered_and_tried() -> None:
    ours = {name for name, spec in rules.rules().items() if spec.check.__module__.count(".") == 3}
    plain = {
        n
        for n in ours
        if not n.startswith(("local:", "open-instruct:", "es:", "fr:", "ja:", "judgement:"))
        and not n.endswith(VARIANTS)
    }
    assert len(plain) == 25
    assert {case[0] for case in CASES} == plain | {case[0] for case in CASES if case[0].endswith(VARIANTS)}


@pytest.mark.parametrize("name", [name for name in rules.rules() if name.endswith(VARIANTS)])
def test_every_variant_has_a_plain_namesake(name: str) -> None:
    assert name.rpartition("_")[0] in rules.rules()


@pytest.mark.parametrize("text", ["", " ", "\n\t\u3000"])
def test_a_blank_response_fails_every_rule(text: str) -> None:
    assert not decide("punctuation:no_comma", {}, text)
    assert not decide("punctuation:no_comma", {}, text, loose=True)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("Sure, here it is:\nno commas", "first line"),
        ("no commas\nHope this helps, bye", "last line"),
        ("Sure, ok:\nno commas\nBye, now", "both"),
    ],
)
def test_loose_forgives_first_and_last_lines(text: str, why: str) -> None:
    assert not decide("punctuation:no_comma", {}, text)
    assert decide("punctuation:no_comma", {}, text, loose=True), why


def test_loose_forgives_asterisks_but_never_loses_a_strict_pass() -> None:
    assert decide("startend:end_checker", {"end_phrase": "the end"}, "x **the end**", loose=True)
    assert not decide("startend:end_checker", {"end_phrase": "the end"}, "x **the end**")
    assert decide("detectable_format:number_highlighted_sections", {"num_highlights": 1}, "*a*", loose=True)


def test_loose_has_eight_variants() -> None:
    assert len(Doc("*1*\n*2*\n*3*").variants) == 8
    assert [doc.text for doc in Doc("a\nb").variants] == ["a\nb", "b", "a"]
