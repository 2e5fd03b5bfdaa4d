"""The built-in model made from pairs: boosted trees by scikit-learn, written as plain numbers that core evaluates.

Seconds on one core, the same bytes for the same pairs and library version. The threshold that goes with it is chosen
with trees that did not learn from some of the generators (`OTHERS`), since what people write is of no generator either.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from verif.core.answers.embedded import LEAF, Trees
from verif.core.answers.features import NAMES, features
from verif.data.answers.pairs import AnswerPair, pairs
from verif.data.answers.threshold import threshold_for

PAIRS, SEED = 12_000, 1
TREES, LEAVES, RATE = 150, 16, 0.1
PRECISION = 0.995
AGAINST = (
    "numbers_missing", "numbers_extra", "words_missing", "variables_missing", "variables_extra", "signs_missing",
    "signs_extra", "parts_missing", "parts_extra", "values_missing", "values_extra", "values_unknown", "values_rounded",
    "denied", "either", "said_of_itself", "groups_missing", "groups_extra",
)  # fmt: skip
FOR = (
    "numbers_shared", "numbers_in_order", "words_shared", "words_in_order", "variables_shared", "signs_shared", "likeness",
    "parts_in_order", "values_in_order", "renamed", "units", "names_agree", "bounds_agree",
)  # fmt: skip
"""More of these never makes an answer likelier, or unlikelier: what the model has not seen it may not take for a reason."""
DIGITS = 6
OTHERS = frozenset({"formula", "measure", "tuples", "case", "functions", "counting", "ends", "amounts"})
"""Generators that the trees by which the threshold is chosen have not seen; the pairs that choose it are of their forms."""


def train(count: int = PAIRS, seed: int = SEED) -> dict[str, Any]:
    """The model as `verif/core/answers/embedded.json` holds it."""
    chosen = fitted(pairs(seed, count, leave_out=OTHERS))
    trees = Trees(chosen)
    held_back = [
        pair
        for pair in pairs(f"{seed} threshold", count // 2)
        if pair.form in ("formula", "unit", "set", "name", "interval", "tuple")
    ]
    scored = [(trees.probability(features(pair.reference, pair.answer)), pair.same) for pair in held_back]
    final = fitted(pairs(seed, count))
    return {**final, "threshold": max(0.5, round(threshold_for(scored, PRECISION), 4))}


def fitted(lessons: Sequence[AnswerPair]) -> dict[str, Any]:
    """Trees of these lessons, without a threshold of their own."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    rows = np.array([features(pair.reference, pair.answer) for pair in lessons])
    same = np.array([pair.same for pair in lessons])
    model = HistGradientBoostingClassifier(
        max_iter=TREES, max_leaf_nodes=LEAVES, learning_rate=RATE, l2_regularization=1.0, min_samples_leaf=20,
        early_stopping=False, random_state=0, monotonic_cst=[(name in FOR) - (name in AGAINST) for name in NAMES],
    )  # fmt: skip
    model.fit(rows, same)
    trees = [_plain(stage[0].nodes) for stage in model._predictors]
    baseline = round(float(np.asarray(model._baseline_prediction).ravel()[0]), DIGITS)
    return {"features": list(NAMES), "baseline": baseline, "threshold": 1.0, "trees": trees}


def _plain(nodes: Any) -> list[list[float | int]]:
    """A tree's nodes as five lists: feature, threshold, left, right, value."""
    leaf = [bool(node["is_leaf"]) for node in nodes]
    numbers = range(len(nodes))
    return [
        [LEAF if leaf[n] else int(nodes[n]["feature_idx"]) for n in numbers],
        [0.0 if leaf[n] else round(float(nodes[n]["num_threshold"]), DIGITS) for n in numbers],
        [0 if leaf[n] else int(nodes[n]["left"]) for n in numbers],
        [0 if leaf[n] else int(nodes[n]["right"]) for n in numbers],
        [round(float(nodes[n]["value"]), DIGITS) if leaf[n] else 0.0 for n in numbers],
    ]
