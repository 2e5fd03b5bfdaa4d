"""Near-duplicates and benchmark prompts are found exactly, whatever the order of the index."""

from __future__ import annotations

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from verif.data.builder.near import Held, elements, jaccard, near_duplicates

WORDS = st.lists(st.sampled_from("harbour boat gull wall light net rope".split()), max_size=12)  # noqa: SIM905


def compared(texts: list[str], threshold: float) -> list[int]:
    """The same by comparing everything with everything."""
    kept: list[int] = []
    near = []
    for place, text in enumerate(texts):
        own = elements(text)
        if own and any(
            jaccard(own, elements(texts[other])) >= threshold for other in kept if elements(texts[other])
        ):
            near.append(place)
        else:
            kept.append(place)
    return near


@settings(max_examples=50)
@given(st.lists(WORDS.map(" ".join), max_size=12), st.sampled_from([0.4, 0.5, 0.8, 1.0]))
def test_the_join_finds_what_comparing_everything_finds(texts: list[str], threshold: float) -> None:
    assert [later for later, _, _ in near_duplicates(texts, threshold)] == compared(texts, threshold)


def test_changed_marks_and_a_changed_word_are_near_and_other_texts_are_not() -> None:
    rng = random.Random(1)
    words = [f"word{number}" for number in range(400)]
    texts = [" ".join(rng.sample(words, 60)) for _ in range(200)]
    copies = [text.replace(" ", ", ", 5).upper() for text in texts[:20]]
    copies += [" ".join(["other", *text.split()[1:]]) for text in texts[20:40]]
    near = near_duplicates([*texts, *copies], 0.8)
    assert [(later, earlier) for later, earlier, _ in near] == [(200 + n, n) for n in range(40)]


def test_texts_without_a_word_are_near_nothing() -> None:
    assert near_duplicates(["...", "...", "", ""], 0.8) == []


def test_a_question_that_holds_a_benchmarks_prompt_is_known() -> None:
    prompt = "Write a riddle about winter for a child of six years"
    held = Held([prompt, "Say hi"], 0.8)
    assert held.inside(f"Please help me. {prompt}. Thank you very much, it is for my son.") == prompt
    assert held.inside("Write a riddle about winter for a child of six year!") == prompt
    assert held.inside("say HI") == "Say hi"
    assert not held.inside("Say hi to my neighbour, and write a riddle about summer.")
