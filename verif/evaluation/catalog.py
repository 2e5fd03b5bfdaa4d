"""All benchmarks by name, and where a recipe's benchmark has its rows."""

from __future__ import annotations

import difflib
from pathlib import Path

from verif.data.hub import fetch_file
from verif.errors import RecipeError
from verif.evaluation.benchmarks.conversations import CFBENCH, SYSBENCH
from verif.evaluation.benchmarks.followbench import FOLLOWBENCH
from verif.evaluation.benchmarks.ifeval import IFEVAL, MULTI_IF
from verif.evaluation.benchmarks.world import HELD_BACK, TEST, UNSEEN
from verif.evaluation.case import Benchmark, Case
from verif.recipe import PREPARED

BENCHMARKS = {b.name: b for b in (TEST, UNSEEN, HELD_BACK, IFEVAL, MULTI_IF, FOLLOWBENCH, SYSBENCH, CFBENCH)}
SPLITS = {"world-test": "test.parquet", "world-unseen": "unseen.parquet", "held-back": "test.parquet"}
assert set(SPLITS) == set(PREPARED)


def get(name: str) -> Benchmark:
    """The benchmark of that name; an unknown one names near misses."""
    if name not in BENCHMARKS:
        near = difflib.get_close_matches(name, BENCHMARKS, n=3) or list(BENCHMARKS)
        raise RecipeError(f"unknown benchmark {name!r}.", f"Known: {', '.join(near)} (`verif bench list`).")
    return BENCHMARKS[name]


def load(
    name: str,
    path: str,
    data: Path,
    root: Path,
    limit: int | None = None,
    pinned: tuple[str, str, str] | None = None,
) -> list[Case]:
    """A benchmark's cases from its file (relative to the project's root) or the prepared split in `data`.

    With `pinned` (repository, revision, digest) the file is one of that hub repository.
    """
    benchmark = get(name)
    if pinned:
        where = fetch_file(f"benchmark {name!r}", path, *pinned)
    elif path:
        where = root / path
    elif name in SPLITS:
        where = data / SPLITS[name]
    else:
        raise RecipeError(
            f"benchmark {name!r} needs a file.",
            "Give its `path` in the recipe's evaluate.benchmarks, or pin it.",
        )
    cases = benchmark.load(where)
    return cases if limit is None else _first(cases, limit)


def _first(cases: list[Case], limit: int) -> list[Case]:
    """The first `limit` cases; a conversation is never cut in the middle of what a case follows."""
    kept = cases[:limit]
    ids = {case.id for case in kept}
    return [case for case in kept if not case.follows or case.follows in ids]
