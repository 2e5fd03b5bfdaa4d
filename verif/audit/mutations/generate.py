"""Minimal pairs, generated from the rules: a true response broken must fail, a false one repaired must pass.

Where the golden set holds a rule, its own parameters and responses are used; otherwise parameters are drawn
and plain English prose is the start. Nothing here calls a rule: the verifier under audit decides.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from verif.audit.cases import AuditCase
from verif.audit.mutations.base import Edits, Raw, mutators, prose, readable
from verif.core.rules import Example
from verif.core.rules import rules as registered
from verif.types import Instruction, RuleConstraint

Direction = Literal["true", "broken", "repaired"]


@dataclass(frozen=True, slots=True)
class Mutation:
    """One text of a minimal pair; `case.truth` says whether the rule must pass it."""

    rule: str
    direction: Direction
    case: AuditCase


def mutator(rule: str) -> Edits | None:
    """The edits of a rule: its own, or those of the plain rule that a repaired variant belongs to."""
    own = registered().get(rule)
    if own is not None and own.edits is not None:
        return own.edits
    known = mutators()
    return known.get(rule) or known.get(rule.removesuffix("_fixed").removesuffix("_multilingual"))


def _of_example(example: Example) -> Edits:
    """The two texts of a rule's example: where a text has one right form, no edit of prose reaches it."""
    return Edits(
        draw=lambda _rng: example.params,
        repair=lambda _rng, _text, _raw: example.follows,
        break_=lambda _rng, _text, _raw: example.fails,
    )


def generate(
    rng: random.Random, rules: Sequence[str], golden: Sequence[AuditCase], per_rule: int
) -> tuple[list[Mutation], list[str]]:
    """`per_rule` triples (true, broken, repaired) for each rule, and the rules that have no mutator."""
    seen = _golden_texts(golden)
    out: list[Mutation] = []
    without: list[str] = []
    for rule in rules:
        maker, known = mutator(rule), seen.get(rule, [])
        own = registered().get(rule)
        if maker is None and own is not None and own.example is not None:
            maker, known = _of_example(own.example), []
        if maker is None:
            without.append(rule)
            continue
        for number in range(per_rule):
            out += _triple(rng, rule, maker, known, number)
    return out, without


def _triple(
    rng: random.Random, rule: str, maker: Edits, known: Sequence[tuple[Raw, str, bool]], number: int
) -> list[Mutation]:
    """One true response, its broken form, and a repaired false one."""
    trues = [(raw, text) for raw, text, truth in known if truth]
    falses = [(raw, text) for raw, text, truth in known if not truth]
    raw, text = rng.choice(trues) if trues else _made(rng, maker)
    wrong_raw, wrong = rng.choice(falses) if falses else _spoiled(rng, maker)
    rows: list[tuple[Direction, Raw, str, bool]] = [
        ("true", raw, text, True),
        ("broken", raw, maker.break_(rng, text, raw), False),
        ("repaired", wrong_raw, maker.repair(rng, wrong, wrong_raw), True),
    ]
    return [_mutation(rule, direction, r, t, ok, number) for direction, r, t, ok in rows]


def _made(rng: random.Random, maker: Edits) -> tuple[Raw, str]:
    raw = maker.draw(rng)
    return raw, maker.repair(rng, prose(rng), raw)


def _spoiled(rng: random.Random, maker: Edits) -> tuple[Raw, str]:
    raw, text = _made(rng, maker)
    return raw, maker.break_(rng, text, raw)


def _mutation(rule: str, direction: Direction, raw: Raw, text: str, ok: bool, number: int) -> Mutation:
    constraint = RuleConstraint(text=f"{rule} {raw}", rule=rule, params=raw)
    instruction = Instruction(
        id=f"mutation-{rule}-{number}", prompt=constraint.text, constraints=(constraint,)
    )
    return Mutation(rule, direction, AuditCase(f"{instruction.id}-{direction}", instruction, text, (ok,)))


def _golden_texts(golden: Sequence[AuditCase]) -> Mapping[str, list[tuple[Raw, str, bool]]]:
    """Parameters, response and truth of each rule constraint of the golden set; noise is no start for an edit."""
    out: dict[str, list[tuple[Raw, str, bool]]] = defaultdict(list)
    for case in golden:
        if not readable(case.text):
            continue
        for constraint, truth in zip(case.instruction.constraints, case.truth, strict=True):
            if isinstance(constraint, RuleConstraint) and truth is not None:
                out[constraint.rule].append((dict(constraint.params), case.text, truth))
    return out
