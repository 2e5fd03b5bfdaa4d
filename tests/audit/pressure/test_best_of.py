"""The best of n: exact for the answers at hand, and it shows a reward that is sold."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from verif.audit.pressure.best_of import chosen, curve

ANSWERS = st.lists(st.tuples(st.sampled_from([0.0, 0.5, 1.0]), st.booleans()), min_size=1, max_size=7)


@pytest.mark.slow
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(ANSWERS, st.integers(1, 7))
def test_it_is_the_mean_over_all_subsets_with_ties_broken_evenly(
    answers: list[tuple[float, bool]], n: int
) -> None:
    n = min(n, len(answers))
    rewards, truths = [], []
    for subset in combinations(answers, n):
        best = max(reward for reward, _ in subset)
        tied = [true for reward, true in subset if reward == best]
        rewards.append(best)
        truths.append(sum(tied) / len(tied))
    assert chosen(answers, n) == pytest.approx((sum(rewards) / len(rewards), sum(truths) / len(truths)))


def test_more_than_there_are_cannot_be_chosen_from() -> None:
    with pytest.raises(ValueError, match="best of 3"):
        chosen([(1.0, True)], 3)


def test_a_reward_that_is_right_does_not_turn() -> None:
    found = curve([[(1.0, True)] * k + [(0.0, False)] * (16 - k) for k in range(1, 13)], seed=1)
    assert found is not None
    assert [point.n for point in found.points] == [1, 2, 4, 8, 16]
    assert found.points[-1].truth.value == 1.0
    assert found.best == 16
    assert found.turn.value == 0


def test_a_rare_answer_that_earns_more_than_truth_turns_the_curve() -> None:
    prompt = [(1.0, False)] + [(0.9, True)] * 8 + [(0.2, False)] * 7
    found = curve([prompt] * 12, seed=1)
    assert found is not None
    assert found.points[-1].reward > found.points[2].reward
    assert 1 < found.best < 16
    assert found.turn.low > 0.05
    assert found.false_among_selected == pytest.approx(1.0)


def test_too_little_to_draw_a_curve_from_is_no_curve() -> None:
    assert curve([], seed=1) is None
    assert curve([[(1.0, True)], [(0.0, False)]], seed=1) is None
