"""Ordinary texts of a given shape, for asking a checker questions whose answer is beyond doubt.

They hold no commas, colons, semicolons, question or exclamation marks, digits or quotation marks; sentences end with
a full stop and one space, paragraphs with one blank line.
"""

from __future__ import annotations

_WORDS = [
    "the",
    "old",
    "harbour",
    "lies",
    "under",
    "a",
    "grey",
    "sky",
    "while",
    "small",
    "boats",
    "rest",
    "beside",
    "the",
    "stone",
    "wall",
    "and",
    "gulls",
    "follow",
    "their",
    "wide",
    "circles",
    "above",
    "it",
    "until",
    "the",
    "evening",
    "light",
    "turns",
    "every",
    "window",
    "of",
    "the",
    "town",
    "to",
    "copper",
    "then",
    "people",
    "walk",
    "home",
    "along",
    "the",
    "narrow",
    "street",
    "with",
    "baskets",
    "of",
    "bread",
    "and",
    "fish",
    "in",
    "quiet",
    "and",
    "easy",
    "company",
]

ORDINARY = (
    "I like it.",
    "The cat sat on the mat and slept until noon.",
    "We walked to the river because the day was warm. Nobody was in a hurry.",
    "You can bake a good loaf with flour and water and salt. Let it rest for a night. It will be better for it.",
    "She wrote to her brother in May. He did not answer until the end of summer.\n\nThey met again at the station.",
    "As a rule the shorter way is not the faster one. Ask a local if you are in doubt.",
)


def sentence(words: int, start: int = 0) -> str:
    """One sentence of that many words."""
    chosen = [_WORDS[(start + i) % len(_WORDS)] for i in range(words)]
    text = " ".join(chosen)
    return text[:1].upper() + text[1:] + "."


def words(count: int, per_sentence: int = 8) -> str:
    """A paragraph of that many words; the last sentence takes what is left."""
    out, done = [], 0
    while done < count:
        size = min(per_sentence, count - done)
        out.append(sentence(size, done))
        done += size
    return " ".join(out)


def paragraph(sentences: int, words_each: int = 6) -> str:
    """One paragraph of that many sentences."""
    return " ".join(sentence(words_each, 5 * i) for i in range(sentences))


def paragraphs(*sizes: int) -> str:
    """Paragraphs of those numbers of sentences."""
    return "\n\n".join(paragraph(size) for size in sizes)


def with_words(wanted: list[str]) -> str:
    """A paragraph that holds each of the given words or phrases between spaces."""
    return " ".join(f"The people of the town like {phrase} as much as they can." for phrase in wanted)
