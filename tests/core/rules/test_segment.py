"""Sentences and tokens: what Punkt and NLTK's tokenizer decide, without either."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from verif.core import segment


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("", []),
        ("One", ["One"]),
        ("One. Two? Three!", ["One.", "Two?", "Three!"]),
        ("Really?! Yes...", ["Really?!", "Yes..."]),
        (
            "Mr. Smith met Dr. Jones in the U.S. yesterday. They ate.",
            ["Mr. Smith met Dr. Jones in the U.S. yesterday.", "They ate."],
        ),
        (
            "It costs 3.50 dollars. See example.com for more.",
            ["It costs 3.50 dollars.", "See example.com for more."],
        ),
        ('He said "Stop." Then he left.', ['He said "Stop."', "Then he left."]),
        ("(It was late.) We left.", ["(It was late.)", "We left."]),
        ("J. Bach wrote it.", ["J. Bach wrote it."]),
        ("It starts with the letter o. Please check.", ["It starts with the letter o.", "Please check."]),
        ("1. Wash\n2. Dry", ["1.", "Wash\n2.", "Dry"]),
        ("Fruit, e.g. apples, is good.", ["Fruit, e.g. apples, is good."]),
        ("Wait... what?", ["Wait... what?"]),
        ("No end mark\n\nStill the same sentence.", ["No end mark\n\nStill the same sentence."]),
    ],
)
def test_own_sentences(text: str, sentences: list[str]) -> None:
    assert segment.own_sentences(text) == sentences


@given(st.text(st.sampled_from("ab AB.!?\"')( \n1,-"), max_size=60))
@settings(deadline=None)
def test_sentences_hold_all_the_text(text: str) -> None:
    assert "".join("".join(segment.own_sentences(text)).split()) == "".join(text.split())


def test_an_installed_punkt_is_part_of_the_rules_identity() -> None:
    from verif.core import rules

    part = rules.get("length_constraints:number_sentences").part
    assert part.endswith("+" + segment.splitter())
    assert "+" not in rules.get("length_constraints:number_words").part


def count_with_nltk(text: str) -> int:
    from nltk.tokenize.destructive import NLTKWordTokenizer

    tokenizer = NLTKWordTokenizer()
    return sum(
        token.isupper() for sentence in segment.own_sentences(text) for token in tokenizer.tokenize(sentence)
    )


# Left out: 'TIS and dashes of typography, which NLTK cuts otherwise since 3.9 (upstream's verdicts are older).
WORDS = [
    "I'M",
    "CAN'T",
    "CANNOT",
    "U.S.",
    "NASA,",
    "(OK)",
    "a-B",
    "A-B",
    "X:Y",
    "5:Y",
    '"HI"',
    "It's",
    "GONNA",
]
WORDS += [
    "R&D",
    "A*B",
    "#TAG",
    "END.",
    "wow!",
    "NO!?",
    "B--C",
    "[X]",
    "10TH",
    "Ünder",
    "ÜBER",
    "''Q''",
    "DON'T",
    "no",
]


@pytest.mark.slow
@given(st.lists(st.sampled_from(WORDS), max_size=12))
@settings(deadline=None, max_examples=100)
def test_words_in_capitals_are_counted_as_nltk_counts_them(words: list[str]) -> None:
    pytest.importorskip("nltk")
    text = " ".join(words)
    assert sum(token.isupper() for token in segment.upper_case_candidates(text)) == count_with_nltk(text)
