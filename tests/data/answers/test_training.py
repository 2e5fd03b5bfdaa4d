"""The built-in model is what its script makes, and evaluates as the library does."""

from __future__ import annotations

import json

import pytest

from verif.core.answers.embedded import FILE, Trees
from verif.core.answers.features import NAMES, features
from verif.data.answers.pairs import pairs
from verif.data.answers.training import fitted, train


@pytest.mark.slow
def test_few_lessons_make_a_model_that_tells_most_pairs_apart() -> None:
    trees = Trees(fitted(pairs("small", 700)))
    held_back = pairs("held back", 300)
    right = sum(
        (trees.probability(features(pair.reference, pair.answer)) > 0.5) is pair.same for pair in held_back
    )
    assert right / len(held_back) > 0.75


def test_a_model_of_other_features_is_refused() -> None:
    raw = json.loads(FILE.read_bytes())
    with pytest.raises(ValueError, match="other features"):
        Trees({**raw, "features": list(NAMES[:-1])})


@pytest.mark.release
def test_the_shipped_model_is_what_the_script_makes() -> None:
    made, shipped = train(), json.loads(FILE.read_bytes())
    assert made["features"] == shipped["features"]
    ours, theirs = Trees(made), Trees(shipped)
    for pair in pairs("shipped", 200):
        row = features(pair.reference, pair.answer)
        assert ours.probability(row) == pytest.approx(theirs.probability(row), abs=1e-3)
    assert ours.threshold == pytest.approx(theirs.threshold, abs=1e-3)
