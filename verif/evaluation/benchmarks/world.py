"""The prepared parquet splits: the local world's and the composed tasks' held-out sets, and a recipe's held-back rows."""

from __future__ import annotations

from pathlib import Path

from verif.core.instruction_files import read_instructions
from verif.errors import InputError
from verif.evaluation.benchmarks.rows import distinct
from verif.evaluation.case import Benchmark, Case
from verif.evaluation.scores import common


def load_split(path: Path) -> list[Case]:
    """Cases of a prepared split; rows with the same `source` are one cluster."""
    cases = [Case(item, cluster=str(item.meta.get("source", item.id))) for item in read_instructions(path)]
    return distinct(cases, path)


def load_world(path: Path) -> list[Case]:
    """As `load_split`, but every row must carry the world's truth."""
    cases = load_split(path)
    for number, case in enumerate(cases, 1):
        if "world" not in case.instruction.meta:
            raise InputError("the row is not of the local world", file=path, row=number, field="meta.world")
    return cases


TEST = Benchmark(
    name="world-test", title="Local world, held-out sets of constraints", paper="docs/world.md",
    judging="truth", load=load_world, score=common, needs_file=False,
)  # fmt: skip
UNSEEN = Benchmark(
    name="world-unseen", title="Local world, constraint types never trained on", paper="docs/world.md",
    judging="truth", load=load_world, score=common, needs_file=False,
)  # fmt: skip
HELD_BACK = Benchmark(
    name="held-back", title="Held-back rows of the recipe's data, judged by the verifier", paper="",
    judging="verifier", load=load_split, score=common, needs_file=False,
)  # fmt: skip
COMPOSED_UNSEEN = Benchmark(
    name="composed-unseen", title="Composed tasks, constraint types never trained on", paper="",
    judging="rules", load=load_split, score=common, needs_file=False,
)  # fmt: skip
