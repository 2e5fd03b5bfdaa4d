"""What `make bench-sync` says of runs that are kept, without training one."""

from __future__ import annotations

import random

import pytest

pytestmark = pytest.mark.slow
pytest.importorskip("torch")
from benchmarks.sync import ARMS, figures  # noqa: E402
from benchmarks.sync_loop import kept  # noqa: E402
from verif.data.world import draw_distinct, reference, truth  # noqa: E402


def scores(followed: int, grammatical: int, n: int = 40) -> dict[str, list[float]]:
    """The first so many of n instructions are followed, and grammatical."""
    return {
        "followed": [float(index < followed) for index in range(n)],
        "grammatical": [float(index < grammatical) for index in range(n)],
    }


def test_differences_are_in_points_and_the_worst_grammar_counts() -> None:
    kept = {
        "online": scores(24, 36),
        "semi": scores(22, 34),
        "offline": scores(12, 20),
        "grpo": scores(26, 40),
        "hard-only": scores(20, 10),
        "soft-only": scores(16, 40),
    }
    assert set(kept) == set(ARMS)
    said = figures({(name, seed): kept[name] for name in kept for seed in (1, 2)}, scores(12, 38))
    assert said["online_minus_offline"] == 30
    assert 0 < said["online_minus_offline_low"] < 30
    assert (said["semi_minus_online"], said["grpo_minus_online"]) == (-5, 5)
    assert said["grammar_drop_max"] == 10, "offline is not asked: its grammar is the paper's point"
    assert said["grammar_drops"] == [5, 5, 10, 10]
    assert said["grammar_drop_max_error"] == pytest.approx(100 * (0.1 * 0.9 / 39) ** 0.5, abs=0.01)
    assert (said["both_minus_hard_only"], said["both_minus_soft_only"]) == (10, 20)
    assert said["followed"]["semi"] == [0.55, 0.55]
    assert said["seeds"] == [1, 2]


def test_a_reward_counts_its_own_kind_of_constraints() -> None:
    rng, seen = random.Random(4), set()
    for item in draw_distinct(rng, "train", 40):
        right = reference(item, rng)
        for text in (
            right,
            right.upper(),
            right.lower(),
            "the cow",
            "Rain fell on the harbour. It was calm.",
        ):
            hard, soft, both = (kept(item, text, kind) for kind in ("rule", "soft", "all"))
            assert both == hard * soft == truth(item, text).followed
            seen.add((hard, soft))
    assert seen == {(0, 0), (0, 1), (1, 0), (1, 1)}
