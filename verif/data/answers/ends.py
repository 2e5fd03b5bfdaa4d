"""Intervals whose ends are roots, fractions and multiples of pi, and amounts of several things."""

from __future__ import annotations

import math
import random

from verif.data.answers.meaning import Meaning, made, meaning

_GOODS = (
    "red balls", "goats", "toy cars", "roses", "green marbles", "pens", "oranges", "white cups", "nickels", "stamps", "toffees",
)  # fmt: skip
_SEPARATORS = ("\\cup", "∪", "\\bigcup", "\\,\\cup\\,", "\\sqcup", "\\cupdot", "or", "\\text{ or }", "\\vee")
End = tuple[float, tuple[str, ...]]
"""A number and the ways to write it."""


def _end(rng: random.Random) -> End:
    a, b, c = rng.randrange(1, 8), rng.choice((2, 3, 5, 6, 7)), rng.randrange(2, 7)
    sign = rng.choice((-1, 1))
    mark, minus = ("+", "") if sign > 0 else ("-", "-")
    root = math.sqrt(b)
    ends: tuple[End, ...] = (
        (sign * a, (f"{minus}{a}",)),
        (sign * a / c, (f"{minus}\\frac{{{a}}}{{{c}}}", f"{minus}{a}/{c}")),
        (a + sign * root, (f"{a}{mark}\\sqrt{{{b}}}", f"{minus}\\sqrt{{{b}}}+{a}")),
        (-a + sign * root, (f"-{a}{mark}\\sqrt{{{b}}}", f"{minus}\\sqrt{{{b}}}-{a}")),
        ((a + sign * root) / c, (f"\\frac{{{a}{mark}\\sqrt{{{b}}}}}{{{c}}}", f"({a}{mark}\\sqrt{{{b}}})/{c}")),
        (sign * math.pi * a / c, (f"{minus}\\frac{{{a}\\pi}}{{{c}}}", f"{minus}{a}π/{c}", f"{minus}\\frac{{{a} \\pi}}{{{c}}}")),
    )  # fmt: skip
    return rng.choice(ends)


def _turned(text: str, rng: random.Random) -> str:
    """With one of its signs turned; a text without a sign gets one."""
    places = [place for place, letter in enumerate(text) if letter in "+-"]
    if not places:
        return f"-{text}"
    place = rng.choice(places)
    return f"{text[:place]}{'-' if text[place] == '+' else '+'}{text[place + 1 :]}"


@meaning
def ends(rng: random.Random) -> Meaning:
    """One interval or two, ends written in several ways; a sign, an end or a bracket makes it another."""
    count = rng.choice((2, 2, 4, 3))
    points = sorted({end[0]: end for end in (_end(rng) for _ in range(count))}.values())
    while len(points) < count:
        points = sorted({end[0]: end for end in (*points, _end(rng))}.values())
    name, brackets = (
        rng.choice("xytam"),
        [rng.choice("[("), rng.choice("])"), rng.choice("[("), rng.choice("])")],
    )

    def written(side: list[str], marks: list[str]) -> list[str]:
        first = f"{marks[0]}{side[0]}, {side[1]}{marks[1]}"
        if len(side) == 2:
            low, high = "\\leq" if marks[0] == "[" else "<", "\\leq" if marks[1] == "]" else "<"
            return [
                first, f"${first}$", f"{name} \\in {first}", f"{name} \\in \\left{first[:-1]}\\right{marks[1]}",
                f"{side[0]} {low} {name} {high} {side[1]}", f"${side[0]}{low} {name}{high} {side[1]}$",
            ]  # fmt: skip
        last = side[3] if len(side) == 4 else "\\infty"
        second = f"{marks[2]}{side[2]}, {last}{marks[3] if len(side) == 4 else ')'}"
        cup = rng.choice(_SEPARATORS)
        return [
            f"{first} {cup} {second}", f"{name}\\in{first}\\cup{second}", f"{second} \\cup {first}",
            f"${first}{rng.choice(_SEPARATORS)} {second}$", f"{name} \\in {first} \\,\\cup\\, {second}",
        ]  # fmt: skip

    def texts() -> list[str]:
        return [rng.choice(end[1]) for end in points]

    right = [text for _ in range(3) for text in written(texts(), brackets)]
    wrong: list[str] = []
    for _ in range(3):
        side, place = texts(), rng.randrange(count)
        turned = [*side[:place], _turned(side[place], rng), *side[place + 1 :]]
        changed = [*side[:place], f"{side[place]}+1", *side[place + 1 :]]
        swapped = [side[1], side[0], *side[2:]]
        for lie in (turned, changed, swapped):
            wrong += rng.sample(written(lie, brackets), 2)
    wrong += written(texts(), [{"[": "(", "(": "["}[brackets[0]], *brackets[1:]])
    return made("interval", right, wrong)


@meaning
def amounts(rng: random.Random) -> Meaning:
    """How many of each of several things; which number belongs to which counts."""
    goods = rng.sample(_GOODS, rng.choice((2, 2, 3)))
    numbers = rng.sample(range(2, 60), len(goods))

    def said(counts: list[int], goods: list[str]) -> list[str]:
        parts = [f"{n} {thing}" for n, thing in zip(counts, goods, strict=True)]
        tex = [f"{n} \\text{{ {thing}}}" for n, thing in zip(counts, goods, strict=True)]
        named = [f"{thing}: {n}" for n, thing in zip(counts, goods, strict=True)]
        return [
            ", ".join(parts),
            f"{', '.join(parts[:-1])} and {parts[-1]}",
            ", \\ ".join(tex),
            " and ".join(tex),
            ", ".join(named),
        ]

    bare = [", ".join(map(str, numbers)), ",".join(map(str, numbers))]
    changed = [*numbers[:-1], numbers[-1] + rng.choice((-1, 1, 10))]
    other_things = [goods[0], *rng.sample([thing for thing in _GOODS if thing not in goods], len(goods) - 1)]
    wrong = [
        *said(changed, goods), *said(numbers[1:] + numbers[:1], goods), *said(numbers[:-1], goods[:-1]),
        *said(changed, other_things), *said([numbers[0], *(n + 5 for n in numbers[1:])], other_things),
        ", ".join(map(str, changed)), str(sum(numbers)),
    ]  # fmt: skip
    return made("tuple", said(numbers, goods) + bare, wrong)
