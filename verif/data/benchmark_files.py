"""The files of a recipe's benchmarks: whether they are there, and whether DVC would see that one has changed."""

from __future__ import annotations

from pathlib import Path

from verif.recipe import BENCHMARK_FILES, BenchmarkSource, Evaluate
from verif.system.files import digest_path

PREPARED = ("world-test", "world-unseen", "held-back", "judge-test", "judge-unseen", "judge-attacks")
"""Benchmarks whose rows `prepare` makes."""


def without_rows(section: Evaluate, root: Path) -> dict[str, str]:
    """Benchmarks at which an evaluation in `root` would stop, by name, and what is wrong with their files."""
    wrong = {}
    for one in section.benchmarks:
        if not one.path and one.name not in PREPARED:
            wrong[one.name] = "the recipe names no file"
        elif one.path and not one.repo and (why := _wrong(one, root)):
            wrong[one.name] = why
    return wrong


def _wrong(one: BenchmarkSource, root: Path) -> str:
    path = root / one.path
    if not path.exists():
        return f"{one.path} does not exist"
    if one.digest:
        got = digest_path(path)
        return "" if got == one.digest else f"{one.path} has digest {got}, the recipe names {one.digest}"
    if not path.resolve().is_relative_to((root / BENCHMARK_FILES).resolve()):
        return f"{one.path} lies outside {BENCHMARK_FILES}/, where DVC looks for changes; its digest is {digest_path(path)}"
    return ""
