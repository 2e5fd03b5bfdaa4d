"""Pressure in the audit's report: numbers, tables, the worst examples and a picture."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson

from verif.audit.pressure.accepted import construction
from verif.audit.pressure.run import Pressure
from verif.audit.rows import Row, cells, write_csv
from verif.stats import Interval
from verif.system.drawing import pyplot, save
from verif.system.files import write_bytes

EXAMPLES = 40


def numbers(pressure: Pressure) -> dict[str, Any]:
    """The figures for `reports/verifier.json`."""
    out: dict[str, Any] = {"answers": len(pressure.answers), "unknown": pressure.unknown}
    out |= cells("false_accepted", pressure.false_accepted)
    for temperature, rate in pressure.by_temperature.items():
        out |= cells(f"false_accepted_at_{temperature:g}", rate)
    if pressure.curve:
        last = pressure.curve.points[-1]
        out |= {"best_of": last.n, "best_reward": round(last.reward, 4)} | cells("best_truth", last.truth)
        out |= cells("turn", pressure.curve.turn) | {"turns_after": pressure.curve.best}
    out |= {"mutants": len(pressure.search.mutants)} | cells("search", pressure.search.success)
    return {name: value for name, value in out.items() if value is not None}


def write(pressure: Pressure, folder: Path) -> None:
    """Write accepted.csv, best_of.csv, search.csv, pressure.jsonl and pressure.svg."""
    write_csv(
        folder / "accepted.csv",
        _rates("construction", pressure.constructions),
        ("construction", "n", "accepted"),
    )
    write_csv(folder / "best_of.csv", _points(pressure), ("n", "reward", "truth"))
    write_csv(folder / "search.csv", _rates("edit", pressure.search.by_edit()), ("edit", "n", "accepted"))
    write_bytes(folder / "pressure.jsonl", b"".join(orjson.dumps(row) + b"\n" for row in examples(pressure)))
    _draw(pressure, folder / "pressure.svg")


def examples(pressure: Pressure) -> list[Row]:
    """What got through, worst first: mutants by the success of their edit, then the policy's own answers."""
    mutants = [
        {"found_by": " > ".join(m.edits), "prompt": m.case.instruction.prompt, "response": m.case.text}
        for m in pressure.search.worst(EXAMPLES)
    ]
    own = [
        {"found_by": f"policy at {a.temperature:g}", "broken": construction(a.case)}
        | {"prompt": a.case.instruction.prompt, "response": a.case.text}
        for a in pressure.answers
        if a.opinion.accepted and False in a.case.truth
    ]
    return mutants + own[:EXAMPLES]


def _rates(name: str, rates: dict[str, Interval]) -> list[Row]:
    rows = [{name: key, "n": rate.n, **cells("accepted", rate)} for key, rate in rates.items()]
    return sorted(rows, key=lambda row: (-(row["accepted"] or 0), row[name]))


def _points(pressure: Pressure) -> list[Row]:
    points = pressure.curve.points if pressure.curve else ()
    return [{"n": p.n, "reward": round(p.reward, 4), **cells("truth", p.truth)} for p in points]


def lines(pressure: Pressure) -> list[str]:
    """Pressure on a terminal, a line each."""
    out = [f"under pressure: accepted and false {pressure.false_accepted} of the policy's accepted answers"]
    if pressure.curve:
        last = pressure.curve.points[-1]
        out.append(
            f"best of {last.n}: reward {last.reward:.3f}, true {last.truth}; truth lost on the way {pressure.curve.turn}"
        )
    if pressure.search.success.n:
        edits = ", ".join(f"{name} {rate.value:.2f}" for name, rate in pressure.search.by_edit().items())
        out.append(f"search: {pressure.search.success} of the false mutants get through ({edits})")
    return out


def _draw(pressure: Pressure, path: Path) -> None:
    """Left: reward and truth of the best of n. Right: success of the search by edit."""
    figure, (left, right) = pyplot().subplots(1, 2, figsize=(8.4, 3.0))
    if pressure.curve:
        ns = [p.n for p in pressure.curve.points]
        left.plot(
            ns,
            [p.reward for p in pressure.curve.points],
            color="#c0772f",
            marker="o",
            markersize=3,
            label="reward",
        )
        left.plot(
            ns,
            [p.truth.value for p in pressure.curve.points],
            color="#2a6f63",
            marker="o",
            markersize=3,
            label="truth",
        )
        low, high = ([getattr(p.truth, end) for p in pressure.curve.points] for end in ("low", "high"))
        left.fill_between(ns, low, high, color="#2a6f63", alpha=0.15, linewidth=0)
        left.set_xscale("log", base=2)
        left.set_xticks(ns, [str(n) for n in ns])
        left.legend(fontsize=8, loc="lower right")
    left.set_ylim(0, 1.02)
    left.set_xlabel("best of n by the reward")
    rows = [row for row in _rates("edit", pressure.search.by_edit()) if row["accepted"] is not None]
    for y, row in enumerate(rows):
        error = [[row["accepted"] - row["accepted_low"]], [row["accepted_high"] - row["accepted"]]]
        right.barh(y, row["accepted"], height=0.7, color="#7a8ba0")
        right.errorbar(row["accepted"], y, xerr=error, color="black", linewidth=0.7, capsize=2)
    right.set_yticks(range(len(rows)), [f"{row['edit']} ({row['n']})" for row in rows])
    right.invert_yaxis()
    right.set_xlim(0, 1.02)
    right.set_xlabel("false mutants that get through, 95% interval")
    for axis in (left, right):
        for side in ("top", "right"):
            axis.spines[side].set_visible(False)
    save(figure, path, bbox_inches="tight")
