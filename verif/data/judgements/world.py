"""Pairs of the local world: the answer to an instruction with one wish flipped, or an answer that was spoilt.

The oracle looks at both: a pair counts only if the one keeps all soft constraints and the other does not.
"""

from __future__ import annotations

import random

from verif.data.judgements.pairs import JudgementPair
from verif.data.world.constraints import SOFT, Wish, draw_argument
from verif.data.world.oracle import reasoning, soft_truth
from verif.data.world.prepare import FAMILY_WEIGHTS
from verif.data.world.prompts import draw, wishes_of
from verif.data.world.responses import compose, reference
from verif.data.world.spoil import spoil
from verif.types import Instruction, is_hard

HELD_OUT = ("splice", "second_greeting", "shuffled")
"""Families that only the pairs of `unseen` have: what a judge makes of them it was never taught."""
FLIPPED = 0.4
"""Share of pairs with a flipped wish; the others are spoilt."""


class WorldPairs:
    """The world's pairs."""

    def draw(self, rng: random.Random, split: str) -> JudgementPair:
        """See `world_pair`."""
        return world_pair(rng, split)

    def false(self, pair: JudgementPair, text: str) -> bool:
        """By the world's oracle."""
        return not soft_truth(pair.instruction, text)


def world_pair(rng: random.Random, split: str) -> JudgementPair:
    """A random pair. Pairs of `unseen` are about instructions of the test split, and of families held out."""
    unseen = split == "unseen"
    while True:
        item = draw(rng, "test" if unseen else split)
        if sum(kind in SOFT for kind, _ in wishes_of(item)) < 2 and rng.random() < 0.5:
            continue  # little to judge
        good = reference(item, rng)
        if not unseen and rng.random() < FLIPPED:
            bad, construction = _flipped(item, rng)
        else:
            names = list(HELD_OUT) if unseen else [name for name in FAMILY_WEIGHTS if name not in HELD_OUT]
            family = rng.choices(names, [FAMILY_WEIGHTS[name] for name in names])[0]
            start = good if rng.random() < 0.5 else reference(item, rng)
            bad, construction = spoil(item, start, rng, family)
        if bad and bad != good and soft_truth(item, good) and not soft_truth(item, bad):
            asked = tuple(i for i, constraint in enumerate(item.constraints) if not is_hard(constraint))
            reasons = (reasoning(item, good), reasoning(item, bad))
            return JudgementPair(item, asked, good, bad, construction, reasons)


def _flipped(item: Instruction, rng: random.Random) -> tuple[str, str]:
    """The answer to the instruction with one soft wish exchanged; "" where none could be written."""
    wishes = wishes_of(item)
    topic = str(dict(wishes)["topic"])
    soft = [i for i, (kind, _) in enumerate(wishes) if kind in SOFT]
    place = rng.choice(soft[1:] or soft) if rng.random() < 0.7 else rng.choice(soft)  # the first is the topic
    kind, argument = wishes[place]
    other = rng.choice([wish for wish in _others(kind, topic) if wish[1] != argument])
    changed = [*wishes[:place], other, *wishes[place + 1 :]]
    return compose(changed, rng, tries=20) or "", f"flipped {kind}"


def _others(kind: str, topic: str) -> list[Wish]:
    """Every wish of a soft type."""
    from verif.data.world import lexicon as lex

    if kind == "topic":
        return [(kind, name) for name in lex.TOPICS]
    drawn = {str(draw_argument(kind, topic, random.Random(seed))) for seed in range(40)}
    return [(kind, argument) for argument in sorted(drawn)]
