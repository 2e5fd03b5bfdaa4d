"""The numbers of the sums world, 0 to 20, and every way in which an answer may spell them.

A rule for numbers reads digits, decimals and fractions, with or without the thing counted; it does not read words. That
is the gap by which a rule refuses right answers here.
"""

from __future__ import annotations

WORDS = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "thirteen",
    "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen", "twenty",
)  # fmt: skip
MOST = len(WORDS) - 1
THINGS = ("apple", "boat", "candle", "spoon", "basket", "ticket", "lizard", "rope")
NAMES = ("Ada", "Bruno", "Carla", "Denis", "Edda", "Falk")
FORMS = ("digits", "word", "decimal", "half", "digits thing", "word thing")


def counted(number: str, value: int, thing: str) -> str:
    """A number with the thing counted: `one boat`, `3 boats`."""
    return f"{number} {thing}{'' if value == 1 else 's'}"


def spell(value: int, form: str, thing: str) -> str:
    """A value in one of the `FORMS`.

    >>> [spell(12, form, "boat") for form in FORMS]
    ['12', 'twelve', '12.0', '24/2', '12 boats', 'twelve boats']
    """
    number = {"digits": str(value), "word": WORDS[value], "decimal": f"{value}.0", "half": f"{2 * value}/2"}[
        form.split()[0]
    ]
    return counted(number, value, thing) if form.endswith("thing") else number


def spellings(value: int, thing: str) -> tuple[str, ...]:
    """All ways to spell a value, digits first."""
    return tuple(spell(value, form, thing) for form in FORMS)


def _meanings() -> dict[str, tuple[int, str]]:
    table: dict[str, tuple[int, str]] = {}
    for value in range(MOST + 1):
        for thing in THINGS:
            for form in FORMS:
                table[spell(value, form, thing)] = (value, thing if form.endswith("thing") else "")
    return table


_MEANINGS = _meanings()


def meaning(text: str) -> tuple[int, str] | None:
    """The value that a whole text spells and the thing that it counts ("" if it names none); None for any other text.

    >>> meaning("Twelve boats"), meaning("24/2"), meaning("7 + 5")
    ((12, 'boat'), (12, ''), None)
    """
    return _MEANINGS.get(text.strip().lower())
