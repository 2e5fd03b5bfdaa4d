"""Hard constraints from the answer alone: registered rules that it keeps, measured and worded by the rules themselves.

A rule's own evidence says what it counted, so that number and check cannot disagree; its own words (`asks`) state it, so
that text and check cannot. What every text would keep is no constraint: a rule must refuse one of the texts beside the answer.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from verif.core import rules
from verif.core.text import Doc
from verif.data.builder.fields import Slots, Values, filled, slots
from verif.data.composed.kinds import COMMON
from verif.data.composed.styles import worded
from verif.data.screening.probes import ORDINARY
from verif.data.screening.rule_clashes import impossible
from verif.errors import InputError
from verif.types import RuleConstraint

LOOSE = 0.2
"""A limit leaves so much room about what was counted; nobody writes to the word."""
NAMED = 4
"""Words of an answer that are tried as keywords."""
SIGNS = '[](){}*+?|^$\\<>#"'
"""Signs that no demanded phrase holds: rules of IFEval read some of them as an expression."""
LONGEST_ENDING = 6
"""Words of a first or last sentence that may be demanded."""


def material(prompt: str, answer: str, rng: random.Random) -> tuple[Values, tuple[str, ...]]:
    """What an answer gives to fill rules with, and common words that it lacks; drawn by the pair's own seed.

    Telling words do not stand in the question; phrases are short first and last sentences, the first word, and what
    the first line says before a colon.
    """
    counts = Counter(
        word for word in answer.lower().split() if word.isascii() and word.isalpha() and len(word) > 3
    )
    asked, lowered = prompt.lower(), answer.lower()
    telling = sorted(word for word in counts if word not in COMMON and word not in asked) or sorted(counts)
    repeated = [word for word, count in counts.most_common(NAMED) if count > 1]
    words = tuple(dict.fromkeys([*repeated, *rng.sample(telling, min(NAMED, len(telling)))]))
    lacking = [word for word in COMMON if word not in lowered]
    absent = tuple(rng.sample(lacking, min(2, len(lacking))))
    letters = sorted({char for char in lowered if char.isascii() and char.isalpha()})
    values = Values(
        numbers=(1,), words=words, phrases=_phrases(answer),
        marks=tuple(mark for mark in ("P.S.", "P.P.S") if mark in answer),
        letters=tuple(rng.sample(letters, min(2, len(letters)))),
        lists=tuple(names for names in (words[-1:], words[-2:], absent) if names),
    )  # fmt: skip
    return values, absent


def _phrases(answer: str) -> tuple[str, ...]:
    """Plain ones on one line, short enough to be demanded."""
    sentences = [text.strip() for text in Doc(answer).sentences if text.strip()]
    head, colon, _ = answer.partition("\n")[0].partition(":")
    ends = (*sentences[-1:], *sentences[:1], head if colon else "")
    first = answer.split()[0].strip(",.:;!?\"'<>*#") if answer.split() else ""
    short = [text for text in (*ends, first) if len(text.split()) <= LONGEST_ENDING and "\n" not in text]
    return tuple(dict.fromkeys(text for text in short if text and not set(text) & set(SIGNS)))


def synthesised(prompt: str, answer: str, names: Sequence[str], rng: random.Random) -> list[RuleConstraint]:
    """At most one constraint of each rule, in the order of the rules."""
    (values, absent), doc = material(prompt, answer, rng), Doc(answer)
    beside = [Doc(text) for text in (*ORDINARY, *foreign(answer, absent))]
    kept = []
    for name in names:
        need = slots(name)
        options = [] if need is None else list(_keeping(name, need, values, doc))
        telling = [params for params in options if _refuses(name, params, beside)]
        if telling:
            params = rng.choice(telling)
            kept.append(RuleConstraint(text=worded(rules.get(name).asks, params), rule=name, params=params))
    return [constraint for constraint in kept if not impossible(constraint)]


def foreign(answer: str, absent: Sequence[str]) -> list[str]:
    """Texts that a telling rule may refuse: the answer shortened, doubled, in other letters, with words added."""
    words = answer.split()
    half = " ".join(words[: len(words) // 2])
    return [
        half, f"{answer}\n\n{answer}", answer.upper(), answer.lower(), f"{answer} {' '.join(absent)}.",
        f"Well, {answer}", f"{answer} And so on, {half}",
    ]  # fmt: skip


def _keeping(name: str, need: Slots, values: Values, doc: Doc) -> Iterator[dict[str, Any]]:
    """Parameters with which the answer keeps the rule."""
    for params in filled(name, values):
        if not need.number:
            if passes(name, params, doc):
                yield params
        elif number := _limit(name, params, need.number, measured(name, params, doc), doc):
            yield {**params, need.number: number}


def measured(name: str, params: dict[str, Any], doc: Doc) -> int | None:
    """What the rule counts in a text, by its own evidence; None where it tells no single number."""
    outcome = _outcome(name, params, doc)
    numbers = [v for v in (outcome.evidence if outcome else {}).values() if type(v) is int]
    return numbers[0] if len(numbers) == 1 else None


def _limit(name: str, params: dict[str, Any], field: str, count: int | None, doc: Doc) -> int:
    """The number to ask for: the count where it must be met, a rounder and looser one where it is a limit; 0: none."""
    if not count:
        return 0
    low, high = rounded(count * (1 - LOOSE), up=False), rounded(count * (1 + LOOSE) + 1, up=True)
    ok = [passes(name, {**params, field: number}, doc) for number in (low, count, high)]
    if all(ok) or not any(ok):
        return 0
    return low if ok[0] and low > 0 else high if ok[2] else count


def rounded(value: float, *, up: bool) -> int:
    """A number as people name it: tens from 50, fives from 20."""
    step = 10 if value >= 50 else 5 if value >= 20 else 1
    return int(-(-value // step) * step) if up else int(value // step * step)


def passes(name: str, params: dict[str, Any], doc: Doc) -> bool:
    """Whether a text keeps the rule; parameters that the rule refuses are kept by nothing."""
    outcome = _outcome(name, params, doc)
    return outcome is not None and outcome.ok


def _outcome(name: str, params: dict[str, Any], doc: Doc) -> rules.Outcome | None:
    try:
        checked = rules.validate(name, params)
    except InputError:
        return None
    return rules.check(rules.get(name), doc, checked)


def _refuses(name: str, params: dict[str, Any], beside: Sequence[Doc]) -> bool:
    return any(not passes(name, params, doc) for doc in beside)
