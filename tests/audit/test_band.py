"""The cascade's band: as narrow as the asked agreement allows, and judged on cases that had no say in it."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verif.audit.band import CascadeSample, choose


def calibrated(n: int, seed: int = 0) -> list[CascadeSample]:
    """Scores that mean what they say: a response with score p passes with probability p."""
    rng = random.Random(seed)
    scores = [rng.betavariate(0.4, 0.4) for _ in range(n)]
    return [CascadeSample(score, rng.random() < score) for score in scores]


@pytest.mark.parametrize("agreement", [0.9, 0.95, 0.99])
def test_the_agreement_asked_for_is_what_comes_out(agreement: float) -> None:
    band = choose(calibrated(4000), agreement)
    assert band.agreement.high >= agreement - 0.01
    assert 0.05 < band.saved.value < 1
    assert 0 < band.low <= band.high < 1


def test_more_agreement_saves_fewer_calls() -> None:
    cases = calibrated(4000)
    saved = [choose(cases, agreement).saved.value for agreement in (0.85, 0.95, 0.99)]
    assert saved == sorted(saved, reverse=True)
    assert saved[0] > saved[-1]


def test_scores_that_say_nothing_decide_nothing() -> None:
    rng = random.Random(1)
    cases = [CascadeSample(0.5, rng.random() < 0.5) for _ in range(400)]
    band = choose(cases, 0.95)
    assert band.saved.value == 0.0
    assert band.decide(0.5) is None


def test_a_perfect_small_verifier_decides_nearly_everything() -> None:
    cases = [CascadeSample(0.9 + n % 7 / 100 if n % 3 else n % 11 / 100, bool(n % 3)) for n in range(600)]
    band = choose(cases, 1.0)
    assert band.agreement.value == 1.0
    assert band.saved.value > 0.9
    assert (band.decide(0.0), band.decide(0.99)) == (False, True)


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), max_size=50), st.floats(0.5, 1))
def test_any_scores_give_a_band_in_order(rows: list[tuple[float, bool]], agreement: float) -> None:
    band = choose([CascadeSample(score, passed) for score, passed in rows], agreement)
    assert 0 <= band.low <= band.high <= 1
