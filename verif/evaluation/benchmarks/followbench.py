"""FollowBench (Jiang et al., arXiv 2310.20410): instructions that gain one constraint per level, 1 to 5.

HSR at level n: the share of instructions all of whose n constraints are met; SSR: the mean share met; CSL: per
example, how many levels from 1 on are met without a gap (sec. 3.4). The data names no constraint: what a level added
is told from the levels before it. So the judge is asked once per added step, with the earlier wording beside
the later one, as the paper's own judge prompt does. Rows with a reference (example-type ones, and sources with one
answer) are decided by it and count as one constraint (`references`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import orjson

from verif.errors import InputError
from verif.evaluation.benchmarks import references
from verif.evaluation.benchmarks.rows import distinct, need, read_rows
from verif.evaluation.case import REFERENCE, Benchmark, Case, Scores, VerdictRow
from verif.evaluation.scores import PromptResult, common, mean_of, outcomes
from verif.stats import Interval, bootstrap_mean, macro
from verif.types import Constraint, Instruction, ReferenceConstraint, SoftConstraint

LEVELS = (1, 2, 3, 4, 5)


def load(path: Path) -> list[Case]:
    """The cases of one category's file, or of every `*_constraints.json` of a folder."""
    if not path.is_dir():
        return _category(path)
    files = sorted(path.glob("*_constraints.json*"))
    if not files:
        raise InputError("the folder holds no *_constraints.json", file=path)
    return [case for file in files for case in _category(file)]


def _category(path: Path) -> list[Case]:
    """Rows `{example_id, category, source, level, instruction, target}` of one category file."""
    groups: dict[tuple[str, int], dict[int, dict[str, Any]]] = defaultdict(dict)
    decided: dict[tuple[str, int, int], tuple[str, ReferenceConstraint]] = {}
    kind = path.stem.removesuffix("_constraints")
    for number, row in read_rows(path):
        example, level = need(row, "example_id", int, path, number), need(row, "level", int, path, number)
        need(row, "instruction", str, path, number)
        need(row, "category", str, path, number)
        if level not in (0, *LEVELS):
            raise InputError(f"level {level} is not 0 to 5", file=path, row=number, field="level")
        if level in groups[(kind, example)]:
            raise InputError(
                f"level {level} of example {example} comes twice", file=path, row=number, field="level"
            )
        groups[(kind, example)][level] = row
        if reference := _reference(kind, row, path, number):
            decided[(kind, example, level)] = reference
    cases = []
    for (category, example), levels in groups.items():
        for level in sorted(set(levels) & set(LEVELS)):
            reference = decided.get((category, example, level))
            cases.append(_case(category, example, level, levels, reference))
    return distinct(cases, path)


def _case(
    category: str,
    example: int,
    level: int,
    levels: dict[int, dict[str, Any]],
    reference: tuple[str, ReferenceConstraint] | None,
) -> Case:
    source = f"{category}/{example}"
    item = Instruction(
        id=f"{source}/{level}",
        prompt=levels[level]["instruction"],
        constraints=(reference[1],) if reference else _steps(category, level, levels),
    )
    labels = {"level": level, "category": category}
    return Case(item, cluster=source, labels=labels | ({REFERENCE: reference[0]} if reference else {}))


def _reference(
    category: str, row: dict[str, Any], path: Path, number: int
) -> tuple[str, ReferenceConstraint] | None:
    """How a row's reference decides and which it is; None where a judge must."""
    if category == "example":
        template = need(row, "target", str, path, number).removeprefix("{instruction}\n")
        if "{answer}" not in template:
            raise InputError("the form has no {answer}", file=path, row=number, field="target")
        return references.FORM, ReferenceConstraint(
            text="Answer in the form of the examples.", answer=template
        )
    if (source := str(row.get("source", ""))) in references.SOURCES:
        target = need(row, "target", str, path, number)
        return source, ReferenceConstraint(text="Give the reference's answer.", answer=target)
    return None


def _steps(category: str, level: int, levels: dict[int, dict[str, Any]]) -> tuple[Constraint, ...]:
    return tuple(
        SoftConstraint(
            text=(
                f"Meets what the later wording asks beyond the earlier one. Earlier: {_wording(levels, step - 1)!r} "
                f"Later: {_wording(levels, step)!r}"
            ),
            dimension=category,
        )
        for step in range(1, level + 1)
        if step in levels
    )


def _wording(levels: dict[int, dict[str, Any]], level: int) -> str:
    return str(levels[level]["instruction"]) if level in levels else ""


def score(cases: Sequence[Case], rows: Sequence[VerdictRow], samples: int, seed: int) -> Scores:
    """HSR and SSR per level and over the levels, and CSL; the example is the cluster.

    The plain names are micro averages: each prompt weighs the same. `_macro` is the mean over the categories, as in
    the paper's tables; a category's own scores end in its name.
    """
    results = outcomes(rows)
    scores = _measures(results, samples, seed)
    by_category: dict[str, list[PromptResult]] = defaultdict(list)
    for outcome in results:
        by_category[str(orjson.loads(outcome.labels).get("category", ""))].append(outcome)
    parts = {name: _measures(own, samples, seed) for name, own in sorted(by_category.items()) if name}
    if parts:
        means = {name: macro([own[name] for own in parts.values() if name in own]) for name in scores}
        scores |= {f"{name}_macro": mean for name, mean in means.items()}
    for category, own in parts.items():
        scores |= {f"{name}_{category}": own[name] for name in ("hsr", "ssr", "csl")}
    return {**scores, **common(cases, rows, samples, seed)}


def _measures(results: Sequence[PromptResult], samples: int, seed: int) -> dict[str, Interval]:
    scores: dict[str, Interval] = {}
    by_level: dict[int, list[PromptResult]] = defaultdict(list)
    for outcome in results:
        by_level[int(orjson.loads(outcome.labels)["level"])].append(outcome)
    for level in LEVELS:
        if by_level[level]:
            scores[f"hsr_{level}"] = mean_of(by_level[level], lambda o: o.followed, samples, seed)
            scores[f"ssr_{level}"] = mean_of(by_level[level], lambda o: o.share, samples, seed)
    scores["hsr"] = mean_of(results, lambda o: o.followed, samples, seed)
    scores["ssr"] = mean_of(results, lambda o: o.share, samples, seed)
    levels = csl(results)
    scores["csl"] = bootstrap_mean(list(levels.values()), list(levels), samples, seed, most=max(LEVELS))
    return scores


def csl(results: Sequence[PromptResult]) -> dict[str, float]:
    """Consecutive satisfied levels by example; an example with an unknown level before its first failure is left out."""
    examples: dict[str, dict[int, PromptResult]] = defaultdict(dict)
    for outcome in results:
        examples[outcome.cluster][int(orjson.loads(outcome.labels)["level"])] = outcome
    out = {}
    for example, levels in examples.items():
        run: float | None = 0.0
        for level in LEVELS:
            if level not in levels:
                break
            if not levels[level].known:
                run = None
                break
            if not levels[level].followed:
                break
            run = float(level)
        if run is not None:
            out[example] = run
    return out


FOLLOWBENCH = Benchmark(
    name="followbench", title="FollowBench: one constraint more per level", paper="arXiv 2310.20410",
    judging="verifier", load=load, score=score,
    note="hsr, ssr and csl weigh every prompt alike; the paper's tables are *_macro, the mean over categories.",
)  # fmt: skip
