"""`reports/plots/`: what `dvc plots show` draws, and the scripts that draw it without a network.

DVC's own page loads Vega from a server elsewhere. Ours (`.dvc/plots/page.html`, which `.dvc/config` names) loads the
file written here, which comes from the pinned package vl-convert-python.
"""

from __future__ import annotations

import csv
import functools
import io
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from verif.audit.truth import accepted_share, truth_share
from verif.data.rollouts import read_file, step_path
from verif.evaluation.summary import in_order
from verif.registry.report import collect
from verif.system.files import new_directory, write_bytes

if TYPE_CHECKING:
    from verif.project import Stage

SCRIPTS = "vega.js"


def write(stage: Stage) -> None:
    """Write the folder: a table per picture, and the scripts where the package that has them is installed."""
    with new_directory(stage.reports / "plots") as folder:
        write_bytes(folder / "training.csv", _csv(("step", "series", "value", "said"), training(stage)))
        write_bytes(folder / "sides.csv", _csv(("family", "model", "share"), sides(stage)))
        write_bytes(folder / "attacks.csv", _csv(("family", "share"), attacks(stage)))
        if scripts := vega():
            write_bytes(folder / SCRIPTS, scripts)
        else:
            print("vl-convert-python is not installed: `dvc plots show` will open an empty page.")


def training(stage: Stage) -> Iterator[tuple[Any, ...]]:
    """Reward by step; accepted and true rollouts where the oracle looked; the watch's alarms."""
    folder = stage.reports / "train"
    curve = dict(collect.curve(folder / "curve.csv").get("reward_mean", []))
    for step, value in curve.items():
        yield int(step), "reward", _short(value), ""
    watched = collect.watch(stage)
    for look in watched["steps"]:
        path = step_path(folder / "rollouts", int(look["step"]))
        if not (look["checked"] or look["rejected"]) or not path.is_file():
            continue
        accepted = accepted_share([rollout.reward for rollout in read_file(path)])
        true = truth_share(look, accepted)
        for series, share in (("accepted", accepted), ("true", true)):
            if share is not None:
                yield look["step"], series, _short(share), ""
    for alarm in watched["alarms"]:
        yield alarm["step"], "alarm", _short(curve.get(alarm["step"], 0.0)), alarm["message"]


def sides(stage: Stage) -> Iterator[tuple[Any, ...]]:
    """Each constraint type of the first benchmark with its share before and after, and the whole prompts."""
    evaluation = collect.read_json(stage.reports / "evaluation.json")
    first: dict[str, Any] = next(iter(in_order(evaluation).values()), {})
    for model in ("before", "control", "after"):
        strict = first.get(model, {}).get("strict") or {}
        if strict.get("value") is not None:  # no prompt has a verdict on all of its constraints
            yield "whole prompt", model, _short(strict["value"])
    for family, cell in first.get("families", {}).items():
        for model in ("before", "after"):
            yield family, model, _short(cell[model]["value"])


def attacks(stage: Stage) -> Iterator[tuple[Any, ...]]:
    """Attack success against the whole verifier, by family."""
    for row in collect.table(stage.reports / "verifier" / "attacks.csv"):
        if row.get("verifier"):
            yield row["family"], row["verifier"]


@functools.cache
def vega() -> bytes:
    """Vega, Vega-Lite and vega-embed in one script; empty where vl-convert-python is not installed."""
    if find_spec("vl_convert") is None:
        return b""
    import vl_convert

    return str(vl_convert.javascript_bundle()).encode()  # type: ignore[call-arg]


def _short(value: float) -> str:
    return f"{value:.4g}"


def _csv(columns: Sequence[str], rows: Iterator[tuple[Any, ...]]) -> bytes:
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return stream.getvalue().encode()
