"""The estimate of a step's truth undoes the sample's preference for accepted rollouts."""

from __future__ import annotations

import random

import pytest

from verif.audit.truth import accepted_share, truth_share


def look(checked: int = 0, contradicted: int = 0, rejected: int = 0, refused: int = 0) -> dict[str, int]:
    return {"checked": checked, "contradicted": contradicted, "rejected": rejected, "refused": refused}


def test_each_half_is_weighed_by_its_share_of_the_step() -> None:
    assert truth_share(look(16, 4, 16, 2), 0.5) == pytest.approx(0.5 * 0.75 + 0.5 * 0.125)
    assert truth_share(look(16, 4, 16, 2), 0.1) == pytest.approx(0.1 * 0.75 + 0.9 * 0.125)


def test_a_half_that_nobody_saw_leaves_it_open() -> None:
    assert truth_share(look(rejected=8), 0.3) is None
    assert truth_share(look(checked=8), 0.3) is None
    assert truth_share(look(checked=8, contradicted=8), None) is None
    assert truth_share(look(rejected=8, refused=4), 0.0) == pytest.approx(0.5)
    assert truth_share(look(checked=8, contradicted=2), 1.0) == pytest.approx(0.75)


def test_errors_are_left_out_of_the_accepted_share() -> None:
    assert accepted_share([1.0, 0.5, None, None]) == 0.5
    assert accepted_share([None]) is None


def test_it_is_right_on_average() -> None:
    rng = random.Random(1)
    step = [(rng.random() < 0.3, rng.random() < 0.4) for _ in range(400)]  # accepted, true
    estimates = []
    for _ in range(400):
        accepted = rng.sample([true for good, true in step if good], 16)
        rejected = rng.sample([true for good, true in step if not good], 16)
        seen = look(16, 16 - sum(accepted), 16, sum(rejected))
        estimates.append(truth_share(seen, sum(good for good, _ in step) / 400))
    assert sum(estimates) / 400 == pytest.approx(sum(true for _, true in step) / 400, abs=0.02)
