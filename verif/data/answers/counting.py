"""Formulas of counting and of trigonometry: factorials, binomials, functions and what they are by identity."""

from __future__ import annotations

import random

from verif.data.answers.meaning import Meaning, made, meaning


def _set(rng: random.Random, texts: list[str]) -> list[str]:
    """Each as it is, between dollars, and with a label."""
    label = rng.choice(("S", "P", "N", "y", "the value", "a_n"))
    return [
        text for expression in texts for text in (expression, f"${expression}$", f"{label} = {expression}")
    ]


@meaning
def counting(rng: random.Random) -> Meaning:
    """A number of ways in n and k: by factorials, by a binomial, with its factors in another order."""
    n, k = rng.sample("nkmprqd", 2)
    a, b, c = rng.randrange(2, 9), rng.randrange(1, 6), rng.randrange(2, 8)
    groups = [
        [[f"\\binom{{{n}}}{{{k}}}", f"\\dfrac{{{n}!}}{{{k}!({n}-{k})!}}", f"\\frac{{{n} !}}{{({n}-{k}) ! {k} !}}"],
         [f"\\frac{{{n}!}}{{({n}-{k})!}}", f"\\frac{{{n}!}}{{{k}!}}", f"\\binom{{{k}}}{{{n}}}",
          f"\\frac{{{n}!}}{{{k}({n}-{k})!}}"]],
        [[f"\\frac{{{n}!}}{{{a}({n}-{k})!}}", f"\\dfrac{{{n} !}}{{{a} ({n}-{k}) !}}",
          f"\\frac{{1}}{{{a}}} \\cdot \\frac{{{n}!}}{{({n}-{k})!}}", f"\\frac{{{k}!}}{{{a}}}\\binom{{{n}}}{{{k}}}"],
         [f"\\frac{{{n}!}}{{({n}-{k})!}}", f"\\frac{{{n}!}}{{{a}({n}-{b})!}}", f"\\frac{{{n}!}}{{{a + 1}({n}-{k})!}}",
          f"\\frac{{{k}!}}{{{a}({n}-{k})!}}", f"\\frac{{{n}!}}{{{k}({n}-{a})!}}"]],
        [[f"\\frac{{{n}!}}{{{a}{k}({n}-{k})!}}", f"\\dfrac{{{n} !}}{{{a} {k} ({n}-{k}) !}}",
          f"\\frac{{1}}{{{a}{k}}} \\cdot \\frac{{{n}!}}{{({n}-{k})!}}", f"\\frac{{({k}-1)!}}{{{a}}}\\binom{{{n}}}{{{k}}}"],
         [f"\\frac{{{n}!}}{{{k}({n}-{k})!}}", f"\\frac{{{n}!}}{{{a}({n}-{k})!}}", f"\\frac{{{n}!}}{{{k}({n}-{a})!}}",
          f"\\frac{{{k}!}}{{{a}{n}({n}-{k})!}}", f"\\frac{{{n}!}}{{{a}{k}({n}+{k})!}}"]],
        [[f"({n}+{b})!", f"({b}+{n})!", f"({n}+{b}) \\cdot ({n}+{b - 1})!"],
         [f"{n}!+{b}", f"({n}-{b})!", f"({n}+{b + 1})!", f"{n}! {b}!", f"({n}+{b}) {n}!" if b > 1 else f"{n}!"]],
        [[f"\\binom{{{n}+{b}}}{{{c}}}", f"\\binom{{{b}+{n}}}{{{c}}}", f"\\binom{{{n}+{b}}}{{{n}+{b}-{c}}}"],
         [f"\\binom{{{n}}}{{{c}}}", f"\\binom{{{n}+{b + 1}}}{{{c}}}", f"\\binom{{{n}-{b}}}{{{c}}}",
          f"\\binom{{{n}+{b}}}{{{c + 1}}}"]],
        [[f"{a}^{{{n}}} {k}!", f"{k}! \\cdot {a}^{n}", f"{k}!{a}^{{{n}}}"],
         [f"{a}^{{{k}}} {n}!", f"{a}{n} {k}!", f"{a + 1}^{{{n}}} {k}!", f"\\frac{{{a}^{n}}}{{{k}!}}"]],
    ]  # fmt: skip
    right, wrong = rng.choice(groups)
    return made("formula", _set(rng, right), _set(rng, wrong))


@meaning
def angles(rng: random.Random) -> Meaning:
    """A formula with sines, logarithms and exponentials, and what it is by identity."""
    t = rng.choice("xtuv")
    a, b = rng.sample(range(2, 10), 2)
    sine, cosine, tangent = f"\\sin {t}", f"\\cos {t}", f"\\tan {t}"
    groups = [
        [[f"\\frac{{{sine}}}{{{cosine}}}", tangent, f"\\tan({t})", f"\\sin({t})/\\cos({t})"],
         [f"\\frac{{{cosine}}}{{{sine}}}", f"\\cot {t}", f"-{tangent}", f"{sine} {cosine}"]],
        [[f"\\sin 2{t}", f"2 {sine} {cosine}", f"2\\cos({t})\\sin({t})", f"\\sin(2{t})"],
         [f"2 {sine}", f"{sine} {cosine}", f"\\cos 2{t}", f"\\sin^2 {t}", f"-\\sin 2{t}"]],
        [[f"\\cos^2 {t}", f"1-\\sin^2 {t}", f"(\\cos {t})^2", f"1 - \\sin^{{2}}({t})"],
         [f"1+\\sin^2 {t}", f"\\sin^2 {t}", f"\\cos {t}^2", f"1-\\cos^2 {t}", f"\\cos 2{t}"]],
        [[f"{a}\\ln {t}+{b}", f"{b}+{a} \\ln({t})", f"\\ln({t}^{a})+{b}", f"{b} + \\ln {t}^{{{a}}}"],
         [f"{b}\\ln {t}+{a}", f"{a}\\ln {t}-{b}", f"{a}\\ln({t}+{b})", f"{a} \\log {t} + {b}"]],
        [[f"{a}e^{{-{b}{t}}}", f"\\frac{{{a}}}{{e^{{{b}{t}}}}}", f"{a} \\exp(-{b}{t})"],
         [f"{a}e^{{{b}{t}}}", f"{b}e^{{-{a}{t}}}", f"-{a}e^{{-{b}{t}}}", f"{a}-e^{{{b}{t}}}"]],
        [[f"\\frac{{{a}}}{{{cosine}}}", f"{a}\\sec {t}", f"{a} \\sec({t})"],
         [f"{a}\\csc {t}", f"{a}{cosine}", f"\\frac{{{a}}}{{{sine}}}", f"-{a}\\sec {t}", f"{b}\\sec {t}"]],
        [[f"{a}\\cos({b}{t})-{sine}", f"-\\sin({t})+{a}\\cos {b}{t}", f"{a} \\cos {b}{t} - {sine}"],
         [f"{a}\\cos({b}{t})+{sine}", f"{b}\\cos({a}{t})-{sine}", f"{a}\\sin({b}{t})-{cosine}"]],
    ]  # fmt: skip
    right, wrong = rng.choice(groups)
    return made("formula", _set(rng, right), _set(rng, wrong))
