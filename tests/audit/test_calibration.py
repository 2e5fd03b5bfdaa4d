"""How sure a judge is, and whether that is worth something."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verif.audit.calibration import MIN_CASES, calibrate, error, fit, scaled


def sure(n: int, sharper: float, seed: int = 1) -> list[tuple[str, float, bool]]:
    """Verdicts of a judge whose logits are `sharper` times what they should be."""
    rng, out = random.Random(seed), []
    for number in range(n):
        logit = rng.gauss(0, 1.5)
        true = rng.random() < 1 / (1 + math.exp(-logit))
        out.append((f"case {number}", 1 / (1 + math.exp(-logit * sharper)), true))
    return out


def test_a_judge_that_is_too_sure_is_found_out_and_mended() -> None:
    found = calibrate(sure(6000, 4.0))
    assert found is not None
    assert found.temperature == pytest.approx(4.0, rel=0.15)
    assert found.before > 0.15
    assert found.after < 0.06
    assert (found.n + found.fitted_on, found.n) == (6000, pytest.approx(600, rel=0.15))


def test_a_judge_that_is_as_sure_as_it_should_be_is_left_alone() -> None:
    assert fit([(p, true) for _, p, true in sure(6000, 1.0)]) == pytest.approx(1.0, rel=0.1)


@given(st.floats(0, 1), st.floats(0.05, 20))
def test_a_temperature_changes_no_verdict(p: float, temperature: float) -> None:
    q = scaled(p, temperature)
    assert 0 < q < 1 or temperature < 1
    assert (q > 0.5) == (p > 0.5) or math.isclose(q, 0.5, abs_tol=1e-9)


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), max_size=40))
def test_the_error_is_a_share(said: list[tuple[float, bool]]) -> None:
    assert 0 <= error(said) <= 1


def test_the_error_of_certain_and_right_is_none_and_of_certain_and_wrong_is_all() -> None:
    assert error([(1.0, True), (0.0, False)]) == 0
    assert error([(1.0, False), (0.0, True)]) == 1


def test_too_few_or_all_alike_say_nothing() -> None:
    assert calibrate(sure(MIN_CASES - 1, 2.0)) is None
    assert calibrate([(f"{n}", 0.9, True) for n in range(200)]) is None


def test_a_case_stays_on_its_side_whatever_others_come() -> None:
    said = sure(400, 2.0)
    first, second = calibrate(said), calibrate(said[::-1])
    assert first is not None
    assert second is not None
    assert first.n == second.n
    assert first.before == pytest.approx(second.before)
