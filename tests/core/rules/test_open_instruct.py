"""The functions of RLVR-IFeval decide as open-instruct's do: by exact counts, plain keywords and its own dividers."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verif.core.rules import check, get, validate
from verif.core.rules.open_instruct import PREFIX, enclosed
from verif.core.text import Doc


def follows(name: str, text: str, **params: Any) -> bool:
    return check(get(PREFIX + name), Doc(text), validate(PREFIX + name, params)).ok


@pytest.mark.parametrize(("name", "params", "yes", "no"), [
    ("verify_keywords", {"keyword_list": ["Boat", "sea"]}, "boats at seaside", "a boat"),
    ("verify_keyword_frequency", {"word": "boat", "N": 2}, "Boat and boat.", "boat boat boat boats"),
    ("validate_forbidden_words", {"forbidden_words": ["art"]}, "a boat", "a start"),
    ("verify_letter_frequency", {"letter": "b", "N": 1}, "boB", "bob"),
    ("verify_paragraph_count", {"N": 2}, "one\n* * *\ntwo", "one\n***\ntwo"),
    ("validate_word_constraint", {"N": 10, "quantifier": "around"}, "w " * 9, "w " * 8),
    ("validate_word_constraint", {"N": 2, "quantifier": "at most"}, "a b", "a b c"),
    ("verify_sentence_constraint", {"N": 3, "quantifier": "at least"}, "A b. C d! E f.", "Mr. A b. C d"),
    ("validate_paragraphs", {"N": 2, "i": 2, "first_word": "Sea"}, "one\n\nSeaside", "one\n\nsea"),
    ("validate_paragraphs", {"N": 1, "i": 1, "first_word": "Sea"}, "Sea", "Sea\n\nSea"),
    ("verify_postscript", {"postscript_marker": "P.S."}, "Hi. P.S. Bye.", "Hi. P.S."),
    ("validate_placeholders", {"N": 2}, "[a] [b", "[a\n]"),
    ("verify_bullet_points", {"N": 2}, "* a\n - b", "* a"),
    ("validate_title", {}, "<<a>>", "<<a\n>>"),
    ("validate_choice", {"options": ["yes", "no"]}, "I know", "perhaps"),
    ("validate_highlighted_sections", {"N": 1}, "**a", "*a\n*"),
    ("validate_sections", {"N": 2, "section_splitter": "Section"}, "section 1 a SECTION2 b", "Section 1 Section X"),
    ("validate_json_format", {}, '{"a": 1}', "```json\n{}\n```"),
    ("validate_repeat_prompt", {"original_prompt": "Say it."}, "Say it. Done.", "say it. Done."),
    ("validate_two_responses", {}, "a ****** b", "a ****** a"),
    ("validate_uppercase", {}, "A 1", "a"),
    ("validate_lowercase", {}, "a 1", "A"),
    ("validate_frequency_capital_words", {"N": 1, "quantifier": "at most"}, "A b", "A B c"),
    ("validate_end", {"end_phrase": "Done."}, "All Done.", "Done. "),
    ("validate_quotation", {}, '"a"', ' "a"'),
    ("validate_no_commas", {}, "a b", "a, b"),
    ("validate_response_language", {"language": "en"}, "The boats lie in the harbour.", "Die Boote liegen im Hafen."),
])  # fmt: skip
def test_a_function_by_example(name: str, params: dict[str, Any], yes: str, no: str) -> None:
    if name == "validate_placeholders":
        yes += "]"
    assert follows(name, yes, **params)
    assert not follows(name, no, **params)


@given(
    st.text(st.sampled_from("[]<>*a\n"), max_size=40), st.sampled_from([("[", "]"), ("<<", ">>"), ("*", "*")])
)
def test_marked_pieces_are_counted_as_a_lazy_expression_does(text: str, marks: tuple[str, str]) -> None:
    opening, closing = map(re.escape, marks)
    assert enclosed(text, *marks) == len(re.findall(f"{opening}(.*?){closing}", text))
