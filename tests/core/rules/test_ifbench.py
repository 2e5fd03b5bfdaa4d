"""IFBench's types where they surprise, and where upstream raises. Expected values are worked out by hand."""

from __future__ import annotations

from typing import Any

import pytest

from verif.core import rules
from verif.core.rules.ifbench.syllables import syllables
from verif.core.rules.ifbench.verbs import is_verb
from verif.core.rules.splitting import sentences
from verif.core.text import Doc
from verif.errors import InputError

CASES: list[tuple[str, dict[str, Any], str, bool]] = [
    ("count:conjunctions", {"small_n": 2}, "and And", True),  # told apart as they are written
    ("count:unique_word_count", {"N": 2}, "sea - Sea", True),  # a lone dash is a word
    ("count:pronouns", {"N": 1}, "I'm", False),
    ("count:numbers", {"N": 1}, "2020-21", True),
    ("count:punctuation", {}, "a. b, c! d? e; f: ?!", True),
    ("count:words_japanese", {"N": 2}, "a 12 b - c", True),
    ("ratio:stop_words", {"percentage": 0}, "...", False),  # upstream divides by no words
    ("ratio:overlap", {"reference_text": "abc", "percentage": 0}, "ab", False),
    ("ratio:sentence_words", {}, "Ab. Cd. Cd.", True),  # nobody looks whether words differ
    ("words:alphabet", {}, "1 a", False),
    ("words:paragraph_last_first", {}, "home\n***\nsea", False),
    ("words:last_first", {}, "I see. See.", False),  # a sentence of one word keeps its period
    ("words:consonants", {}, "strong a", False),
    ("format:quote_unquote", {}, '"..."', False),
    ("format:quote_unquote", {}, "12", False),
    ("format:line_indent", {}, "a\n\n b\n\n\n  c", False),  # of two blank lines in a row one is left
    ("format:line_indent", {}, "a\n\n b\n\n  c", True),
    ("format:no_bullets_bullets", {}, "One. Two.\n\nThree.\n* a\n* b", False),  # a blank line ends the sentences
    ("format:sub-bullets", {}, "no bullets", True),
    ("format:options", {"options": "a), b), c)"}, "a) ", False),
    ("format:newline", {}, "a\n \nb", False),
    ("format:emoji", {}, "Rain ❤️. Sun", False),
    ("format:title_case", {}, "THE of", False),
    ("custom:csv_city", {}, "ID,Country,City,Year,Count\r1,2,3,4,5", False),
    ("custom:date_format_list", {}, "1800-00-99", True),  # a month of 0 has no days that are too many
    ("repeat:repeat_change", {"prompt_to_repeat": "Say it. "}, "Say it.", True),
    ("sentence:alliteration_increment", {}, "Go.", True),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "params", "text", "ok"), CASES)
def test_rule(rule: str, params: dict[str, Any], text: str, ok: bool) -> None:
    assert rules.check(rules.get(rule), Doc(text), rules.validate(rule, params)).ok is ok


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("Mr. Hill met Dr. Sea. They ate.", 2), ("Visit a.com now. Go.", 2), ("It is 3.5. Yes", 2), ("Wait... what", 2),
        ("What?!", 2), ("A Ph.D. is long.", 1), ('"Go." He went.', 2), ("e.g. this", 1), ("Acme Co. He left.", 2), ("", 0),
    ],
)  # fmt: skip
def test_sentences(text: str, count: int) -> None:
    assert len(sentences(text)) == count


@pytest.mark.parametrize(
    ("word", "count"),
    [("harbour", 2), ("table", 2), ("queue", 1), ("absolutely", 4), ("x", 1), ("a1", 0), ("", 0)],
)
def test_syllables(word: str, count: int) -> None:
    assert syllables(word) == count


@pytest.mark.parametrize(
    "word", ["Write", "stopped", "Making", "tried", "Is", "went", "Exploring", "planned"]
)
def test_verbs(word: str) -> None:
    assert is_verb(word)


@pytest.mark.parametrize("word", ["The", "Harbour", "Morning", "Building", "Should", "Red", "", "."])
def test_no_verbs(word: str) -> None:
    assert not is_verb(word)


@pytest.mark.parametrize(
    ("rule", "params", "field"),
    [
        ("count:word_count_range", {"min_words": 9, "max_words": 3}, "params"),
        ("count:words_japanese", {"N": 0}, "N"),
        ("ratio:overlap", {"reference_text": "abc", "percentage": 120}, "percentage"),
        ("repeat:repeat_span", {"prompt_to_repeat": "a b", "n_start": 2, "n_end": 5}, "params"),
        ("sentence:keyword", {"word": "sea"}, "N"),
    ],
)
def test_what_cannot_be_followed_or_is_absent_is_refused(
    rule: str, params: dict[str, Any], field: str
) -> None:
    with pytest.raises(InputError) as caught:
        rules.validate(rule, params, file="rows.jsonl", row=3)
    assert caught.value.field == field
