"""The texts that written checkers are asked about: the answer, its mutations, both writers' cases, and exact edges."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from verif.data.builder.mutate import mutations
from verif.data.builder.reply import WrittenCase, WrittenChecker
from verif.data.builder.translate import said
from verif.data.screening.claims import read
from verif.data.screening.probes import ORDINARY
from verif.system.files import digest
from verif.types import RuleConstraint

Edges = Callable[[RuleConstraint, str, random.Random], list[str]]
"""Texts on both sides of a rule's edge, made of a text; the audit's edits, which count by themselves."""
NAMED = 3
"""Last words of a constraint that are added to the answer: what must not be used stands there."""
EDGED = 8
"""Candidate rules whose edges are probed."""


@dataclass(frozen=True, slots=True)
class Probes:
    """All texts, each once: the answer first, the empty one second, then the rest; `cases` are the writers'.

    `changed` are positions of texts that are not the answer and no case.
    """

    texts: tuple[str, ...]
    changed: tuple[int, ...]
    cases: tuple[tuple[int, bool], ...]


def probes(
    answer: str, text: str, written: Sequence[WrittenChecker], rules: Sequence[RuleConstraint], edges: Edges
) -> Probes:
    """The probes of one constraint of one answer; the same content gives the same probes."""
    rng = random.Random(digest([answer, text]))
    claim = read(text)
    clear = [*claim.good(), *claim.bad()] if claim else []
    sharp = [edge for rule in rules[:EDGED] for edge in edges(rule, answer, rng)]
    values = said(text)
    named = [f"{answer} {words}." for words in (*values.phrases, *values.words[-NAMED:])]
    texts = list(dict.fromkeys([answer, "", *ORDINARY, *mutations(answer), *clear, *named, *sharp]))
    changed = tuple(range(1, len(texts)))
    places = {probe: place for place, probe in enumerate(texts)}
    cases = []
    for case in (case for reply in written for case in _mixed(reply)):
        place = places.setdefault(case.text, len(texts))
        if place == len(texts):
            texts.append(case.text)
        if case.text.strip():  # that an empty text keeps nothing is a convention, and no writer's to say
            cases.append((place, case.follows))
    return Probes(tuple(texts), changed, tuple(cases))


def _mixed(reply: WrittenChecker) -> list[WrittenCase]:
    """A writer's cases, without those that it gives both ways."""
    said: dict[str, set[bool]] = {}
    for case in reply.cases:
        said.setdefault(case.text, set()).add(case.follows)
    return [case for case in reply.cases if len(said[case.text]) == 1]
