"""Brackets in an answer: where it may be parted, and how deep it goes."""

from __future__ import annotations

OPEN, CLOSE = "([{", ")]}"


def change(letter: str) -> int:
    """How a letter changes the depth: 1 for a bracket that opens, -1 for one that closes, else 0."""
    return (letter in OPEN) - (letter in CLOSE)


def split_outside(text: str) -> list[str]:
    """What stands between the commas and semicolons outside brackets.

    >>> split_outside("1, (2, 3); x")
    ['1', ' (2, 3)', ' x']
    """
    parts, depth, start = [], 0, 0
    for position, letter in enumerate(text):
        depth += change(letter)
        if depth <= 0 and letter in ",;":
            parts.append(text[start:position])
            start = position + 1
    parts.append(text[start:])
    return parts


def depth_of(text: str) -> int:
    """The deepest nesting in a text."""
    depth = deepest = 0
    for letter in text:
        depth += change(letter)
        deepest = max(deepest, depth)
    return deepest
