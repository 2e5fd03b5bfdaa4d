"""The training curves as one picture: reward with its validations, response length, entropy, distance from the start."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from verif.system.drawing import pyplot, save
from verif.training.progress import COLUMNS, CYCLE_COLUMNS, RunFolder

# Columns of the curve, and what a panel calls them.
PANELS = {
    "reward_mean": "mean reward",
    "response_length": "response length, tokens",
    "entropy": "entropy, nats per token",
    "kl": "KL from the start",
    "dpo_loss": "DPO loss",
    "margin": "margin of pairs, nats x beta",
    "pair_accuracy": "pairs in the right order",
    "drift": "drift from the generator, nats",
    "staleness": "staleness, updates",
}
WINDOW = 5
FAINT, LINE, VALIDATION, TEACHER = "#b8c4d6", "#2563eb", "#d97706", "#b91c1c"

Points = list[tuple[int, float]]


def draw_curves(folder: RunFolder, path: Path, took_over: Sequence[int] = ()) -> None:
    """Each step faint, the mean of the last five above it; no panel for a metric not kept or nothing all along.

    An upright line stands at each step after which another verifier took over.
    """
    steps = {step: folder.metrics(step) for step in folder.done()}
    metrics = COLUMNS | CYCLE_COLUMNS
    series = {name: _points(steps, metrics[name]) for name in PANELS}
    shown = {name: points for name, points in series.items() if any(y for _, y in points)} or {
        "reward_mean": []
    }
    figure, axes = pyplot().subplots(
        1, len(shown), figsize=(3 * len(shown), 2.6), squeeze=False, layout="constrained"
    )
    for axis, (name, points) in zip(axes[0], shown.items(), strict=True):
        axis.plot([x for x, _ in points], [y for _, y in points], color=FAINT, lw=0.8)
        axis.plot([x for x, _ in points], _trailing(points), color=LINE)
        for step in took_over:
            axis.axvline(step, color=TEACHER, lw=0.8, ls="--")
        if name == "reward_mean" and (
            validations := _points(folder.validations(), COLUMNS["val_reward_mean"])
        ):
            axis.plot(*zip(*validations, strict=True), "o", color=VALIDATION, ms=4, label="validation")
            axis.legend(loc="lower right", fontsize=8)
        axis.set_title(PANELS[name], fontsize=9)
        axis.set_xlabel("step", fontsize=8)
        axis.tick_params(labelsize=8)
    save(figure, path)


def _points(steps: dict[int, dict[str, float]], metric: str) -> Points:
    return [(step, values[metric]) for step, values in sorted(steps.items()) if metric in values]


def _trailing(points: Points) -> list[float]:
    values = [y for _, y in points]
    return [
        sum(part) / len(part) for n in range(len(values)) if (part := values[max(0, n + 1 - WINDOW) : n + 1])
    ]
