"""Answers with variables: polynomials, functions, equations, formulas in n."""

from __future__ import annotations

import random

from verif.data.answers.meaning import Meaning, made, meaning, other


def _term(coefficient: int, name: str, degree: int, *, first: bool, tex: bool = True) -> str:
    if not coefficient:
        return ""
    sign = ("-" if coefficient < 0 else "") if first else (" - " if coefficient < 0 else " + ")
    size = abs(coefficient)
    if degree == 0:
        return f"{sign}{size}"
    number = "" if size == 1 else f"{size}"
    raised = name if degree == 1 else (f"{name}^{{{degree}}}" if tex and degree > 9 else f"{name}^{degree}")
    return f"{sign}{number}{raised}"


def polynomial_text(coefficients: list[tuple[int, int]], name: str) -> str:
    """Coefficients with their degrees as a sum, in the given order."""
    text = ""
    for coefficient, degree in coefficients:
        text += _term(coefficient, name, degree, first=not text)
    return text or "0"


@meaning
def polynomial(rng: random.Random) -> Meaning:
    """A polynomial: its terms in another order, with a label, with another set of brackets."""
    name, label = rng.choice("xntyz"), rng.choice(("f(x)", "P(x)", "y", "p(x)", "g(x)"))
    degrees = rng.sample(range(4), rng.choice((2, 2, 3)))
    terms = [(rng.choice((-1, 1)) * rng.randrange(1, 13), degree) for degree in degrees]
    label = label.replace("x", name)

    def said(terms: list[tuple[int, int]]) -> list[str]:
        ordered = polynomial_text(sorted(terms, key=lambda term: -term[1]), name)
        turned = polynomial_text(sorted(terms, key=lambda term: term[1]), name)
        return [
            ordered, f"${ordered}$", turned, f"{label} = {ordered}", f"${label}={turned}$", ordered.replace(" ",
            ""), f"({ordered})",
            f"the polynomial {ordered}", ordered.replace("^2", "²").replace("^3", "³"), f"{label} = {ordered} for all {name}",
            f"all functions of the form {label} = {ordered}",
        ]  # fmt: skip

    place = rng.randrange(len(terms))
    coefficient, degree = terms[place]
    lies = [
        [*terms[:place], (other(rng, coefficient) or 3, degree), *terms[place + 1 :]],
        [*terms[:place], (-coefficient, degree), *terms[place + 1 :]],
        [*terms[:place], (coefficient, degree + 4), *terms[place + 1 :]],
        [*terms[:place], *terms[place + 1 :]],
    ]  # fmt: skip
    wrong = [text for lie in lies for text in said(lie)] + [
        f"{label} = {name}" if terms != [(1, 1)] else f"{label} = 7"
    ]
    return made("formula", said(terms), wrong)


@meaning
def product(rng: random.Random) -> Meaning:
    """A product of two factors, multiplied out or not."""
    a, b, k, name = rng.randrange(-9, 10), rng.randrange(-9, 10), rng.randrange(1, 6), rng.choice("xnyt")

    def said(a: int, b: int, k: int) -> list[str]:
        def factor(c: int) -> str:
            return name if c == 0 else f"({name} {'+' if c > 0 else '-'} {abs(c)})"

        front = "" if k == 1 else str(k)
        multiplied = polynomial_text([(k, 2), (k * (a + b), 1), (k * a * b, 0)], name)
        return [
            f"{front}{factor(a)}{factor(b)}",
            f"${front}{factor(b)}{factor(a)}$",
            multiplied,
            f"{front} \\cdot {factor(a)} \\cdot {factor(b)}" if front else multiplied,
        ]

    wrong = said(a + 1, b, k) + said(-a - 1, -b, k) + said(a, b, k + 1)
    right = said(a, b, k)
    return made("formula", right, [text for text in wrong if text not in right])


@meaning
def formula(rng: random.Random) -> Meaning:
    """A formula in n, as counting and sequences have it."""
    name, k, c = rng.choice("nkm"), rng.randrange(2, 8), rng.randrange(1, 9)
    label = rng.choice((f"a_{name}", f"f({name})", "S", f"T_{{{name}}}"))

    def forms(k: int, c: int) -> list[list[str]]:
        return [
            [f"\\frac{{{name}({name}+{c})}}{{{k}}}", f"{name}({name}+{c})/{k}",
             f"\\frac{{{name}^2+{c}{name}}}{{{k}}}", f"\\frac{{1}}{{{k}}}{name}({c}+{name})"],
            [f"{k}^{{{name}}}-{c}", f"{k}^{name} - {c}", f"-{c}+{k}^{name}", f"{k} \\cdot {k}^{{{name}-1}} - {c}"],
            [f"{k}^{{{name}-1}}", f"\\frac{{{k}^{name}}}{{{k}}}", f"{k}^{name}/{k}", f"{k}^{{-1+{name}}}"],
            [f"{k}{name}-{c}", f"{k} {name} - {c}", f"-{c} + {k}{name}", f"{k}\\cdot {name} - {c}"],
            [f"\\binom{{{name}}}{{{k}}}+{c}", f"{c}+\\binom{{{name}}}{{{k}}}", f"C({name},{k})+{c}"],
            [f"{k}\\sqrt{{{name}+{c}}}", f"{k}\\sqrt{{{c}+{name}}}", f"{k}({name}+{c})^{{1/2}}",
             f"\\sqrt{{{k * k}({name}+{c})}}"],
        ]  # fmt: skip

    place = rng.randrange(6)

    def said(texts: list[str]) -> list[str]:
        return (
            [f"${t}$" for t in texts]
            + texts
            + [f"{label} = {t}" for t in texts]
            + [f"${label}={texts[0]}$ for all {name}", f"{label} = {texts[1]}, for ${name} \\geq 1$"]
        )

    lies = [
        *forms(k + 1, c)[place],
        *forms(k, c + 1)[place],
        *forms(c + 9, k)[place],
        forms(k, c)[(place + 1) % 6][0],
    ]
    if place == 2:
        lies = [text for text in lies if text not in forms(k, c)[2]]
    right = said(forms(k, c)[place])
    return made("formula", right, [text for text in said(lies) if text not in right])


@meaning
def equation(rng: random.Random) -> Meaning:
    """The equation of a line or a circle: sides exchanged, solved for y, with brackets."""
    a, b, c = rng.randrange(1, 9), rng.randrange(1, 9), rng.randrange(1, 20)

    def line(a: int, c: int) -> list[str]:
        front = "" if a == 1 else str(a)
        return [
            f"y = {front}x + {c}",
            f"${front}x + {c} = y$",
            f"y={c}+{front}x",
            f"y - {c} = {front}x",
            f"the line y = {front}x + {c}",
            f"{front}x - y + {c} = 0",
            f"$y-{front}x={c}$",
        ]

    def circle(a: int, b: int, c: int) -> list[str]:
        return [
            f"(x-{a})^2 + (y-{b})^2 = {c * c}",
            f"(x-{a})^{{2}}+(y-{b})^{{2}}={c}^2",
            f"$(y-{b})^2+(x-{a})^2={c * c}$",
        ]

    if rng.random() < 0.5:
        return made(
            "formula", circle(a, b, c), circle(b + 1, a, c) + circle(a, b, c + 1) + circle(a + 1, b, c)
        )
    return made(
        "formula",
        line(a, c),
        line(a + 1, c) + line(a, c + 2) + [f"y = -{a}x + {c}", f"x = {a}y + {c}", f"y = {a}x - {c}"],
    )
