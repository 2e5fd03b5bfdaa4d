"""A written checker as a registered rule, where the two say the same of every probe: faster, and it explains itself.

The constraint's own text gives the parameters: its numbers, its quoted phrases, its words. Which rule they belong to is
not guessed but tried: all rules of the recipe are filled with them, and what disagrees with a probe drops out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from verif.core.text import Doc
from verif.data.builder.fields import Values, filled
from verif.data.builder.hard import passes
from verif.data.screening.rule_rows import SPOKEN
from verif.types import RuleConstraint

LEAST_EACH = 2
"""Probes that must pass, and that must fail: what agrees with a constant says nothing."""
MOST_NUMBERS, MOST_WORDS, LONGEST = 4, 24, 400
BELOW = ("less than", "fewer than", "under ", "below ", "shorter than")
ABOVE = ("more than", "over ", "above ", "longer than")


def candidates(text: str, names: Sequence[str], answer: Doc) -> list[RuleConstraint]:
    """Rules with parameters from a constraint's text that the answer keeps, in the order of the rules."""
    values = said(text)
    return [
        RuleConstraint(text=text, rule=name, params=params)
        for name in names
        for params in filled(name, values)
        if passes(name, params, answer)
    ]


def equal(rule: RuleConstraint, probes: Sequence[Doc], says: Sequence[bool]) -> bool:
    """Whether a rule says the same of every probe, and both verdicts are among them often enough."""
    if min(sum(says), len(says) - sum(says)) < LEAST_EACH:
        return False
    return all(
        passes(rule.rule, rule.params, doc) is said_ok for doc, said_ok in zip(probes, says, strict=True)
    )


def unnamed(
    source: str, text: str, names: Sequence[str], answer: Doc, probes: Sequence[Doc], says: Sequence[bool]
) -> str:
    """What a function is about although its constraint does not name it, as `cactus` or `26`; empty where nothing is known.

    It is known where a rule with values of the function's own says the same of every probe. Two models of one kind make the
    same slip, so that they agree proves nothing. 0 and 1 stand in programs without being asked for.
    """
    body, asked = source.replace("'", '"').replace("\\b", " ")[-LONGEST:], said(text)
    for rule in candidates(body, names, answer):
        if not equal(rule, probes, says):
            continue
        for value in _flat(rule.params.values()):
            if isinstance(value, str) and value.lower() in body.lower() and value.lower() not in text.lower():
                return value
            if type(value) is int and value > 1 and value not in asked.numbers:
                return str(value)
    return ""


def _flat(values: Iterable[Any]) -> list[Any]:
    return [
        inner for value in values for inner in (_flat(value) if isinstance(value, list | tuple) else [value])
    ]


def said(text: str) -> Values:
    """The numbers, words, phrases and lists that a constraint's text names."""
    text = text[:LONGEST]
    lowered = text.lower()
    bare = "".join(char if char.isalnum() or char in "'-" else " " for char in lowered).split()
    numbers = [int(word) for word in bare if word.isascii() and word.isdigit() and len(word) < 7]
    numbers += [SPOKEN[word] for word in bare if word in SPOKEN]
    below, above = any(mark in lowered for mark in BELOW), any(mark in lowered for mark in ABOVE)
    shifted = [n - 1 for n in numbers if below] + [n + 1 for n in numbers if above]
    words = [word.strip("'-") for word in bare if word.isascii() and word.strip("'-").isalpha()]
    words = list(dict.fromkeys(words))[-MOST_WORDS:]  # what is asked for stands at the end
    pairs = [
        (before, after)
        for before, middle, after in zip(bare, bare[1:], bare[2:], strict=False)
        if middle in ("and", "or")
    ]
    phrases = quoted(text)
    listed = [*([tuple(phrases)] if len(phrases) > 1 else []), *pairs, *((word,) for word in words)]
    return Values(
        numbers=tuple(dict.fromkeys([*numbers, *shifted]))[:MOST_NUMBERS],
        words=(*[p for p in phrases if p.isalpha()], *words),
        phrases=(*phrases, *words[-3:]),
        marks=tuple(mark for mark in ("P.S.", "P.P.S") if mark in text),
        letters=tuple(word for word in words if len(word) == 1),
        lists=tuple(dict.fromkeys(listed)),
    )


def quoted(text: str) -> list[str]:
    """What stands between double quotes, curly ones, or single ones at word ends; each at most once."""
    plain = text.replace("“", '"').replace("”", '"')
    if '"' not in plain:
        plain = plain.replace(" '", ' "').replace("' ", '" ').replace("'.", '".').replace("',", '",')
        plain = plain[:-1] + '"' if plain.endswith("'") else plain
    return list(dict.fromkeys(part.strip() for part in plain.split('"')[1::2] if part.strip()))
