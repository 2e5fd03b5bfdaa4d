"""Functions that answers hold, in floating point: what has no value here raises `ValueError` or `OverflowError`."""

from __future__ import annotations

import math
from collections.abc import Callable

FUNCTIONS: dict[str, Callable[[float], float]] = {
    "sin": math.sin, "cos": math.cos, "tan": math.tan, "ln": math.log, "log": math.log10, "lg": math.log10, "exp": math.exp,
    "cot": lambda x: 1 / math.tan(x), "sec": lambda x: 1 / math.cos(x), "csc": lambda x: 1 / math.sin(x),
    "arcsin": math.asin, "arcco": math.acos, "arccos": math.acos, "arctan": math.atan,
    "sinh": math.sinh, "cosh": math.cosh, "tanh": math.tanh,
}  # fmt: skip
_INVERSE = {"sin": math.asin, "cos": math.acos, "tan": math.atan}
LARGEST = 30.0
"""Of a factorial: beyond it doubles have no digits to tell two apart."""


def applied(name: str, argument: float, base: float | None = None, exponent: float | None = None) -> float:
    """A function of the table, with the base of a logarithm or a power written behind its name.

    >>> applied("log", 8.0, base=2.0), round(applied("sin", 1.0, exponent=-1.0), 6), applied("cos", 0.0, exponent=2.0)
    (3.0, 1.570796, 1.0)
    """
    if base is not None:
        if name not in ("log", "lg"):
            raise ValueError(f"{name} has no base")
        return math.log(argument, base)
    if exponent == -1 and name in _INVERSE:
        return _INVERSE[name](argument)
    result = FUNCTIONS[name](argument)
    return result if exponent is None else math.pow(result, exponent)


def factorial(number: float) -> float:
    """The factorial by the gamma function, so that `(n-k)!` has a value at any n and k."""
    if abs(number) > LARGEST:
        raise OverflowError("too large a factorial")
    return math.gamma(number + 1)


def combinations(above: float, below: float) -> float:
    """A binomial coefficient, of any numbers.

    >>> combinations(5, 2)
    10.0
    """
    return round(factorial(above) / (factorial(below) * factorial(above - below)), 12)
