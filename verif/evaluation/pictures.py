"""Pictures and the plot table of an evaluation: totals and constraint types, before and after; a sweep's gains."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from verif.system.drawing import pyplot, save
from verif.system.files import write_bytes

BEFORE, AFTER, CONTROL = "#8a94a6", "#2563eb", "#d97706"


def draw(numbers: dict[str, Any], folder: Path) -> None:
    """`accuracy.svg`, `families.svg` and `families.csv` (for DVC's plots) in `folder`."""
    with_families = {n: f["families"] for n, f in numbers["benchmarks"].items() if f.get("families")}
    _table(with_families, folder / "families.csv")
    _accuracy(numbers["benchmarks"], folder / "accuracy.svg")
    if with_families:
        name, families = next(iter(with_families.items()))
        _families(name, families, folder / "families.svg")


def draw_sweep(arms: dict[str, tuple[dict[str, Any], Sequence[float]]], path: Path) -> None:
    """Each arm's gain with its interval over prompts, and beside it the gain of each seed: how far trainings differ."""
    figure, axes = _figure(7.5, 1 + 0.55 * len(arms))
    for at, (gain, by_seed) in enumerate(arms.values()):
        reach = [[gain["value"] - gain["low"]], [gain["high"] - gain["value"]]]
        axes.errorbar(
            gain["value"], at, xerr=reach, fmt="o", color=AFTER, capsize=3, label="all seeds, 95% interval"
        )
        axes.plot(by_seed, [at + 0.25] * len(by_seed), "o", mfc="none", mec=BEFORE, label="one seed")
    axes.axvline(0, color="#333", lw=0.8)
    axes.set_yticks(range(len(arms)), list(arms))
    axes.set_ylim(len(arms) - 0.4, -0.6)
    axes.set_xlabel("gain in the share of prompts followed in full, T=1")
    handles, labels = axes.get_legend_handles_labels()
    known = dict(zip(labels, handles, strict=True))  # one entry for all arms
    figure.legend(known.values(), known.keys(), loc="outside upper center", ncols=2)
    save(figure, path)


def _table(by_benchmark: dict[str, Any], path: Path) -> None:
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(
        ["benchmark", "family", "n", "before", "after", "gain", "gain_low", "gain_high", "p_holm"]
    )
    for benchmark, families in by_benchmark.items():
        for family, cell in families.items():
            gain = cell["gain"]
            values = (
                cell["before"]["value"],
                cell["after"]["value"],
                gain["value"],
                gain["low"],
                gain["high"],
            )
            row = [benchmark, family, gain["n"], *(f"{v:.4f}" for v in values), f"{gain['p_holm']:.4f}"]
            writer.writerow(row)
    write_bytes(path, stream.getvalue().encode())


def _figure(width: float, height: float) -> Any:
    return pyplot().subplots(figsize=(width, height), layout="constrained")


def _bars(
    axes: Any, at: list[float], cells: list[dict[str, float]], colour: str, label: str, width: float
) -> None:
    values = [cell["value"] for cell in cells]
    below = [max(0.0, cell["value"] - cell["low"]) for cell in cells]
    above = [max(0.0, cell["high"] - cell["value"]) for cell in cells]
    axes.barh(
        at,
        values,
        width,
        xerr=[below, above],
        color=colour,
        label=label,
        error_kw={"ecolor": "#333", "lw": 1},
    )


def _accuracy(benchmarks: dict[str, Any], path: Path) -> None:
    lines = []
    for name, numbers in benchmarks.items():
        for mode, key in (("T=1", "strict"), ("greedy", "greedy")):
            cells = {m: numbers[m][key] for m in ("before", "after", "control") if key in numbers.get(m, {})}
            if cells:
                lines.append((f"{name}\n{mode}", cells))
    figure, axes = _figure(7.5, 1 + 0.8 * len(lines))
    for offset, (model, colour) in enumerate((("before", BEFORE), ("after", AFTER), ("control", CONTROL))):
        at = [i + 0.26 * (offset - 1) for i, (_, cells) in enumerate(lines) if model in cells]
        if at:
            _bars(axes, at, [cells[model] for _, cells in lines if model in cells], colour, model, 0.25)
    axes.set_yticks(range(len(lines)), [name for name, _ in lines])
    axes.invert_yaxis()
    axes.set_xlim(0, 1)
    axes.set_xlabel("share of prompts with every constraint met (95% interval)")
    axes.legend(loc="lower right")
    save(figure, path)


def _families(name: str, families: dict[str, Any], path: Path) -> None:
    figure, axes = _figure(7.5, 1 + 0.42 * len(families))
    at = list(range(len(families)))
    _bars(
        axes, [i - 0.19 for i in at], [cell["before"] for cell in families.values()], BEFORE, "before", 0.36
    )
    _bars(axes, [i + 0.19 for i in at], [cell["after"] for cell in families.values()], AFTER, "after", 0.36)
    axes.set_yticks(at, [f"{family} (n={cell['gain']['n']})" for family, cell in families.items()])
    axes.invert_yaxis()
    axes.set_xlim(0, 1.02)
    axes.set_xlabel(f"share of verdicts that pass, {name}, T=1 (95% interval)")
    axes.legend(loc="lower right")
    save(figure, path)
