"""Which rollouts make a pair, and that the choice depends on the rollouts and the seed alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verif.training.pairs import SURE, PreferencePair, Worth, pick, scored
from verif.types import Reward, Status, Verdict, Verification

scores = st.builds(Worth, st.sampled_from([0.0, 0.5, 1.0]), st.none() | st.floats(0, 1))
groups = st.lists(st.none() | scores, max_size=8)


@given(groups, st.integers())
def test_random_takes_a_right_and_a_wrong_one_or_nothing(group: list[Worth | None], seed: int) -> None:
    found = pick(group, "random", seed)
    rewards = [score.reward for score in group if score]
    if found is None:
        assert not (1.0 in rewards and any(reward < 1 for reward in rewards))
    else:
        chosen, rejected = group[found.chosen], group[found.rejected]
        assert chosen
        assert chosen.reward == 1.0
        assert rejected
        assert rejected.reward < 1.0


@given(groups, st.integers())
def test_best_worst_takes_the_ends_of_reward_and_then_of_probability(
    group: list[Worth | None], seed: int
) -> None:
    worth = [(score.reward, score.p_pass or 0.0) for score in group if score]
    found = pick(group, "best-worst", seed)
    if found is None:
        assert len(worth) < 2 or (
            max(worth)[0] == min(worth)[0] and max(worth)[1] - min(worth)[1] <= SURE + 1e-9
        )
        return
    chosen, rejected = group[found.chosen], group[found.rejected]
    assert chosen
    assert rejected
    assert (chosen.reward, chosen.p_pass or 0.0) == max(worth)
    assert (rejected.reward, rejected.p_pass or 0.0) == min(worth)


@pytest.mark.slow
@given(groups, st.integers(), st.sampled_from(["random", "best-worst"]))
def test_the_same_group_and_seed_give_the_same_pair(group, seed, how) -> None:
    assert pick(group, how, seed) == pick(list(group), how, seed)


def test_every_right_one_may_be_taken() -> None:
    group = [Worth(1.0), Worth(0.0), Worth(1.0), None]
    assert {pick(group, "random", seed) for seed in range(40)} == {PreferencePair(0, 1), PreferencePair(2, 1)}


@pytest.mark.parametrize(
    ("evidence", "expected"),
    [
        ([{"p_pass": 0.8}], 0.8),
        ([{"p_pass": 0.8}, {"small_p_pass": 0.4}, {}], pytest.approx(0.6)),
        ([{}], None),
    ],
)
def test_a_verification_is_worth_its_reward_and_the_judges_probability(evidence, expected) -> None:
    verdicts = tuple(Verdict(status=Status.PASS, covers=(n,), evidence=e) for n, e in enumerate(evidence))
    reward = Reward(value=0.5, state="scored", formula="average")
    assert scored(Verification(id="x", verdicts=verdicts, reward=reward)) == Worth(0.5, expected)
    error = Reward(value=None, state="error", formula="average")
    assert scored(Verification(id="x", verdicts=verdicts, reward=error)) is None
