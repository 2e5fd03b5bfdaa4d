"""What the verifier's benchmarks ask: responses nobody has seen, and a verifier in front of the stand-in judge."""

from __future__ import annotations

import random
from typing import Any

from benchmarks.standins import StandInJudge
from verif.core.cache import VerdictCache
from verif.core.judge.client import JudgeClient
from verif.core.judge.judge import Judge as JudgePart
from verif.core.verifier import Verifier
from verif.types import Instruction, Item, Response, RuleConstraint, SoftConstraint

WORDS = [
    "old",
    "boat",
    "lies",
    "in",
    "a",
    "quiet",
    "harbour",
    "while",
    "grey",
    "gulls",
    "wait",
    "for",
    "bread",
    "and",
    "rain",
]


def text(rng: random.Random, words: int = 60) -> str:
    """A response nobody has seen."""
    return " ".join(rng.choice(WORDS) for _ in range(words)) + f" {rng.random()}."


def soft_items(count: int, seed: int, group: int = 16) -> list[Item]:
    """Groups of rollouts for instructions with a soft constraint."""
    rng = random.Random(seed)
    return [
        Item(
            id=str(n),
            instruction=Instruction(
                id=str(n // group),
                prompt=f"Describe harbour {n // group}.",
                constraints=(SoftConstraint(text="Be calm."),),
            ),
            response=Response(text=text(rng)),
        )
        for n in range(count)
    ]


def rule_items(count: int, seed: int) -> list[Item]:
    """Rollouts with three rules each."""
    rng = random.Random(seed)
    constraints = (
        RuleConstraint(text="No commas.", rule="punctuation:no_comma"),
        RuleConstraint(
            text="At least 50 words.",
            rule="length_constraints:number_words",
            params={"relation": "at least", "num_words": 50},
        ),
        RuleConstraint(text="Mention boat.", rule="keywords:existence", params={"keywords": ["boat"]}),
    )
    return [
        Item(
            id=str(n),
            instruction=Instruction(
                id=str(n // 8), prompt=f"Describe harbour {n // 8}.", constraints=constraints
            ),
            response=Response(text=text(rng)),
        )
        for n in range(count)
    ]


def make(judge: StandInJudge, cache: VerdictCache | None = None, formula: Any = "average") -> Verifier:
    """A verifier in this process in front of the stand-in."""
    client = JudgeClient([f"{judge.url}/v1"], "judge", deadline_s=120)
    part = JudgePart(
        client, template="joint-en", model_digest="standin", parameters={"temperature": 0, "max_tokens": 64}
    )
    return Verifier(judge=part, cache=cache, formula=formula)
