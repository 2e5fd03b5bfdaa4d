"""`reports/index.html`: one file that opens anywhere, without a network. All model text is escaped by the template."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Any

from verif.evaluation.summary import in_order
from verif.project import Stage
from verif.registry import headline, sentences
from verif.registry.report import charts, collect
from verif.registry.runs.lineage import lineage
from verif.system.files import write_bytes

CURVES = (
    ("reward_mean", "Mean reward", ""),
    ("response_length", "Response length, tokens", ""),
    ("entropy", "Entropy", ""),
    ("kl", "KL from the start", ""),
    ("dpo_loss", "DPO loss", ""),
    ("margin", "Margin of pairs", ""),
    ("pair_accuracy", "Pairs in the right order", ""),
    ("pairs", "Pairs of an update", ""),
    ("no_contrast", "Prompts without contrast", ""),
    ("drift", "Drift from the generator, nats a response", ""),
    ("staleness", "Staleness, updates", ""),
    ("reward_wait_share", "Share of a step waiting for rewards", ""),
    ("step_s", "Seconds a step", " s"),
)


def build(stage: Stage) -> Path:
    """Write the page from what the stages left; returns its path."""
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    def source(name: str) -> str:
        return files("verif.registry.report").joinpath(name).read_text("utf-8")

    environment = Environment(loader=FunctionLoader(source), autoescape=True, undefined=StrictUndefined)
    environment.filters |= {"interval": interval, "points": points, "percent": percent, "score": score}
    html = environment.get_template("page.j2").render(**content(stage))
    path = stage.reports / "index.html"
    write_bytes(path, html.encode("utf-8", "replace"))
    return path


def content(stage: Stage) -> dict[str, Any]:
    """Everything the template shows."""
    from markupsafe import Markup

    reports = collect.reports(stage)
    evaluation, registration = reports["evaluation"], reports["registration"]
    benchmarks = in_order(evaluation)
    curve = collect.curve(stage.reports / "train" / "curve.csv")
    left_out, quarantine = collect.quarantine(stage.data / "quarantine.jsonl")
    drawn = [charts.line(curve.get(name, []), title=title, unit=unit) for name, title, unit in CURVES]
    return {
        "title": stage.recipe.register_.model_name,
        "headline": sentences.page_lines(headline.read(stage.root)),
        "recipe": stage.recipe,
        "benchmarks": benchmarks,
        "first": next(iter(benchmarks.values()), {}),
        "canary": evaluation.get("canary", {}),
        "general": evaluation.get("general", {}),
        "warnings": evaluation.get("warnings", []),
        "registration": registration,
        "gate": registration.get("gate", {}),
        "curves": [Markup(svg) for svg in drawn if svg],  # noqa: S704
        "watch": collect.watch(stage),
        "training": reports["train"],
        "totals": Markup(totals(benchmarks)),  # noqa: S704
        "families": [(name, Markup(svg)) for name, svg in families(benchmarks, registration)],  # noqa: S704
        "family_tables": {name: b["families"] for name, b in benchmarks.items() if b.get("families")},
        "audit": reports["verifier"],
        "audit_chart": Markup(audit(stage.reports / "verifier" / "attacks.csv")),  # noqa: S704
        "samples": collect.samples(stage.reports / "evaluation" / "verdicts.parquet"),
        "seconds": collect.seconds(reports, collect.read_json(stage.reports / "evaluation" / "timings.json")),
        "left_out": left_out,
        "quarantine": quarantine,
        "data": reports["data"],
        "lineage": {key.removeprefix("verif."): value for key, value in lineage(stage).items()},
    }


def totals(benchmarks: dict[str, Any]) -> str:
    """Accuracy by benchmark and way of sampling."""
    lines = []
    for name, numbers in benchmarks.items():
        for mode, key in (("T=1", "strict"), ("greedy", "greedy")):
            marks = [charts.mark(m, numbers.get(m, {}).get(key)) for m in ("before", "control", "after")]
            if any(marks):
                lines.append((f"{name}, {mode}", marks))
    return charts.intervals(lines, title="Share of prompts with every constraint met") if lines else ""


def families(benchmarks: dict[str, Any], registration: dict[str, Any]) -> list[tuple[str, str]]:
    """One chart per benchmark: constraint types before, after and, where there is one, champion."""
    out = []
    champion = registration.get("champion") or {}
    for name, numbers in benchmarks.items():
        if not numbers.get("families"):
            continue
        lines = []
        for family, cell in numbers["families"].items():
            marks = [charts.mark(side, cell[side]) for side in ("before", "after")]
            if champion.get("benchmark") == name:
                marks.append(charts.mark("champion", champion["families"].get(family)))
            lines.append((f"{family} ({cell['gain']['n']})", marks))
        out.append(
            (name, charts.intervals(lines, title=f"{name}: share of verdicts that pass, by constraint type"))
        )
    return out


def audit(path: Path) -> str:
    """Attack success by family against the whole verifier."""
    rows = collect.rows_of(collect.table(path), "family", "verifier")
    lines = [(label, [charts.mark("attack", cell)]) for label, cell in rows]
    return charts.intervals(lines, title="Attack success by family") if lines else ""


def score(value: dict[str, Any] | None, name: str) -> str:
    """A benchmark's own score: a share, but for FollowBench's CSL, which counts levels (`2.40 [2.10, 2.70]`)."""
    if not name.startswith("csl") or not value or value["low"] is None:
        return interval(value)
    return f"{value['value']:.2f} [{value['low']:.2f}, {value['high']:.2f}]"


def interval(value: dict[str, Any] | None) -> str:
    """`55.0% [50.1%, 59.8%]`."""
    if not value or value["low"] is None:
        return "not measured"
    return f"{value['value']:.1%} [{value['low']:.1%}, {value['high']:.1%}]"


def points(value: dict[str, Any] | None) -> str:
    """`+12.5 [+8.0, +17.1]` points; one source alone gives a value but leaves its interval open."""
    if not value or value["value"] is None:
        return "not measured"
    if value["low"] is None:
        return f"{100 * value['value']:+.1f} [open]"
    return f"{100 * value['value']:+.1f} [{100 * value['low']:+.1f}, {100 * value['high']:+.1f}]"


def percent(value: float | None) -> str:
    """`55.0%`."""
    return "not measured" if value is None else f"{value:.1%}"
