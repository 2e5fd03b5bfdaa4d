"""The sums world as data: splits that share no question, and texts to train a tiny policy and a tiny judge on."""

from __future__ import annotations

import random

from verif.data.splits import GoldenItem, JudgePair, PolicyPair, Splits
from verif.data.sums.questions import SHARES, draw, draw_distinct
from verif.data.sums.responses import authored, reasoning, spoil
from verif.data.sums.truth import right
from verif.recipe import SumsData
from verif.types import Instruction

PLAIN, SPOILT = 0.06, 0.3
"""Shares: of policy texts that are a question alone, and of judgements about damaged responses."""


def policy_pairs(n: int, rng: random.Random) -> list[PolicyPair]:
    """Questions and what more or less careful authors answered; they do not depend on who decides."""
    pairs = []
    for _ in range(n):
        item = draw(rng, "train", "reference")
        plain = rng.random() < PLAIN
        pairs.append(PolicyPair("", item.prompt) if plain else PolicyPair(item.prompt, authored(item, rng)))
    return pairs


def lesson(item: Instruction, text: str) -> JudgePair:
    """What a judge should have said about a response."""
    return JudgePair(item, text, right(item, text), reasoning(item, text))


def judge_pairs(n: int, rng: random.Random, split: str = "train") -> list[JudgePair]:
    """Judgements of the truth on careful, careless and damaged responses."""
    items = [draw(rng, split, "judge") for _ in range(n)]
    return [
        lesson(item, spoil(item, rng) if rng.random() < SPOILT else authored(item, rng)) for item in items
    ]


def golden(n: int, section: SumsData, rng: random.Random) -> list[GoldenItem]:
    """Responses with their truth: by turn two right ones, a careless and a damaged one."""
    out = []
    for turn in range(n):
        item = draw(rng, "golden", section.asks, id=f"golden-{turn + 1:05d}")
        careless = 0.0 if turn % 4 < 2 else 1.0
        text = spoil(item, rng) if turn % 4 == 3 else authored(item, rng, careless)
        out.append(GoldenItem(item, text, [right(item, text)]))
    return out


def prepare_sums(section: SumsData, seed: int) -> Splits:
    """All splits and corpora; the same section and seed give the same bytes."""

    def stream(name: str) -> random.Random:
        return random.Random(f"{seed}-sums-{name}")

    def questions(name: str, n: int) -> list[Instruction]:
        return draw_distinct(stream(name), name, section.asks, n)

    items = golden(section.golden, section, stream("golden"))
    return Splits(
        train=questions("train", section.train),
        validation=questions("validation", section.validation),
        test=questions("test", section.test),
        golden=items,
        policy_pairs=policy_pairs(section.policy_pairs, stream("policy")),
        judge_pairs=judge_pairs(section.judge_pairs, stream("judge")),
        summary={
            "source": "sums world",
            "asks": section.asks,
            "shares_of_questions": {name: high - low for name, (low, high) in SHARES.items()},
            "golden_right": sum(all(item.truth) for item in items) / len(items),
        },
    )
