"""Answers that are one number: whole, fraction, decimal, percent, with a unit, a root, in words around it."""

from __future__ import annotations

import math
import random
from fractions import Fraction

from verif.data.answers.meaning import Meaning, made, meaning, other

_SMALL = (
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
)
_THINGS = (
    "apples", "ways", "solutions", "students", "pairs", "triangles", "integers", "marbles", "steps", "games", "points",
    "people", "tickets", "colorings", "paths", "terms", "values", "coins", "books", "cards",
)  # fmt: skip
_UNITS = (
    ("cm", "centimeters", "\\text{ cm}"), ("m", "meters", "\\text{ m}"), ("km", "kilometers", "\\mathrm{~km}"),
    ("hours", "hour", "\\text{ hours}"), ("minutes", "min", "\\text{ minutes}"), ("kg", "kilograms", "\\text{ kg}"),
    ("seconds", "sec", "\\text{ s}"), ("days", "day", "\\text{ days}"), ("square units", "units squared", "\\text{ units}^2"),
    ("miles per hour", "mph", "\\text{ mph}"), ("degrees", "°", "^\\circ"),
)  # fmt: skip
_CONVERTED = (
    ("m", "cm", 100),
    ("km", "m", 1000),
    ("hours", "minutes", 60),
    ("minutes", "seconds", 60),
    ("kg", "g", 1000),
)
_NAMES = "xynkmabrtS"


def whole(rng: random.Random) -> int:
    """An integer; small ones are commoner."""
    number = rng.choice(
        (rng.randrange(0, 13), rng.randrange(10, 100), rng.randrange(100, 5000), rng.randrange(5000, 10**7))
    )
    return -number if rng.random() < 0.15 else number


@meaning
def integer(rng: random.Random) -> Meaning:
    """A whole number, alone, named, counted or in a sentence."""
    n, name, thing = whole(rng), rng.choice(_NAMES), rng.choice(_THINGS)
    elsewhere = rng.choice(_THINGS)

    def said(k: int) -> list[str]:
        return [
            f"{k}", f"{k:,}", f"${k}$", f"{name} = {k}", f"${name}={k}$", f"{k} {thing}", f"${k}$ {thing}",
            f"there are {k} {thing}", f"There are exactly ${k}$ such {thing}", f"{k}\\text{{ {thing}}}", f"{name}: {k}",
            f"{name} must be {k}", f"the number of {thing} is {k}", f"a total of {k} {thing}", f"{k}.0",
        ]  # fmt: skip

    equal = said(n) + ([_SMALL[n], f"{_SMALL[n]} {thing}"] if 0 <= n <= 12 else [])
    equal += [f"{n}/1"] if n > 3 else []
    m = other(rng, n)
    wrong = [
        *said(m),
        f"{n} or {m}",
        f"{n}, {m}",
        f"{m} {thing} or {n} {thing}",
        f"{n}\\sqrt{{2}}",
        f"{n}\\pi",
        f"not {n}",
        f"{n} {elsewhere}" if elsewhere != thing else f"{m}",
        f"there are {n} {elsewhere}" if elsewhere != thing else f"{m}",
    ]
    wrong += [
        f"{n}^2",
        f"at least {n}",
        f"{name} > {n}",
        f"${name} \\ge {n}$",
        f"{n}{name}",
        f"1/{n}" if n not in (1, -1, 0) else "2/7",
    ]
    return made("number", equal, wrong)


@meaning
def fraction(rng: random.Random) -> Meaning:
    """A fraction: set in several ways, as a decimal, as a sum of its whole part."""
    b = rng.choice((2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 16, 20, 25, 99, 100, 125))
    a = rng.randrange(1, 4 * b)
    value = Fraction(a, b)
    a, b = value.numerator, value.denominator
    name, thing = rng.choice(_NAMES), rng.choice(("probability", "ratio", "area", "value", "sum"))

    def said(p: int, q: int) -> list[str]:
        decimal = p / q
        texts = [
            f"{p}/{q}",
            f"\\frac{{{p}}}{{{q}}}",
            f"$\\frac{{{p}}}{{{q}}}$",
            f"\\dfrac{{{p}}}{{{q}}}",
            f"{name}={p}/{q}",
        ]
        texts += [
            f"the {thing} is {p}/{q}",
            f"{2 * p}/{2 * q}",
            f"${name} = \\frac{{{p}}}{{{q}}}$",
            f"{p} / {q}",
            f"{p}:{q}",
        ]
        texts += [
            f"{decimal:.4f}",
            f"{decimal:.3f}",
            f"≈ {decimal:.4f}",
            f"{p}/{q} ≈ {decimal:.3f}",
            f"about {decimal:.3f}",
        ]
        if p > q > 1:
            texts += [f"{p // q} {p % q}/{q}", f"{p // q}\\frac{{{p % q}}}{{{q}}}", f"{p // q} + {p % q}/{q}"]
        return texts

    p, q = rng.choice(((other(rng, a), b), (b, a), (a, other(rng, b)), (a + b, b), (-a, b)))
    if q <= 0 or Fraction(p, q) == value or abs(p / q - a / b) < 0.002:
        p, q = a + 2 * b + 1, b
    wrong = [
        *said(p, q),
        f"1 - {a}/{b}" if 2 * a != b else "1/7",
        f"{a}{b}",
        f"{a}/{b} or {p}/{q}",
        f"({a}, {b})",
        f"{a}\\pi/{b}",
    ]
    wrong += [f"{a / b + 0.01:.3f}", f"{a / b * 10:.3f}", f"\\sqrt{{{a}/{b}}}" if a != b else "2"]
    return made("fraction", said(a, b), wrong)


@meaning
def decimal(rng: random.Random) -> Meaning:
    """A decimal number, a percentage, money."""
    places = rng.choice((1, 2, 2, 3))
    n = rng.randrange(11, 10 ** (places + 2))
    kind = rng.choice(("plain", "percent", "money"))
    name = rng.choice(_NAMES)

    def said(k: int) -> list[str]:
        text = f"{k / 10**places:.{places}f}"
        if kind == "percent":
            return [
                f"{text}%",
                f"{text}\\%",
                f"{text} percent",
                f"${text}\\%$",
                text,
                f"about {text}%",
                f"{name} = {text}%",
            ]
        if kind == "money":
            return [
                f"${text}",
                f"\\${text}",
                f"{text} dollars",
                f"USD {text}",
                text,
                f"the cost is ${text}",
                f"\\$ {text}",
            ]
        exact = Fraction(k, 10**places)
        return [
            text, f"${text}$", f"{name} = {text}", f"{text}0", f"\\frac{{{exact.numerator}}}{{{exact.denominator}}}",
            f"{exact.numerator}/{exact.denominator}", f"approximately {text}", f"{name}≈{text}", f"the answer is {text}",
            text.replace(".", ","),
        ]  # fmt: skip

    m = other(rng, n)
    m = m if m > 0 else n + 3
    text = f"{n / 10**places:.{places}f}"
    wrong = [
        *said(m),
        f"{n}" if places else f"{n}0",
        f"{n / 10 ** (places + 1):.{places + 1}f}",
        f"-{text}",
        f"{text} or {m}",
    ]
    return made("decimal", said(n), wrong)


@meaning
def measure(rng: random.Random) -> Meaning:
    """A number with its unit, with another unit, or without one."""
    n = abs(whole(rng)) % 2000 + 1
    if rng.random() < 0.4:
        large, small, factor = rng.choice(_CONVERTED)
        equal = [f"{n} {large}", f"{n * factor} {small}", f"${n}$ {large}", f"{n * factor}\\text{{ {small}}}"]
        wrong = [f"{n} {small}", f"{n * factor} {large}", f"{n * factor * 10} {small}", f"{n + 1} {large}"]
        return made("unit", equal, wrong)
    short, long_, tex = rng.choice(_UNITS)
    name, m = rng.choice(_NAMES), other(rng, n)

    def said(k: int) -> list[str]:
        return [
            f"{k} {short}", f"{k} {long_}", f"${k}{tex}$", f"{k}", f"${k}$ {long_}", f"{name} = {k} {short}",
            f"it takes {k} {short}",
            f"${name}={k}$", f"{k:,} {long_}",
        ]  # fmt: skip

    another = rng.choice([u for u in _UNITS if u[0] != short])
    wrong = [
        *said(m),
        f"{n} {another[0]}",
        f"{n}{another[2]}",
        f"{n} {short} or {m} {short}",
        f"{n}.{rng.randrange(1, 9)} {short}",
    ]
    return made("unit", said(n), wrong)


@meaning
def root(rng: random.Random) -> Meaning:
    """A root or a multiple of pi: exact, with its factors in another order, or as a decimal."""
    a, b, c = rng.randrange(-9, 20), rng.randrange(1, 12), rng.choice((2, 3, 5, 6, 7, 10, 11, 13, 15))
    d = rng.choice((1, 1, 2, 3, 4))
    name = rng.choice(_NAMES)
    pi = rng.random() < 0.35

    def said(a: int, b: int, c: int, d: int) -> list[str]:
        surd, plain = (
            (f"{b if b != 1 else ''}\\pi", f"{b}π")
            if pi
            else (f"{b if b != 1 else ''}\\sqrt{{{c}}}", f"{b}√{c}")
        )
        value = (a + b * (math.pi if pi else math.sqrt(c))) / d
        sum_ = surd if a == 0 else f"{a} + {surd}"
        turned = surd if a == 0 else f"{surd} {'+' if a > 0 else '-'} {abs(a)}"
        texts = (
            [f"\\frac{{{sum_}}}{{{d}}}", f"\\frac{{{turned}}}{{{d}}}", f"({sum_})/{d}"]
            if d > 1
            else [sum_, turned, f"${sum_}$"]
        )
        texts += [f"({plain}+{a})/{d}" if d > 1 else f"{plain} + {a}" if a else plain]
        texts += [
            f"{name} = {texts[0]}",
            f"${name}={texts[1]}$",
            f"{value:.4f}",
            f"≈ {value:.3f}",
            f"{texts[0]} ≈ {value:.3f}",
        ]
        if not pi:
            texts.append(f"\\frac{{{a}+\\sqrt{{{b * b * c}}}}}{{{d}}}")
        return texts

    changed = rng.choice(
        (
            (-a - 1, b, c, d),
            (a, b + 1, c, d),
            (a, b, c + 2 if not pi else c, d + (1 if pi else 0)),
            (a + 1, b, c, d),
        )
    )
    wrong = [
        *said(*changed),
        f"{a}-{b}\\sqrt{{{c}}}",
        f"{a + b}",
        f"{b}\\sqrt[3]{{{c}}}",
        f"{c}\\sqrt{{{b + 20}}}",
    ]
    wrong = [text for text in wrong if text not in said(a, b, c, d)]
    return made("root", said(a, b, c, d), wrong)


@meaning
def power(rng: random.Random) -> Meaning:
    """A power, a binomial, a factorial, or a product that nobody multiplies out."""
    base, exponent = rng.randrange(2, 12), rng.randrange(2, 9)
    value = base**exponent
    extra = rng.randrange(1, 9)
    name = rng.choice(_NAMES)

    def said(b: int, e: int, k: int) -> list[str]:
        return [
            f"{b}^{e} - {k}", f"{b}^{{{e}}}-{k}", f"${b}^{{{e}}} - {k}$", f"{b**e - k}", f"{b**e - k:,}", f"-{k}+{b}^{e}",
            f"{name} = {b}^{e} - {k}", f"{b} \\cdot {b}^{{{e - 1}}} - {k}", f"{b}^{e}-{k} = {b**e - k}",
        ]  # fmt: skip

    wrong = (
        said(base, exponent, extra + 1)
        + said(base, exponent + 1, extra)
        + [f"{base}^{exponent} + {extra}", f"{exponent}^{base}-{extra}"]
    )
    return made("expression", said(base, exponent, extra), [w for w in wrong if w != f"{value - extra}"])
