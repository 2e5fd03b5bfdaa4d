"""The sums world's held-out questions: answers decided by their truth, whoever decided them in training."""

from __future__ import annotations

from pathlib import Path

from verif.data.sums.questions import sum_of
from verif.evaluation.benchmarks.world import load_split
from verif.evaluation.case import Benchmark, Case
from verif.evaluation.scores import common


def load(path: Path) -> list[Case]:
    """Cases of a prepared split; every row must carry its sum."""
    cases = load_split(path)
    for case in cases:
        sum_of(case.instruction)
    return cases


TEST = Benchmark(
    name="sums-test", title="Sums world, held-out questions", paper="docs/answers.md",
    judging="truth", load=load, score=common, needs_file=False,
)  # fmt: skip
