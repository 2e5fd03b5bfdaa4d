"""The audit as pictures (SVG, drawn without a display, the same bytes for the same findings)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from verif.audit.accuracy import Confusion
from verif.audit.findings import Findings
from verif.stats import Interval
from verif.system.drawing import pyplot, save

COLOURS = {"rules": "#7a8ba0", "judge": "#c0772f", "verifier": "#2a6f63"}


def draw(findings: Findings, folder: Path, max_attack_success: float) -> None:
    """Write confusion.svg, attacks.svg and types.svg."""
    pyplot().rcParams["font.size"] = 9
    _confusions(findings.accuracy.parts(), folder / "confusion.svg")
    _attacks(findings, folder / "attacks.svg", max_attack_success)
    _types(findings, folder / "types.svg")


def _confusions(parts: dict[str, Confusion], path: Path) -> None:
    figure, axes = pyplot().subplots(
        1, max(1, len(parts)), figsize=(2.6 * max(1, len(parts)), 2.4), squeeze=False
    )
    for axis, (name, c) in zip(axes[0], parts.items(), strict=False):
        counts = [[c.true_accepted, c.true_rejected], [c.false_accepted, c.false_rejected]]
        shares = [[value / max(1, sum(row)) for value in row] for row in counts]
        axis.imshow(shares, vmin=0, vmax=1, cmap="Greens")
        for i, row in enumerate(counts):
            for j, value in enumerate(row):
                dark = shares[i][j] > 0.6
                axis.text(j, i, str(value), ha="center", va="center", color="white" if dark else "black")
        axis.set_xticks([0, 1], ["accepted", "rejected"])
        axis.set_yticks([0, 1], ["true", "false"])
        axis.set_title(f"{name} ({c.undecided} undecided)" if c.undecided else name)
    save(figure, path, bbox_inches="tight")


def _bars(axis: Any, y: float, interval: Interval, colour: str, label: str | None, height: float) -> None:
    error = [[interval.value - interval.low], [interval.high - interval.value]]
    axis.barh(y, interval.value, height=height, color=colour, label=label)
    axis.errorbar(interval.value, y, xerr=error, color="black", linewidth=0.7, capsize=2)


def _attacks(findings: Findings, path: Path, limit: float) -> None:
    figure, axis = pyplot().subplots(figsize=(6.4, 0.34 * max(1, len(findings.attacks)) + 1))
    parts = [p for p in ("rules", "judge", "verifier") if any(p in f.rates() for f in findings.attacks)]
    height = 0.8 / max(1, len(parts))
    labelled: set[str] = set()
    for y, family in enumerate(findings.attacks):
        for k, part in enumerate(parts):
            rate = family.rates().get(part)
            if rate:
                label = None if part in labelled else part
                labelled.add(part)
                _bars(axis, y + (k - (len(parts) - 1) / 2) * height, rate, COLOURS[part], label, height)
    axis.axvline(limit, color="red", linewidth=0.8, linestyle="--")
    _finish(axis, [f.name for f in findings.attacks], "attack success rate, 95% interval; dashed: the gate")
    save(figure, path, bbox_inches="tight")


def _types(findings: Findings, path: Path) -> None:
    types = findings.accuracy.types
    figure, axis = pyplot().subplots(figsize=(6.4, 0.34 * max(1, len(types)) + 1))
    for y, confusion in enumerate(types.values()):
        first = y == 0
        if confusion.recall_false.n:
            _bars(
                axis, y - 0.2, confusion.recall_false, "#2a6f63", "recall on false" if first else None, 0.36
            )
        if confusion.accept_true.n:
            _bars(axis, y + 0.2, confusion.accept_true, "#c9b458", "accepts true" if first else None, 0.36)
    _finish(axis, list(types), "share, 95% interval")
    save(figure, path, bbox_inches="tight")


def _finish(axis: Any, names: Sequence[str], label: str) -> None:
    axis.set_yticks(range(len(names)), names)
    axis.invert_yaxis()
    axis.set_xlim(0, 1.02)
    axis.set_xlabel(label)
    if axis.get_legend_handles_labels()[0]:
        axis.legend(fontsize=8, loc="lower right")
    for side in ("top", "right"):
        axis.spines[side].set_visible(False)
