"""What the page shows, read from the files that the stages left. A part that is missing is left out and said so."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import orjson

from verif.evaluation import verdicts
from verif.evaluation.case import VerdictRow
from verif.evaluation.scores import outcomes
from verif.evaluation.summary import MAIN
from verif.project import Stage

SAMPLES = 10
REPORTS = ("data", "policy", "judge", "verifier", "train", "evaluation", "registration")
# How many samples of each kind: (followed before, followed after) -> number.
QUOTA = {(0.0, 1.0): 4, (1.0, 0.0): 2, (0.0, 0.0): 2, (1.0, 1.0): 2}


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object, or nothing."""
    try:
        content = orjson.loads(path.read_bytes())
    except (OSError, orjson.JSONDecodeError):
        return {}
    return content if isinstance(content, dict) else {}


def reports(stage: Stage) -> dict[str, dict[str, Any]]:
    """The metric file of every stage."""
    return {name: read_json(stage.reports / f"{name}.json") for name in REPORTS}


def curve(path: Path) -> dict[str, list[tuple[float, float]]]:
    """The training curve by column: (step, value), cells without a number left out."""
    out: dict[str, list[tuple[float, float]]] = defaultdict(list)
    if not path.is_file():
        return out
    with path.open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            for name, cell in row.items():
                try:
                    out[name].append((float(row["step"]), float(cell)))
                except (TypeError, ValueError, KeyError):
                    continue
    return out


def watch(stage: Stage) -> dict[str, Any]:
    """What the watch saw: of the published training, or of a run after it that was stopped and published nothing."""
    kept = [stage.reports / "train" / "alarms.json", *(stage.state / "runs").glob("*/alarms.json")]
    newest = max(
        (path for path in kept if path.is_file()), key=lambda path: path.stat().st_mtime, default=None
    )
    watched = read_json(newest) if newest else {}
    return {key: watched.get(key, empty) for key, empty in (("alarms", []), ("steps", []), ("on_alarm", ""))}


def table(path: Path, limit: int = 60) -> list[dict[str, str]]:
    """The rows of a CSV file, none if it is missing."""
    if not path.is_file():
        return []
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))[:limit]


def samples(path: Path) -> list[dict[str, Any]]:
    """Ten prompts with both responses and every verdict: mended, broken, still failing, still right."""
    if not path.is_file():
        return []
    rows = [row for row in verdicts.read(path) if row.mode == MAIN and row.variant == "strict"]
    if not rows:
        return []
    rows = [row for row in rows if row.benchmark == rows[0].benchmark]
    by_model = {model: [row for row in rows if row.model == model] for model in ("before", "after")}
    before, after = ({o.id: o for o in outcomes(rows_of_one)} for rows_of_one in by_model.values())
    chosen: list[str] = []
    left = dict(QUOTA)
    shared = [id for id in after if id in before]
    for id in shared:
        kind = (before[id].followed, after[id].followed)
        if left.get(kind, 0) > 0:
            left[kind] -= 1
            chosen.append(id)
    chosen += [id for id in shared if id not in chosen][: max(0, SAMPLES - len(chosen))]
    order = {kind: number for number, kind in enumerate(QUOTA)}
    chosen.sort(key=lambda id: order.get((before[id].followed, after[id].followed), 9))
    return [_sample(id, by_model, bool(before[id].followed), bool(after[id].followed)) for id in chosen]


def _sample(id: str, by_model: dict[str, list[VerdictRow]], before: bool, after: bool) -> dict[str, Any]:
    sides: list[dict[str, Any]] = []
    for model, followed in (("before", before), ("after", after)):
        own = sorted((r for r in by_model[model] if r.id == id), key=lambda r: (r.index < 0, r.index))
        sides.append({"model": model, "followed": followed, "response": own[0].response, "rows": own})
    kind = {(False, True): "mended", (True, False): "broken", (False, False): "still fails"}.get(
        (before, after), "kept"
    )
    return {"id": id, "prompt": sides[0]["rows"][0].prompt, "kind": kind, "sides": sides}


def seconds(of_stages: dict[str, dict[str, Any]], timings: dict[str, Any]) -> list[tuple[str, str, float]]:
    """(stage, what, seconds) for everything the stages say about their time."""
    out = []
    for name, report in of_stages.items():
        for key, value in _flat(report):
            last = key.rsplit(".", 1)[-1]
            if (last.endswith(("seconds", "_s")) or last == "wall") and value > 0.05:
                out.append((name, key, value))
    out += [("evaluate", key, float(value)) for key, value in timings.items()]
    return out


def _flat(value: Any, name: str = "") -> list[tuple[str, float]]:
    if isinstance(value, dict):
        return [
            pair for key, item in value.items() for pair in _flat(item, f"{name}.{key}" if name else str(key))
        ]
    if isinstance(value, int | float) and not isinstance(value, bool):
        return [(name, float(value))]
    return []


def quarantine(path: Path, limit: int = 12) -> tuple[int, list[dict[str, Any]]]:
    """How many rows or checkers were left out, and the first of them."""
    if not path.is_file():
        return 0, []
    rows: list[dict[str, Any]] = []
    for raw in path.read_bytes().splitlines():
        try:
            row = orjson.loads(raw)
        except orjson.JSONDecodeError:
            continue
        rows.append(row if isinstance(row, dict) else {"finding": str(row)})
    return len(rows), rows[:limit]


def rows_of(cells: Sequence[dict[str, str]], label: str, value: str) -> list[tuple[str, dict[str, float]]]:
    """(label, interval) from CSV rows with columns `<value>`, `<value>_low`, `<value>_high`."""
    out = []
    for row in cells:
        try:
            point = float(row[value])
            low, high = float(row.get(f"{value}_low") or point), float(row.get(f"{value}_high") or point)
        except (KeyError, ValueError):
            continue
        out.append((row.get(label, ""), {"value": point, "low": low, "high": high}))
    return out
