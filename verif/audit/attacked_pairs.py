"""Pairs whose false response is dressed up by each of the audit's attack families: what a judge must go on refusing.

No judge is trained on them, as on nothing of `verif.audit.attacks`.
"""

from __future__ import annotations

import random
from dataclasses import replace

from verif.audit.attacks.family import families
from verif.data.judgements.pairs import JudgementPair, PairSource

ATTACK = "attack "
"""How the construction of such a pair begins; the family's name follows."""
TRIES = 20


def attacked_pairs(source: PairSource, per_family: int, seed: int) -> list[JudgementPair]:
    """Up to `per_family` pairs of each family; fewer where an attack leaves too few responses false."""
    rng = random.Random(f"{seed}-judgements-attacked")
    out: list[JudgementPair] = []
    for family in families().values():
        made: list[JudgementPair] = []
        for _ in range(per_family * TRIES):
            if len(made) == per_family:
                break
            pair = source.draw(rng, "test")
            text = family.make(rng, pair.instruction, pair.good if family.base == "true" else pair.bad)
            if text != pair.good and source.false(pair, text):
                made.append(replace(pair, bad=text, construction=f"{ATTACK}{family.name}", reasons=("", "")))
        out += made
    return out
