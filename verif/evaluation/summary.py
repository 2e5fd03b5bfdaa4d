"""Verdict rows to numbers: per benchmark and model, gains with paired intervals, constraint types, corrected."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from verif.evaluation.case import Benchmark, Case, VerdictRow
from verif.evaluation.judged_pairs import changes
from verif.evaluation.judging import LANGUAGE
from verif.evaluation.scores import UNKNOWN, outcomes
from verif.evaluation.texture import risen, texture
from verif.stats import PairedResult, bootstrap_mean, holm, paired_bootstrap
from verif.types import Status

JUDGEMENT = "rule:judgement:"
"""How the parts that decide about a judge's own answers begin."""
ORDER = "order"
"""Names of the benchmarks in the recipe's order, in evaluation.json: its keys are sorted, and the first is the headline."""
MAIN = "t1"
"""The mode in which training samples, and in which headline numbers are given; greedy stands beside it."""


def in_order(evaluation: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The benchmarks of an evaluation in the recipe's order: the first is the headline. An older file has only its keys'."""
    measured = evaluation.get("benchmarks") or {}
    order = [name for name in evaluation.get(ORDER) or () if name in measured]
    return {name: measured[name] for name in (*order, *(name for name in measured if name not in order))}


def summarise(
    benchmark: Benchmark, cases: Sequence[Case], rows: Sequence[VerdictRow], samples: int, seed: int
) -> dict[str, Any]:
    """All numbers of one benchmark. Models are before, after and, where it was run, control."""
    split: dict[tuple[str, str], list[VerdictRow]] = defaultdict(list)
    for row in rows:
        split[row.model, row.mode].append(row)
    out: dict[str, Any] = {"n": len(cases), "judging": benchmark.judging, "title": benchmark.title}
    for model in dict.fromkeys(row.model for row in rows):
        main = split.get((model, MAIN)) or []
        scores = {k: v.as_dict() for k, v in benchmark.score(cases, main, samples, seed).items()}
        numbers: dict[str, Any] = {
            "strict": scores["prompt_strict"],
            "scores": scores,
            **_form(main, samples, seed),
        }
        if greedy := split.get((model, "greedy")):
            scored = benchmark.score(cases, greedy, samples, seed)
            numbers["greedy"] = scored["prompt_strict"].as_dict()
            numbers["greedy_scores"] = {k: v.as_dict() for k, v in scored.items()}
            numbers["greedy_form"] = _form(greedy, samples, seed)
        out[model] = numbers
    for name, mode, first, second in (
        ("gain", MAIN, "before", "after"),
        ("gain_greedy", "greedy", "before", "after"),
        ("control_gain", MAIN, "before", "control"),
        ("control_gain_greedy", "greedy", "before", "control"),
        ("gain_over_control", MAIN, "control", "after"),
    ):
        if (first, mode) in split and (second, mode) in split:
            out[name] = paired(split[first, mode], split[second, mode], samples, seed).as_dict()
    if benchmark.judging == "rules" and any(row.part.startswith(JUDGEMENT) for row in rows):
        out["judge"] = {
            f"{first} to {second}, {mode}": {
                name: result.as_dict()
                for name, result in changes(split[first, mode], split[second, mode], samples, seed).items()
            }
            for first, second in (("before", "after"), ("before", "control"), ("control", "after"))
            for mode in (MAIN, "greedy")
            if (first, mode) in split and (second, mode) in split
        }
    if ("before", MAIN) in split and ("after", MAIN) in split:
        out["families"] = families(split["before", MAIN], split["after", MAIN], samples, seed)
    return out


def paired(
    before: Sequence[VerdictRow], after: Sequence[VerdictRow], samples: int, seed: int
) -> PairedResult:
    """Whole prompts followed, after minus before, over the prompts known in both."""
    first = {o.id: o for o in outcomes(before) if o.known}
    both = [(first[o.id], o) for o in outcomes(after) if o.known and o.id in first]
    return paired_bootstrap(
        [a.followed for a, _ in both],
        [b.followed for _, b in both],
        [b.cluster for _, b in both],
        samples,
        seed,
    )


def families(
    before: Sequence[VerdictRow], after: Sequence[VerdictRow], samples: int, seed: int
) -> dict[str, Any]:
    """Per constraint type: both shares and the paired gain, its p-value corrected over the types (Holm)."""
    values: dict[str, list[tuple[float, float, str]]] = defaultdict(list)
    first = {(r.id, r.index, r.variant): r for r in before}
    for row in after:
        other = first.get((row.id, row.index, row.variant))
        if other and row.variant == "strict" and row.status not in UNKNOWN and other.status not in UNKNOWN:
            pair = (float(other.status == Status.PASS), float(row.status == Status.PASS), row.cluster)
            values[row.family].append(pair)
    out: dict[str, Any] = {}
    for name in sorted(values):
        old, new, clusters = (list(column) for column in zip(*values[name], strict=True))
        out[name] = {
            "before": _within(0, bootstrap_mean(old, clusters, samples, seed).as_dict()),  # type: ignore[arg-type]
            "after": _within(0, bootstrap_mean(new, clusters, samples, seed).as_dict()),  # type: ignore[arg-type]
            "gain": _within(-1, paired_bootstrap(old, new, clusters, samples, seed).as_dict()),  # type: ignore[arg-type]
        }
    adjusted = holm([comparison["gain"]["p_value"] for comparison in out.values()])
    for comparison, p_value in zip(out.values(), adjusted, strict=True):
        comparison["gain"]["p_holm"] = p_value
    return out


def _within(least: float, cell: dict[str, Any]) -> dict[str, Any]:
    """The interval inside what is possible (at most 1): verdicts of one source alone leave all of that open."""
    return cell | {"low": max(least, cell["low"]), "high": min(1.0, cell["high"])}


def _form(rows: Sequence[VerdictRow], samples: int, seed: int) -> dict[str, Any]:
    """Length, truncation, emptiness, sameness, and grammaticality (local world) or repetition: where a hacked reward shows."""
    first: dict[str, VerdictRow] = {}
    for row in rows:
        first.setdefault(row.id, row)
    answers = list(first.values())
    clusters = [row.cluster for row in answers]

    def mean(values: list[float]) -> dict[str, float]:
        return bootstrap_mean(values, clusters, samples, seed).as_dict()

    form: dict[str, Any] = {
        "length": mean([float(row.tokens) for row in answers]),
        "unfinished": mean([float(not row.finished) for row in answers]),
        "empty": mean([float(not row.response.strip()) for row in answers]),
        "distinct": len({row.response for row in answers}) / max(1, len(answers)),
        "unknown_prompts": sum(not outcome.known for outcome in outcomes(rows)),
    }
    language = [row for row in rows if row.family == LANGUAGE and row.index == -1]
    if language:
        form["grammatical"] = bootstrap_mean(
            [float(row.status == Status.PASS) for row in language],
            [row.cluster for row in language],
            samples,
            seed,
        ).as_dict()
    else:
        form |= texture([(row.prompt, row.response) for row in answers])
    return form


def warnings(name: str, numbers: dict[str, Any]) -> list[str]:
    """Answers that say nothing, or always the same: no number above them means anything."""
    out = []
    for model in ("before", "after", "control"):
        own = numbers.get(model)
        if not own:
            continue
        if own["empty"]["value"] > 0.5:
            out.append(
                f"{name}: the {model} model answers nothing to {own['empty']['value']:.0%} of the prompts."
            )
        elif numbers["n"] >= 20 and own["distinct"] < 0.1:
            out.append(
                f"{name}: the {model} model gives {own['distinct']:.0%} distinct answers; it repeats itself."
            )
        if own["unknown_prompts"]:
            out.append(
                f"{name}: {own['unknown_prompts']} prompts of the {model} model have an errored verdict."
            )
    return out + risen(name, numbers.get("before", {}), numbers.get("after", {}))
