"""All benchmarks by name, and where a recipe's benchmark has its rows.

A module of `verif/evaluation/benchmarks` is read when a benchmark is first asked for: what it defines is known.
"""

from __future__ import annotations

import difflib
import importlib
import pkgutil
from functools import cache
from pathlib import Path

from verif.data.benchmark_files import PREPARED
from verif.data.hub import fetch_file
from verif.errors import RecipeError
from verif.evaluation.case import Benchmark, Case
from verif.system import plugins

_PACKAGE = "verif.evaluation.benchmarks"
_ADDED: dict[str, Benchmark] = {}
SPLITS = {
    "world-test": "test.parquet",
    "world-unseen": "unseen.parquet",
    "sums-test": "test.parquet",
    "held-back": "test.parquet",
    "composed-unseen": "unseen.parquet",
    "judge-test": "test.parquet",
    "judge-unseen": "unseen.parquet",
    "judge-attacks": "unseen.parquet",
}
assert set(SPLITS) == set(PREPARED)


@cache
def _own() -> dict[str, Benchmark]:
    """Every benchmark that a module beside the others defines."""
    package = importlib.import_module(_PACKAGE)
    modules = [
        importlib.import_module(f"{_PACKAGE}.{m.name}") for m in pkgutil.iter_modules(package.__path__)
    ]
    return {b.name: b for module in modules for b in vars(module).values() if isinstance(b, Benchmark)}


def add_benchmark(benchmark: Benchmark) -> Benchmark:
    """A plugin's benchmark; a name that is taken is refused."""
    if benchmark.name in _own() or benchmark.name in _ADDED:
        raise ValueError(f"benchmark {benchmark.name!r} is registered twice")
    _ADDED[benchmark.name] = benchmark
    return benchmark


def benchmarks() -> dict[str, Benchmark]:
    """All benchmarks by name, those of plugins last."""
    plugins.load_known("verif.benchmarks")
    return {**_own(), **_ADDED}


def get(name: str) -> Benchmark:
    """The benchmark of that name; an unknown one names near misses."""
    known = benchmarks()
    if name not in known:
        near = difflib.get_close_matches(name, known, n=3) or list(known)
        raise RecipeError(f"unknown benchmark {name!r}.", f"Known: {', '.join(near)} (`verif bench list`).")
    return known[name]


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
