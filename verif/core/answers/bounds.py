"""Intervals and inequalities as what they bound, so that `2 < x ≤ 5` and `(2, 5]` agree and `[2, 5)` does not."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from verif.core.answers.tokens import Token

Bounds = tuple[str, bool, str, bool]
"""Lower end, whether it belongs, upper end, whether it belongs; ends by value, to nine digits."""
_OPENS, _CLOSES = frozenset("([{"), frozenset(")]}")
_JOINS = frozenset({"∪", "or", ",", ";"})
_BELOW, _ABOVE = frozenset("<≤"), frozenset(">≥")
Value = Callable[[Sequence[Token]], float | None]


def bounds_agree(right: Sequence[Token], given: Sequence[Token], value: Value) -> float:
    """1 where both are unions of the same intervals, -1 where they are of others, 0 where one of them is none."""
    sides = [_union(side, value) for side in (right, given)]
    if not sides[0] or not sides[1]:
        return 0.0
    return 1.0 if sides[0] == sides[1] else -1.0


def _union(side: Sequence[Token], value: Value) -> list[Bounds] | None:
    pieces: list[list[Token]] = [[]]
    depth = 0
    for token in side:
        depth += (token.text in _OPENS) - (token.text in _CLOSES)
        if depth == 0 and token.text in _JOINS:
            pieces.append([])
        else:
            pieces[-1].append(token)
    out = [_interval(piece, value) or _inequality(piece, value) for piece in pieces]
    return sorted(b for b in out if b is not None) if None not in out else None


def _interval(piece: Sequence[Token], value: Value) -> Bounds | None:
    """`(a, b]`, also behind `x ∈`."""
    start = next((place + 1 for place, token in enumerate(piece[:3]) if token.text == "∈"), 0)
    body = piece[start:]
    if len(body) < 5 or body[0].text not in ("(", "[") or body[-1].text not in (")", "]"):
        return None
    depth, commas = 0, []
    for place, token in enumerate(body[1:-1], 1):
        depth += (token.text in _OPENS) - (token.text in _CLOSES)
        if depth < 0:
            return None
        if not depth and token.text == ",":
            commas.append(place)
    if len(commas) != 1:
        return None
    low, high = _end(body[1 : commas[0]], value), _end(body[commas[0] + 1 : -1], value)
    return None if low is None or high is None else (low, body[0].text == "[", high, body[-1].text == "]")


def _inequality(piece: Sequence[Token], value: Value) -> Bounds | None:
    """`a < x ≤ b`, `x > a`, `a ≥ x`; of one name."""
    parts: list[list[Token]] = [[]]
    signs = []
    for token in piece:
        if token.text in _BELOW or token.text in _ABOVE:
            signs.append(token.text)
            parts.append([])
        else:
            parts[-1].append(token)
    names = [place for place, part in enumerate(parts) if len(part) == 1 and part[0].kind == "variable"]
    if len(names) != 1 or len(signs) not in (1, 2) or (len(signs) == 2 and names != [1]):
        return None
    if len(signs) == 1:
        end = _end(parts[1 - names[0]], value)
        below = (signs[0] in _BELOW) == (names[0] == 0)
        closed = signs[0] in "≤≥"
        if end is None:
            return None
        return ("-inf", False, end, closed) if below else (end, closed, "inf", False)
    first, last = _end(parts[0], value), _end(parts[2], value)
    if first is None or last is None or (signs[0] in _BELOW) != (signs[1] in _BELOW):
        return None
    bounds = (first, signs[0] in "≤≥", last, signs[1] in "≤≥")
    return bounds if signs[0] in _BELOW else (bounds[2], bounds[3], bounds[0], bounds[1])


def _end(part: Sequence[Token], value: Value) -> str | None:
    """An end by its value; an infinite one by its sign."""
    if part and part[-1].text == "∞" and len(part) <= 2:
        return "-inf" if part[0].text == "-" else "inf"
    number = value(part)
    return None if number is None else f"{number:.9g}"
