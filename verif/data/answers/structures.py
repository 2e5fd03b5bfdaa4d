"""Answers in which the structure says it all: the same signs in another place, families of functions, conditions."""

from __future__ import annotations

import random

from verif.data.answers.meaning import Meaning, made, meaning


def _set(texts: list[str]) -> list[str]:
    """Some ways to set an expression."""
    return [text for expression in texts for text in (expression, f"${expression}$")]


@meaning
def twisted(rng: random.Random) -> Meaning:
    """A formula beside others of the same numbers and names."""
    a, b = rng.sample(range(2, 12), 2)
    n, k = rng.sample("nkmxpt", 2)
    groups = [
        [[f"{a}^{{{n}-{b}}}", f"{a}^{{-{b}+{n}}}"], [f"{a}^{n}-{b}"], [f"{b}^{{{n}-{a}}}"], [f"{n}^{{{a}-{b}}}"],
         [f"{n}^{a}-{b}"]],
        [[f"({n}+{b})^{a}", f"({b}+{n})^{{{a}}}"], [f"{n}^{a}+{b}"], [f"({n}+{a})^{b}"], [f"{n}+{b}^{a}"]],
        [[f"{a}({n}+{b})", f"{a}{n}+{a * b}"], [f"{a}{n}+{b}"], [f"{b}({n}+{a})"], [f"{n}({a}+{b})"]],
        [[f"\\frac{{{a}{n}}}{{{b}}}", f"{a}{n}/{b}", f"\\frac{{{a}}}{{{b}}}{n}"], [f"\\frac{{{b}{n}}}{{{a}}}"],
         [f"\\frac{{{a}}}{{{b}{n}}}"]],
        [[f"\\frac{{{n}}}{{{k}}}", f"{n}/{k}"], [f"\\frac{{{k}}}{{{n}}}", f"{k}/{n}"], [f"{n}{k}"], [f"{n}-{k}"]],
        [[f"{a}\\cdot {b}^{n}", f"{b}^{n} \\cdot {a}"], [f"{b}\\cdot {a}^{n}"], [f"({a}\\cdot {b})^{n}"], [f"{a}+{b}^{n}"]],
        [[f"\\binom{{{n}}}{{{a}}}", f"C({n},{a})"], [f"\\binom{{{a}}}{{{n}}}"], [f"\\frac{{{n}}}{{{a}}}"],
         [f"\\binom{{{n}}}{{{b}}}"]],
        [[f"\\sqrt{{{n}+{a}}}", f"({n}+{a})^{{1/2}}", f"\\sqrt{{{a}+{n}}}"], [f"\\sqrt{{{n}}}+{a}"], [f"{n}+\\sqrt{{{a}}}"],
         [f"{n}+{a}"]],
        [[f"\\lfloor {n}/{a} \\rfloor", f"\\left\\lfloor\\frac{{{n}}}{{{a}}}\\right\\rfloor"], [f"{n}/{a}"],
         [f"\\lceil {n}/{a} \\rceil"]],
        [[f"{n}^2-{k}^2", f"({n}-{k})({n}+{k})"], [f"({n}-{k})^2"], [f"{k}^2-{n}^2"], [f"{n}^2+{k}^2"]],
    ]  # fmt: skip
    right, *others = rng.choice(groups)
    label = rng.choice((f"f({n})", "S", f"a_{n}", "the number of ways"))
    wrong = [text for other in others for text in _set(other)]
    wrong += [f"{label} = {text}" for other in others for text in other]
    return made("formula", [*_set(right), *(f"{label} = {text}" for text in right)], wrong)


@meaning
def functions(rng: random.Random) -> Meaning:
    """All functions that solve an equation: one of them, or two, is not all."""
    c = rng.randrange(1, 9)
    pool = ["0", "x", "-x", f"x+{c}", f"{c}", "x^2", "1/x", f"{c}x", f"{c}-x", "1-x", f"x^{c + 1}"]
    chosen = rng.sample(pool, rng.choice((1, 2, 2, 3)))
    letter = rng.choice("fgh")

    def said(members: list[str]) -> list[str]:
        mixed = rng.sample(members, len(members))
        named = [f"{letter}(x)={text}" for text in mixed]
        spaced = [f"{letter}(x) = {text}" for text in mixed]
        return [
            ", ".join(named), " and ".join(spaced), " or ".join(named), f"${'$ and $'.join(named)}$", "; ".join(spaced),
            f"{', '.join(spaced)} for all x", f"the functions {' and '.join(spaced)}", f"${', '.join(named)}$",
        ]  # fmt: skip

    more = rng.choice([text for text in pool if text not in chosen])
    lies = [[*chosen, more], [more], [*chosen[:-1], more]] + (
        [chosen[:-1], chosen[1:]] if len(chosen) > 1 else []
    )
    wrong = [text for lie in lies if sorted(lie) != sorted(chosen) for text in said(lie)]
    return made("formula", said(chosen), wrong)


@meaning
def condition(rng: random.Random) -> Meaning:
    """All integers from a number on, of a residue, or but for some."""
    n, m = rng.choice("nkmpa"), rng.randrange(2, 30)
    r = rng.randrange(1, m)

    def bound(m: int) -> list[str]:
        return [
            f"all {n} ≥ {m}", f"${n} \\geq {m}$", f"all integers ${n} \\ge {m}$", f"all integers {n} at least {m}",
            f"{n} ≥ {m}", f"every integer {n} ≥ {m}", f"all integers greater than {m - 1}", f"{n} > {m - 1}",
        ]  # fmt: skip

    def residue(r: int, m: int) -> list[str]:
        return [
            f"{n} \\equiv {r} \\pmod{{{m}}}", f"${n} \\equiv {r} \\pmod {m}$", f"{n} ≡ {r} (mod {m})",
            f"all {n} congruent to {r} mod {m}",
            f"{n} = {m}k + {r}", f"{n} = {m}k+{r} for integers k", f"all integers of the form {m}k+{r}",
        ]  # fmt: skip

    if rng.random() < 0.5:
        wrong = [
            *bound(m + 1),
            *bound(m + 2),
            f"{n} ≤ {m}",
            f"{n} < {m}",
            f"all {n}",
            f"{n} = {m}",
            f"all even {n} ≥ {m}",
            f"no {n}",
        ]
        return made("name", bound(m), wrong)
    wrong = [
        *residue((r + 1) % m, m),
        *residue(r, m + 1),
        f"{n} = {r}",
        f"{n} ≥ {m}",
        f"all {n}",
        f"{n} not congruent to {r} mod {m}",
    ]
    return made("name", residue(r, m), wrong)
