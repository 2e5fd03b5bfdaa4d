"""What the tokens of an answer come to: a few numbers, computed at fixed values of the variables.

Floating point and bounded: a power beyond its bounds, a word in the middle or a missing bracket makes "no value", which
says nothing. Nothing is decided here; the numbers are features of a model.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

from verif.core.answers.functions import FUNCTIONS, applied, combinations, factorial
from verif.core.answers.tokens import Token

DEEPEST = 20
LARGEST = 1e12
_CLOSES = {"(": ")", "[": "]", "{": "}", "|": "|", "⌊": "⌋", "⌈": "⌉"}
_ROUNDED: dict[str, Callable[[float], float]] = {"⌊": math.floor, "⌈": math.ceil, "|": abs}
_BEGINS = frozenset({"frac", "binom", *FUNCTIONS})
"""Words with which a factor begins."""
_CONSTANTS = {"π": math.pi, "∞": 1.797e12}


class _NoValue(Exception):
    pass


def value(tokens: Sequence[Token], variables: Mapping[str, float]) -> float | None:
    """The value of an expression; None where it has none.

    >>> from verif.core.answers.tokens import tokens
    >>> value(tokens("2\\\\sqrt{9} + \\\\frac{x}{2}"), {"x": 4.0}), value(tokens("9^{9^{9}}"), {}), value(tokens("(2"), {})
    (8.0, None, None)
    """
    reader = _Descent(tokens, variables)
    try:
        result = reader.sum(0)
    except (_NoValue, OverflowError, ValueError, ZeroDivisionError):
        return None
    return result if reader.at == len(tokens) and math.isfinite(result) and tokens else None


class _Descent:
    """A recursive descent; `at` is the place of the next token."""

    def __init__(self, tokens: Sequence[Token], variables: Mapping[str, float]) -> None:
        self.tokens, self.variables, self.at = tokens, variables, 0

    def _next(self) -> str:
        return self.tokens[self.at].text if self.at < len(self.tokens) else ""

    def sum(self, depth: int) -> float:
        """Terms with plus and minus between them."""
        if depth > DEEPEST:
            raise _NoValue
        result = self._product(depth)
        while (sign := self._next()) in ("+", "-") and sign:
            self.at += 1
            other = self._product(depth)
            result = result + other if sign == "+" else result - other
        return result

    def _product(self, depth: int) -> float:
        sign = 1.0
        while (text := self._next()) in ("+", "-") and text:
            sign = -sign if text == "-" else sign
            self.at += 1
        result = sign * self._power(depth)
        while text := self._next():
            if text in "*/":
                self.at += 1
                other = self._power(depth)
                result = result * other if text == "*" else result / other
            elif text in "({√π⌊⌈" or text in _BEGINS or self.tokens[self.at].kind in ("number", "variable"):
                result *= self._power(depth)
            else:
                break
        return result

    def _power(self, depth: int) -> float:
        base = self._atom(depth)
        while self._next() == "!":
            self.at += 1
            base = factorial(base)
        if self._next() != "^":
            return base
        self.at += 1
        if depth > DEEPEST:
            raise _NoValue
        negative = self._next() == "-"
        self.at += negative
        exponent = self._power(depth + 1)
        result = math.pow(base, -exponent if negative else exponent)
        if abs(result) > LARGEST:
            raise _NoValue
        return result

    def _atom(self, depth: int) -> float:
        if self.at >= len(self.tokens) or depth > DEEPEST:
            raise _NoValue
        token = self.tokens[self.at]
        self.at += 1
        if token.kind == "number":
            return float(token.value)
        if token.kind == "variable":
            if token.text not in self.variables:
                raise _NoValue
            return self.variables[token.text]
        if token.text in _CONSTANTS:
            return _CONSTANTS[token.text]
        if token.text == "√":
            return self._root(depth)
        if token.text in ("frac", "binom"):
            above = self._atom(depth + 1)
            below = self._atom(depth + 1)
            return above / below if token.text == "frac" else combinations(above, below)
        if token.text in FUNCTIONS:
            return self._applied(token.text, depth + 1)
        if token.text in _CLOSES:
            inner = self.sum(depth + 1)
            if self._next() != _CLOSES[token.text]:
                raise _NoValue
            self.at += 1
            return float(_ROUNDED[token.text](inner)) if token.text in _ROUNDED else inner
        raise _NoValue

    def _applied(self, name: str, depth: int) -> float:
        """A function with its base or power: of a bracket, or of the factors up to the next sign."""
        base = exponent = None
        if self._next() == "_":
            self.at += 1
            base = self._atom(depth)
        if self._next() == "^":
            self.at += 1
            exponent = self._power(depth)
        bracket = self._next() in ("(", "{", "[")
        argument = self._power(depth)
        while not bracket and self.at < len(self.tokens):
            if self._next() not in ("π", "√", "frac") and self.tokens[self.at].kind not in (
                "number",
                "variable",
            ):
                break
            argument *= self._power(depth)
        return applied(name, argument, base, exponent)

    def _root(self, depth: int) -> float:
        degree = 2.0
        if self._next() == "[":
            self.at += 1
            degree = self._atom(depth + 1)
            if self._next() != "]":
                raise _NoValue
            self.at += 1
        inner = self._atom(depth + 1)
        return -(abs(inner) ** (1 / degree)) if inner < 0 and degree == 3 else math.pow(inner, 1 / degree)
