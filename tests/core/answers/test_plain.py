"""Choices, texts, sets and dates: the right answer in other words passes, a hedge, an echo or another thing does not."""

from __future__ import annotations

import time

import pytest

from verif.core.answers.final import final_answer
from verif.core.answers.plain import choice, same


@pytest.mark.parametrize(
    ("text", "letter"),
    [
        ("B. A boat", "B"), ("B. Vitamin C", "B"), ("D. Both A and B", "D"), ("A) f(x)", "A"), ("C: I do not know", "C"),
        ("A is right", "A"), ("A The harbour", "A"), ("A, not B", "A"), ("A", "A"), ("a", "A"), ("a)", "A"), ("(i)", "I"),
        ("B. John F. Kennedy", "B"), ("**B**", "B"), ("option A because it floats", "A"),
        ("Ａ", "A"), ("（Ｂ）", "B"), ("Ⓒ", "C"),
    ],
)  # fmt: skip
def test_a_choice_is_named(text: str, letter: str) -> None:
    assert choice(text) == letter


@pytest.mark.parametrize(
    "text",
    ["A B C D", "A) cat B) dog C) fish", "A. cat B. dog", "A. B. C. D.", "A (or B)", "A or maybe B", "A, or even (B)",
     "A good question", "a boat", "I am not sure", "I think B", "B or C", "A/B"],
)  # fmt: skip
def test_a_list_a_hedge_or_a_word_names_none(text: str) -> None:
    assert choice(text) is None


@pytest.mark.parametrize(
    ("kind", "reference", "answer", "equal"),
    [
        ("text", "-5", "5", False), ("text", "-5", "−5", True), ("text", "C++", "C", False), ("text", "C#", "C++", False),
        ("text", "x+y", "x-y", False), ("text", "1.5", "1/5", False), ("text", "50%", "50", False), ("text", "x<5", "x>5", False),
        ("text", "Vitamin A", "vitamin", False), ("text", "Vitamin A", "the vitamin A", True),
        ("text", "well-known", "well known", True),
        ("text", "Paris", "**Paris**!", True), ("text", "C++", "c++", True), ("text", "the Beatles", "Beatles", True),
        ("set", "a+b, c", "a-b, c", False), ("set", "1, 2, 3", "1 and 2 and 3", True), ("set", "-1, 2", "2, -1", True),
        ("date", "2020-05-03", "not 3 May 2020", False), ("date", "2020-05-03", "Sunday, 3 May 2020", True),
        ("date", "2020-05-03", "2020年5月3日", True), ("date", "2020-05-03", "2020年13月3日", False),
        ("number", "12", "12 million", False), ("number", "12,000,000", "12 million", True), ("number", "18", "x = 18", True),
        ("number", "18", "Total: $18", True), ("number", "18", "x = 18 = 19", False),
    ],
)  # fmt: skip
def test_what_is_the_same(kind: str, reference: str, answer: str, equal: bool) -> None:
    assert (same(kind, reference, answer) is True) is equal


def test_a_second_answer_behind_or_is_no_committed_one() -> None:
    assert same("text", "Paris", final_answer("The answer is Paris. Or Rome.").text) is not True
    assert same("text", "Paris", final_answer("The answer is Paris. It has many bridges.").text) is True


@pytest.mark.slow
@pytest.mark.parametrize("piece", ["A ", "(", "A) ", "or ", "-", "+", "5.", "and ", "a or "])
def test_it_is_linear(piece: str) -> None:
    started = time.process_time()
    for kind in ("choice", "text", "set", "date", "number"):
        same(kind, "A", piece * (200_000 // len(piece)))
    assert time.process_time() - started < 3
