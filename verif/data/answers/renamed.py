"""Answers in which a name is free: a function's argument, the integer of a period, the parameter of a family."""

from __future__ import annotations

import random

from verif.data.answers.meaning import Meaning, made, meaning


@meaning
def argument(rng: random.Random) -> Meaning:
    """A function, whatever its argument is called; another constant, sign or power makes it another one."""
    first, second = rng.sample("xnztmks", 2)
    letter, a, b = rng.choice("fgh"), rng.randrange(2, 9), rng.randrange(1, 1200)

    def bodies(x: str, a: int, b: int) -> list[list[str]]:
        return [
            [f"{a}{x}+{b}", f"{b} + {a}{x}"], [f"{x}", f"{x}"], [f"{x}^{a}", f"{x}^{{{a}}}"], [f"-{x}+{b}", f"{b}-{x}"],
            [f"\\frac{{{a}}}{{{x}+{b}}}", f"{a}/({x}+{b})"], [f"{a}^{x}-{b}", f"-{b}+{a}^{{{x}}}"],
            [f"\\sqrt{{{x}+{b}}}", f"({x}+{b})^{{1/2}}"],
        ]  # fmt: skip

    place = rng.randrange(7)

    def said(a: int, b: int, place: int = place) -> list[str]:
        texts = []
        for x in (first, second):
            plain, other_ = bodies(x, a, b)[place]
            texts += [
                f"{letter}({x})={plain}", f"${letter}({x}) = {other_}$", f"{letter}({x}) = {plain} for all {x}",
                f"{letter}({x}) = {other_} \\text{{ for all }} {x}", f"the function ${letter}({x})={plain}$",
            ]  # fmt: skip
        return texts

    wrong = said(a + 1, b) + said(a, b + 1) + said(a, b, (place + 1) % 7) + said(a, b, (place + 3) % 7)
    mixed = bodies(second, a, b)[place][0]
    wrong += [f"{letter}({first}) = -{bodies(first, a, b)[place][0]}", f"{letter}({first})={mixed}"]
    return made("formula", said(a, b), wrong)


@meaning
def period(rng: random.Random) -> Meaning:
    """All solutions with a period; the integer may have any name."""
    x, (first, second) = rng.choice("xtyθ"), rng.sample("knm", 2)
    a, b, times = rng.randrange(1, 6), rng.choice((7, 9, 11, 13)), rng.choice(("", "2"))

    def said(a: int, b: int, times: str) -> list[str]:
        texts = []
        for k in (first, second):
            texts += [
                f"{x} = \\frac{{{a}\\pi}}{{{b}}} + {times}{k}\\pi", f"\\frac{{{a} \\pi}}{{{b}}}+{times}{k} \\pi",
                f"${x}={times}{k}\\pi + \\frac{{{a}\\pi}}{{{b}}}$", f"{x} = {a}π/{b} + {times}{k}π, {k} ∈ Z",
                f"{x} = {times}{k}\\pi+\\frac{{{a}}}{{{b}}}\\pi, {k}\\in\\mathbb{{Z}}",
            ]  # fmt: skip
        return texts

    wrong = (
        said(a + 1, b, times) + said(a, b, "2" if not times else "") + said(a, b, "3") + said(a, b + 1, times)
    )
    wrong += [
        f"{x} = \\frac{{{a}\\pi}}{{{b}}}",
        f"{x} = {first}\\pi - \\frac{{{a}\\pi}}{{{b}}}",
        f"{x} = {first}\\pi",
    ]
    return made("set", said(a, b, times), wrong)
