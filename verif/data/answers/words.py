"""Answers in words: names, yes and no, kinds of numbers, with and without a sentence around them."""

from __future__ import annotations

import random

from verif.data.answers.meaning import Meaning, made, meaning

_NAMES = (
    "Paris", "Ada Lovelace", "Jupiter", "Monday", "Lake Superior", "Isaac Newton", "oxygen", "the heart", "Portugal", "Mozart",
    "Marie Curie", "the Nile", "photosynthesis", "gravity", "Thursday", "Alice", "Bob", "Charlie", "green",
    "triangle", "the square",
    "Mount Everest", "copper", "the liver", "Friday", "Emily", "Kyoto", "evaporation", "a rhombus", "an ellipse",
    "hyperbola", "parabola",
)  # fmt: skip
_KINDS = (
    ("even", "divisible by 2"), ("odd", "not divisible by 2"), ("prime", "a prime number"), ("positive", "greater than 0"),
    ("negative", "less than 0"), ("divisible by 3", "a multiple of 3"), ("perfect square", "a square number"),
    ("divisible by 4", "a multiple of 4"), ("composite", "not prime and greater than 1"), ("a power of 2", "of the form 2^k"),
    ("divisible by 6", "a multiple of 6"), ("nonnegative", "at least 0"),
)  # fmt: skip
_YES = ("Yes", "yes", "Yes.", "\\text{Yes}", "yes, it is", "Yes, it does", "True")
_NO = ("No", "no", "No.", "\\text{No}", "no, it is not", "No, it does not", "False", "it is not possible")


@meaning
def name(rng: random.Random) -> Meaning:
    """A name or a term."""
    right, first, second = rng.sample(_NAMES, 3)

    def said(text: str) -> list[str]:
        bare = text.removeprefix("the ").removeprefix("a ").removeprefix("an ")
        return [
            text,
            bare,
            bare.upper(),
            f"\\text{{{bare}}}",
            f"It is {text}",
            f"{text}.",
            f"**{bare}**",
            f"The answer is {text}",
            f"{bare} (see above)",
            f"That would be {text}",
            f"$\\text{{{text}}}$",
        ]

    wrong = (
        said(first)
        + said(second)
        + [
            f"{right} or {first}",
            f"not {right}",
            f"{first}, not {right}",
            f"{right} and {first}",
            f"neither {right} nor {first}",
            f"either {first} or {right}",
        ]
    )
    return made("name", said(right), wrong)


@meaning
def verdict(rng: random.Random) -> Meaning:
    """Yes or no, true or false."""
    right, wrong = (_YES, _NO) if rng.random() < 0.5 else (_NO, _YES)
    return made(
        "name", list(right), [*wrong, "yes or no", "it depends", "maybe", "cannot be determined", "unknown"]
    )


@meaning
def kind(rng: random.Random) -> Meaning:
    """All numbers of a kind."""
    (short, long_), (other_short, other_long) = rng.sample(_KINDS, 2)
    letter = rng.choice("nkmp")

    def said(short: str, long_: str) -> list[str]:
        out = []
        for text in (short, long_):
            out += [
                f"{letter} is {text}",
                f"${letter}$ is {text}",
                f"all {letter} that are {text}",
                f"when {letter} is {text}",
                f"exactly those ${letter}$ which are {text}",
                f"the numbers that are {text}",
                f"{letter} must be {text}",
            ]
        return [
            *out,
            f"all {short} {letter}" if " " not in short else out[0],
            f"all {short} integers" if " " not in short else out[1],
        ]

    right = said(short, long_)
    wrong = [
        *said(other_short, other_long),
        f"{letter} is not {short}",
        f"all {letter}",
        f"{letter} is {short} and {other_short}",
        f"no {letter}",
        f"{letter} is {short} or {other_short}",
        f"all {letter} except those that are {short}",
    ]
    return made("name", right, [text for text in wrong if text not in right])


@meaning
def case(rng: random.Random) -> Meaning:
    """A value with its condition, or a person with a number."""
    person, other_person = rng.sample(
        ("Alice", "Bob", "Carl", "Dana", "the first player", "the second player", "player B", "A", "B"), 2
    )
    number = rng.randrange(2, 60)

    def said(who: str, n: int) -> list[str]:
        return [
            f"{who}, {n}",
            f"{who} with {n}",
            f"{n}, {who}",
            f"{who} ({n})",
            f"{who} wins after {n} moves",
            f"{who}: {n}",
            f"{who} and {n}",
        ]

    def wins(who: str) -> list[str]:
        return [
            f"{who}",
            f"{who} wins",
            f"{who} has a winning strategy",
            f"the winner is {who}",
            f"{who} can always win",
            f"{who} will win",
        ]

    if rng.random() < 0.5:
        return made(
            "name",
            wins(person),
            [
                *wins(other_person),
                f"neither {person} nor {other_person}",
                "nobody wins",
                f"{person} loses",
                f"{person} or {other_person}",
            ],
        )
    return made("name", said(person, number), said(other_person, number) + said(person, number + 1))
