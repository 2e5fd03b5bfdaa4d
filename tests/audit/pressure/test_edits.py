"""Edits of a search: total, linear, and each does what its name says."""

from __future__ import annotations

import random
import time
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verif.audit.pressure.edits import EDITS, LONGEST, bare, company, mutate, neighbours, words_of
from verif.types import Instruction

ITEM = Instruction(id="1", prompt="Describe the harbour. Mention the word sail.")
TEXT = "The sailor carries the old boat. At noon, the diver finds the anchor."
OTHER = "My rope is old and small."


def mutant(name: str, seed: int, text: str = TEXT) -> str:
    return mutate(random.Random(seed), name, text, company(ITEM, OTHER, neighbours([TEXT, OTHER])))


@pytest.mark.slow
@pytest.mark.parametrize("name", EDITS)
@given(text=st.text(min_size=1).filter(lambda text: text.strip()), seed=st.integers(0, 1000))
def test_an_edit_takes_any_text(name: str, text: str, seed: int) -> None:
    made = mutant(name, seed, text)
    assert made == mutant(name, seed, text), "the same seed, the same mutant"
    assert made == made.strip()


@pytest.mark.parametrize("name", EDITS)
def test_an_edit_takes_time_in_proportion_and_makes_no_text_much_longer(name: str) -> None:
    began = time.process_time()
    made = mutant(name, 1, "word " * 200_000)
    assert time.process_time() - began < 2
    assert len(made.split()) <= 2 * LONGEST + 4


def test_most_edits_change_most_texts() -> None:
    for name in EDITS:
        changed = sum(mutant(name, seed) != TEXT for seed in range(60))
        assert changed >= 30, name


def words(text: str) -> Counter[str]:
    return Counter(bare(word) for word in words_of(text))


def test_what_an_edit_borrows_comes_from_where_it_says() -> None:
    for seed in range(60):
        assert words(mutant("delete", seed)) <= words(TEXT)
        assert words(mutant("swap", seed)) == words(mutant("reorder", seed)) == words(TEXT)
        assert set(words(mutant("repeat", seed))) == set(words(TEXT))
        assert set(words(mutant("splice", seed))) <= set(words(TEXT + " " + OTHER))
        assert set(words(mutant("stuff", seed))) <= set(words(TEXT)) | {
            "describe",
            "harbour",
            "mention",
            "word",
            "sail",
        }


def test_an_exchanged_word_has_stood_behind_the_same_neighbour() -> None:
    behind = neighbours([TEXT, OTHER])
    assert behind["the"] == ["anchor.", "diver", "old", "sailor"] or set(behind["the"]) >= {
        "diver",
        "old",
        "anchor.",
    }
    made = {mutant("exchange", seed) for seed in range(40)}
    assert any("the anchor." in text and "finds" in text for text in made)


def test_case_is_kept_where_it_was_asked_for() -> None:
    assert mutant("stuff", 3, TEXT.upper()).isupper()
    assert mutant("splice", 3, TEXT.lower()).islower()


def test_lines_stay_lines() -> None:
    assert "\n" in mutant("stuff", 1, "- The sailor finds the boat.\n- My rope is old and small.")
