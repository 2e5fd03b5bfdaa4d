"""Angles: what one side gives in degrees and the other by pi is compared in radians."""

from __future__ import annotations

import re

_DEGREES = re.compile(
    r"(-?(?:\d{1,12}(?:\.\d{1,12})?|\\frac\{\d{1,12}\}\{\d{1,12}\}))(?:\^\{?\\circ\}?|\\degree|°|\\text\{degrees\}|degrees)"
)


def in_radians(reference: str, answer: str) -> tuple[str, str] | None:
    """Both without degrees, where exactly one of these expressions without blanks has them and the other a pi.

    >>> in_radians("\\\\frac{\\\\pi}{6}", "30^\\\\circ")
    ('\\\\frac{\\\\pi}{6}', '\\\\frac{30\\\\pi}{180}')
    >>> in_radians("30", "30^\\\\circ") is None, in_radians("x+90^\\\\circ", "\\\\pi") is None
    (True, True)
    """
    sides = [_radians(reference), _radians(answer)]
    if sides[0] is None and sides[1] is not None and _has_pi(reference):
        return reference, sides[1]
    if sides[1] is None and sides[0] is not None and _has_pi(answer):
        return sides[0], answer
    return None


def _has_pi(text: str) -> bool:
    return "\\pi" in text or "π" in text


def _radians(text: str) -> str | None:
    match = _DEGREES.fullmatch(text)
    return f"\\frac{{{match[1]}\\pi}}{{180}}" if match else None
