"""What reports/train.json says of waiting for rewards."""

from __future__ import annotations

from verif.training.summary import waited


def step(wait: float, seconds: float) -> dict[str, float]:
    return {
        "verif/reward_wait_s": wait,
        "verif/step_s": seconds,
        "verif/reward_wait_share": wait / seconds,
    }


def test_a_cycle_waits_in_one_long_step_and_its_share_of_all_time_is_told() -> None:
    assert waited([step(4.0, 40.0), *[step(0.0, 1.0)] * 9]) == {
        "mean": 0.01, "max": 0.1, "overall": round(4 / 49, 4),
    }  # fmt: skip


def test_without_a_step_there_is_no_share() -> None:
    assert waited([{"verif/reward_mean": 0.5}]) == {"mean": None, "max": None, "overall": None}
