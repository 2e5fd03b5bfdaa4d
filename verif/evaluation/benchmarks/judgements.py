"""A judge's own benchmarks: pairs whose truth is known by construction, those of untrained families, and attacked ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from verif.core.instruction_files import read_instructions
from verif.errors import InputError
from verif.evaluation.benchmarks.rows import distinct
from verif.evaluation.case import Benchmark, Case, Scores, VerdictRow
from verif.evaluation.judged_pairs import pair_scores
from verif.evaluation.scores import common

META, ATTACK = "judgement", "attack "
"""As `verif.data.judgements` and `verif.audit.attacked_pairs` write them."""


def _load(path: Path, wanted: Callable[[str], bool]) -> list[Case]:
    cases = []
    for number, item in enumerate(read_instructions(path), 1):
        told = item.meta.get(META)
        if not isinstance(told, dict):
            raise InputError(
                "the row is no question about a pair", file=path, row=number, field=f"meta.{META}",
                hint="These benchmarks are for recipes with `data.kind: judgements`.",
            )  # fmt: skip
        if wanted(str(told["construction"])):
            cases.append(Case(item, cluster=str(told["pair"]), labels=told))
    return distinct(cases, path)


def load_pairs(path: Path) -> list[Case]:
    """Both questions of every pair that no attack dressed up."""
    return _load(path, lambda construction: not construction.startswith(ATTACK))


def load_attacked(path: Path) -> list[Case]:
    """Both questions of the pairs whose false response an attack dressed up."""
    return _load(path, lambda construction: construction.startswith(ATTACK))


def score(cases: Sequence[Case], rows: Sequence[VerdictRow], samples: int, seed: int) -> Scores:
    """The common scores, where a followed prompt is a right answer, and those by pair."""
    return {**common(cases, rows, samples, seed), **pair_scores(rows, samples, seed)}


TEST = Benchmark(
    name="judge-test", title="Judgements by construction, other instructions", paper="arXiv 2505.10320",
    judging="rules", load=load_pairs, score=score, needs_file=False,
)  # fmt: skip
UNSEEN = Benchmark(
    name="judge-unseen", title="Judgements of constructions never trained on", paper="arXiv 2505.10320",
    judging="rules", load=load_pairs, score=score, needs_file=False,
)  # fmt: skip
ATTACKED = Benchmark(
    name="judge-attacks", title="Judgements of attacked responses", paper="docs/audit.md",
    judging="rules", load=load_attacked, score=score, needs_file=False,
)  # fmt: skip
