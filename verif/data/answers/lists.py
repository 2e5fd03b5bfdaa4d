"""Answers of several parts: solutions, tuples, named values, sets, intervals and inequalities."""

from __future__ import annotations

import random
from collections.abc import Sequence

from verif.data.answers.meaning import Meaning, made, meaning, other

_TRIPLES = ("xyz", "abc", "pqr", "mnk", "uvw")


def _distinct(rng: random.Random, count: int, low: int = -12, high: int = 40) -> list[int]:
    return rng.sample(range(low, high), count)


def _spoilt(rng: random.Random, numbers: Sequence[int]) -> list[list[int]]:
    """One member changed, dropped, added, or all negated."""
    place = rng.randrange(len(numbers))
    changed = [*numbers[:place], other(rng, numbers[place]), *numbers[place + 1 :]]
    dropped = [*numbers[:place], *numbers[place + 1 :]]
    out = [changed, changed, dropped, [*numbers, max(numbers) + 1]]
    return [lie for lie in out if lie and sorted(lie) != sorted(numbers)]


@meaning
def solutions(rng: random.Random) -> Meaning:
    """All solutions of an equation: in any order, as a set, with "or", with the name each time."""
    numbers, name = _distinct(rng, rng.choice((2, 2, 3, 4))), rng.choice("xyntkp")

    def said(members: list[int]) -> list[str]:
        mixed = rng.sample(members, len(members))
        plain = [str(n) for n in members]
        turned = [str(n) for n in mixed]
        named, last = [f"{name}={n}" for n in turned], f" or {turned[-1]}" if len(turned) > 1 else ""
        return [
            ", ".join(plain), ", ".join(turned), f"\\{{{', '.join(turned)}\\}}", f"{name} = {', '.join(turned)}",
            ", ".join(named),
            f"${name} = {', '.join(turned[:-1])}${last}" if last else f"{name}={turned[0]}", " and ".join(turned),
            f"${name}\\in\\{{{','.join(plain)}\\}}$", " or ".join(named), "; ".join(turned), f"the values {', '.join(turned)}",
            f"{name} is {' or '.join(turned)}", f"{', '.join(turned[:-1])}, and {turned[-1]}" if last else turned[0],
            f"{{{', '.join(turned)}}}", f"the solutions are {', '.join(named)}",
        ]  # fmt: skip

    wrong = [text for lie in _spoilt(rng, numbers) for text in said(lie)]
    wrong += [
        " + ".join(map(str, numbers)),
        f"{name} = {sum(numbers) + 1}",
        f"[{numbers[0]}, {numbers[-1]}]",
        f"no {name} exists",
    ]
    return made("set", said(numbers), wrong)


@meaning
def tuple_(rng: random.Random) -> Meaning:
    """A tuple, with and without the names of its members; their order counts."""
    size = rng.choice((2, 2, 3))
    numbers, names = [rng.randrange(-9, 30) for _ in range(size)], rng.choice(_TRIPLES)[:size]

    def said(members: list[int]) -> list[str]:
        plain, listed = ", ".join(map(str, members)), ", ".join(names)
        named = [f"{n}={m}" for n, m in zip(names, members, strict=True)]
        return [
            f"({plain})", f"$({plain})$", f"({listed}) = ({plain})", f"$({listed})=({plain})$",
            ", ".join(named), " and ".join(named),
            f"\\left({plain}\\right)", ", ".join(rng.sample(named, size)), f"the point ({plain})", f"$ {', '.join(named)} $",
            "; ".join(named),
        ]  # fmt: skip

    turned = numbers[1:] + numbers[:1]
    lies = [lie for lie in (*_spoilt(rng, numbers), turned) if len(lie) == size and lie != numbers]
    wrong = [text for lie in lies for text in said(lie)] + [
        f"({numbers[0]})",
        f"({', '.join(map(str, [*numbers, 1]))})",
        str(sum(numbers)),
    ]
    return made("tuple", said(numbers), wrong)


@meaning
def tuples(rng: random.Random) -> Meaning:
    """Several tuples in any order."""
    size, names = rng.choice((2, 3)), rng.choice(_TRIPLES)
    pairs = [tuple(rng.randrange(-5, 20) for _ in range(size)) for _ in range(rng.choice((2, 3)))]
    pairs = list(dict.fromkeys(pairs))

    def said(members: list[tuple[int, ...]]) -> list[str]:
        mixed = rng.sample(members, len(members))
        plain = [f"({', '.join(map(str, pair))})" for pair in mixed]
        listed = ",".join(names[:size])
        return [
            ", ".join(plain), " and ".join(plain), f"({listed}) = {', '.join(plain)}", f"\\{{{', '.join(plain)}\\}}",
            " or ".join(plain),
            f"$({listed}) \\in \\{{{','.join(plain)}\\}}$", f"${', '.join(plain)}$", "; ".join(plain),
            ", ".join(f"({listed})={text}" for text in plain), f"the solutions are {' and '.join(plain)}",
        ]  # fmt: skip

    first = pairs[0]
    lies = [
        [(*first[:-1], first[-1] + 1), *pairs[1:]],
        [*pairs, tuple(n + 1 for n in first)],
        [*pairs[1:], tuple(reversed(first))],
        pairs[:-1],
    ]
    wrong = [text for lie in lies if lie and sorted(lie) != sorted(pairs) for text in said(list(lie))]
    return made("set", said(pairs), wrong)


@meaning
def interval(rng: random.Random) -> Meaning:
    """An interval: with brackets, as an inequality, as a set; an end may be infinite."""
    low, high = sorted(_distinct(rng, 2))
    left, right = rng.choice("[("), rng.choice("])")
    name, side = rng.choice("xytkam"), rng.choice(("both", "both", "low", "high"))

    def said(low: int, high: int, left: str, right: str) -> list[str]:
        a, b = ("≤" if left == "[" else "<"), ("≤" if right == "]" else "<")
        tex = {"≤": "\\leq", "<": "<"}
        if side == "low":
            a = {"≤": "≥", "<": ">"}[a]
            tex = {"≥": "\\geq", ">": ">"}
            core = f"{left}{low}, \\infty)"
            word = f"at least {low}" if a == "≥" else f"greater than {low}"
            return [
                core,
                f"${core}$",
                f"{left}{low}, ∞)",
                f"{name} {a} {low}",
                f"${name} {tex[a]} {low}$",
                f"{name} \\in {core}",
                f"all {name} {a} {low}",
                f"{left}{low}, +\\infty)",
                word,
            ]
        if side == "high":
            core = f"(-\\infty, {high}{right}"
            word = f"at most {high}" if b == "≤" else f"less than {high}"
            return [
                core,
                f"${core}$",
                f"(-∞, {high}{right}",
                f"{name} {b} {high}",
                f"${name} {tex[b]} {high}$",
                f"{name} \\in {core}",
                f"all {name} {b} {high}",
                word,
            ]
        core = f"{left}{low}, {high}{right}"
        return [
            core, f"${core}$", f"{low} {a} {name} {b} {high}", f"${low} {tex[a]} {name} {tex[b]} {high}$", f"{name} \\in {core}",
            f"\\left{left}{low}, {high}\\right{right}", f"\\{{{name} : {low} {tex[a]} {name} {tex[b]} {high}\\}}",
            f"all {name} in {core}",
            f"{name} ∈ {core}",
        ]  # fmt: skip

    turn = {"[": "(", "(": "[", "]": ")", ")": "]"}
    lies = [
        said(low + 1, high + 1, left, right),
        said(low, high, turn[left], turn[right]),
        said(-high, -low, left, right),
        said(low - 2, high, left, right) if side != "high" else said(low, high + 2, left, right),
    ]
    wrong = [text for lie in lies for text in lie] + [f"\\{{{low}, {high}\\}}", f"{name} = {high}"]
    return made("interval", said(low, high, left, right), wrong)


@meaning
def union(rng: random.Random) -> Meaning:
    """Two intervals."""
    a, b, c, d = sorted(_distinct(rng, 4))
    name = rng.choice("xyt")

    def said(a: int, b: int, c: int, d: int, left: str = "(", right: str = ")") -> list[str]:
        first, second = f"{left}{a}, {b}{right}", f"{left}{c}, {d}{right}"
        sign = "<" if left == "(" else "\\le"
        return [
            f"{first} \\cup {second}", f"{first} ∪ {second}", f"${first}\\cup{second}$", f"{second} \\cup {first}",
            f"{name} \\in {first} \\cup {second}", f"{a} {sign} {name} {sign} {b} \\text{{ or }} {c} {sign} {name} {sign} {d}",
        ]  # fmt: skip

    wrong = (
        said(a - 1, b, c, d)
        + said(a, b, c, d + 3)
        + said(a, b, c, d, "[", "]")
        + [f"({a}, {d})", f"({a}, {b})", f"({c}, {d})"]
    )
    return made("interval", said(a, b, c, d), wrong)
