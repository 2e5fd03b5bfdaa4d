"""The local world: instructions in plain English whose truth is known (see `docs/world.md`)."""

from verif.data.world.constraints import HARD, HELD_OUT, SOFT
from verif.data.world.grammar import grammatical
from verif.data.world.oracle import Truth, reasoning, seen, soft_truth, truth
from verif.data.world.prompts import SPLITS, draw, draw_distinct, split_of
from verif.data.world.responses import authored, plain_text, reference
from verif.data.world.spoil import ATTACKS, FAMILIES, UNSEEN_ATTACKS, attack, salad, spoil

__all__ = [
    "ATTACKS",
    "FAMILIES",
    "HARD",
    "HELD_OUT",
    "SOFT",
    "SPLITS",
    "UNSEEN_ATTACKS",
    "Truth",
    "attack",
    "authored",
    "draw",
    "draw_distinct",
    "grammatical",
    "plain_text",
    "reasoning",
    "reference",
    "salad",
    "seen",
    "soft_truth",
    "split_of",
    "spoil",
    "truth",
]
