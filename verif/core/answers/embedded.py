"""The model that is built in: gradient-boosted trees over `features`, kept as numbers and evaluated here.

`scripts/answers_model.py` makes `embedded.json` in seconds from references and constructed equivalents and near misses.
The question is not read: what it cannot know, as whether a unit was asked for, a language model may.
"""

from __future__ import annotations

import asyncio
import json
import math
from functools import cache
from pathlib import Path
from typing import Any

from verif.core.answers.features import NAMES, features
from verif.core.answers.hybrid import Likeness, Pair
from verif.core.answers.tokens import tokens
from verif.system.files import digest

FILE = Path(__file__).with_name("embedded.json")
LONGEST_REFERENCE, LONGEST_ANSWER = 40, 60
"""Tokens: what is longer than anything that the model learnt from is prose, and it says nothing about it."""
CONTENT = "∞∅π"
"""Signs that are answers by themselves; others alone are none."""
LEAF = -1
"""In the place of a feature: the node is a leaf."""


class Trees:
    """Boosted trees: `feature`, `threshold`, `left`, `right`, `value` of each node; a value at most goes left."""

    def __init__(self, raw: dict[str, Any]) -> None:
        if tuple(raw["features"]) != NAMES:
            raise ValueError("the model was made of other features: make it again")
        self.baseline: float = raw["baseline"]
        self.threshold: float = raw["threshold"]
        self._trees: list[list[list[Any]]] = raw["trees"]

    def probability(self, row: list[float]) -> float:
        """The probability of a row of features."""
        total = self.baseline
        for feature, threshold, left, right, value in self._trees:
            node = 0
            while feature[node] != LEAF:
                node = left[node] if row[feature[node]] <= threshold[node] else right[node]
            total += value[node]
        return 1 / (1 + math.exp(-total))


@cache
def embedded() -> Trees:
    """The model as it is shipped."""
    return Trees(json.loads(FILE.read_bytes()))


class FeatureModel:
    """The built-in model as one that a hybrid asks."""

    def __init__(self) -> None:
        self.part = features_part()
        self._trees = embedded()

    async def likeness(self, pair: Pair) -> Likeness:
        """In a thread: half a millisecond is nothing, and thousands of it are a second."""
        return Likeness(await asyncio.to_thread(self.probability, pair.reference, pair.answer))

    def probability(self, reference: str, answer: str) -> float:
        """The probability that two answers are the same; 0 where one is too long to say, or says nothing."""
        right, given = tokens(reference), tokens(answer)
        if len(right) > LONGEST_REFERENCE or len(given) > LONGEST_ANSWER:
            return 0.0
        if all(token.kind == "sign" and token.text not in CONTENT for token in given):
            return 0.0
        return self._trees.probability(features(reference, answer))

    async def close(self) -> None:
        """Nothing is open."""


def features_part() -> str:
    """The identity of the built-in model; the code around it is part of the rules'."""
    return f"features:{digest(json.loads(FILE.read_bytes()))}"
