"""reports/train.json: what a run's step files add up to."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from verif.recipe import Train
from verif.training.progress import CYCLE_COLUMNS, DRAW_COLUMNS, RunFolder

if TYPE_CHECKING:
    from verif.project import Stage

EDGE = 5
"""Steps averaged at the beginning and at the end."""


def summary(stage: Stage, folder: RunFolder, record: dict[str, Any]) -> dict[str, Any]:
    """Rewards with intervals (groups as clusters), errors, waiting, lengths, time; for people and `register`."""
    recipe = stage.recipe.train
    steps = folder.done()
    numbers = [folder.metrics(step) for step in steps]
    validations = folder.validations()
    return {
        "algorithm": recipe.algorithm,
        "rollout": recipe.rollout,
        "steps": len(steps),
        "seconds": round(float(record.get("seconds", 0.0)), 1),
        "resumed_after": record.get("resumed_after", 0),
        "exported": {"step": record["exported"], "truth": record.get("truth"), "why": record.get("why", "")},
        "ended": record.get("ended", ""),
        "oracle": record.get("oracle", {}),
        "step_s": _mean([n.get("verif/step_s", math.nan) for n in numbers]),
        "reward": {"first": _reward(folder, steps[:EDGE]), "last": _reward(folder, steps[-EDGE:])},
        **_cycles(recipe, numbers),
        "reward_wait_share": waited(numbers),
        "rollouts": int(sum(n.get("verif/rollouts", 0) for n in numbers)),
        **_draws(numbers),
        "rollouts_trained_on": int(sum(n.get("verif/rollouts_trained_on", 0) for n in numbers)),
        "reward_errors": int(sum(n.get("verif/reward_errors", 0) for n in numbers)),
        "unfinished_share": _mean(
            [n.get("verif/unfinished", 0) / max(1, n.get("verif/rollouts", 1)) for n in numbers]
        ),
        "response_length": {"first": _edge(numbers[:EDGE]), "last": _edge(numbers[-EDGE:])},
        "verifications": {
            "rollouts": _states(folder, steps),
            "validation": int(sum(validation.get("val/responses", 0) for validation in validations.values())),
            "served": record.get("served", {}),
        },
        "validation": {str(step): validation for step, validation in sorted(validations.items())},
    }


def waited(numbers: Sequence[Mapping[str, float]]) -> dict[str, float | None]:
    """Share of the steps' time in which rewards alone were awaited: of each step, `mean` and `max`; `overall` of all time.

    In a cycle one long step waits and the short ones do not: there the mean over steps says too little.
    """
    shares = [n["verif/reward_wait_share"] for n in numbers if "verif/reward_wait_share" in n]
    timed = [n for n in numbers if "verif/reward_wait_s" in n and "verif/step_s" in n]
    seconds = sum(n["verif/step_s"] for n in timed)
    overall = round(sum(n["verif/reward_wait_s"] for n in timed) / seconds, 4) if seconds else None
    return {"mean": _mean(shares), "max": round(max(shares), 4) if shares else None, "overall": overall}


def _cycles(train: Train, numbers: list[dict[str, float]]) -> dict[str, Any]:
    """What a run with pairs, or with several updates between two syncs, has beside; nothing for any other."""
    if train.algorithm != "dpo" and train.cycle == 1:
        return {}
    means = {
        name: _mean([n[metric] for n in numbers if metric in n]) for name, metric in CYCLE_COLUMNS.items()
    }
    left_out = int(sum(n.get("verif/updates_left_out", 0) for n in numbers))
    return {"sync_every": train.sync_every, "cycles": means | {"updates_left_out": left_out}}


def _draws(numbers: list[dict[str, float]]) -> dict[str, int]:
    """Groups with equal rewards over the whole run, and how many were replaced; nothing for a run that has no groups."""
    return {
        name: int(sum(n.get(metric, 0) for n in numbers))
        for name, metric in DRAW_COLUMNS.items()
        if any(metric in n for n in numbers)
    }


def _reward(folder: RunFolder, steps: list[int]) -> dict[str, float]:
    """Mean reward over the rollouts of some steps, with a bootstrap interval over groups."""
    from verif.data.rollouts import read_file, step_path
    from verif.stats import bootstrap_mean

    rewards, groups = [], []
    for step in steps:
        for rollout in read_file(step_path(folder.rollouts, step)):
            if rollout.reward is not None:
                rewards.append(rollout.reward)
                groups.append(rollout.uid)
    return bootstrap_mean(rewards, clusters=groups, samples=2000).as_dict()


def _states(folder: RunFolder, steps: list[int]) -> dict[str, int]:
    """How many rollouts have which reward state; with validation they add up to what the service sent."""
    from verif.data.rollouts import read_file, step_path

    counts: Counter[str] = Counter()
    for step in steps:
        for rollout in read_file(step_path(folder.rollouts, step)):
            counts["error" if rollout.verification is None else rollout.verification.reward.state] += 1
    return dict(counts)


def _edge(numbers: list[dict[str, float]]) -> float | None:
    return _mean([n["response_length/mean"] for n in numbers if "response_length/mean" in n])


def _mean(values: list[float]) -> float | None:
    known = [value for value in values if not math.isnan(value)]
    return round(sum(known) / len(known), 4) if known else None
