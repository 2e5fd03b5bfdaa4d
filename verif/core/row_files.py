"""Files of rows, read as a stream: every kind of file (`verif.core.containers`), every form (`verif.core.rows`).

Memory stays bounded by the longest line or batch. A row that cannot be read is an error, or, with `on_bad`, is reported and
skipped.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from verif.core.containers.values import values
from verif.core.rows import Row, Where, parse, rows
from verif.errors import InputError

OnBad = Callable[[InputError], None]


@dataclass(slots=True)
class Coverage:
    """How many instructions got a response, how many none, and where the first of those stands."""

    answered: int = 0
    missing: int = 0
    first: str = ""

    def miss(self, row: Row) -> None:
        """Count an instruction without a response."""
        self.missing += 1
        self.first = self.first or f"{row.where.file}, row {row.where.row}"


def read_rows(path: Path | str, on_bad: OnBad | None = None, *, strict_types: bool = True) -> Iterator[Row]:
    """Rows of a file, a folder of shards, or of standard input (`-`), one for each response.

    Without `on_bad` the first bad row raises. With `strict_types` a constraint of an unknown type makes a bad row;
    without, its parameters are None and scoring it is an error.

    >>> from verif import read_rows
    >>> [(row.id, row.response) for row in read_rows("examples/rows.jsonl")]
    [('1', 'The boats are in. The gulls are loud.'), ('2', 'Boats, gulls, nets.')]
    """
    for file, number, value in values(str(path)):
        where = Where(file, number)
        try:
            yield from rows(_raw(value, where), where, strict_types=strict_types)
        except InputError as error:
            if on_bad is None:
                raise
            on_bad(error)


def raw_rows(path: Path | str) -> Iterator[tuple[Where, Any]]:
    """The same rows as they stand, for readers that want more fields of them; the first unreadable one raises."""
    for file, number, value in values(str(path)):
        where = Where(file, number)
        yield where, _raw(value, where)


def _raw(value: Any, where: Where) -> Any:
    if isinstance(value, InputError):
        raise value
    return parse(value, where) if isinstance(value, bytes) else value


def join(
    instructions: Path | str,
    responses: Path | str,
    on_bad: OnBad | None = None,
    *,
    coverage: Coverage | None = None,
    strict_types: bool = True,
) -> Iterator[Row]:
    """Rows of two files joined by prompt: the instructions are held in memory, the responses stream.

    An instruction may have several responses, and several instructions may share a prompt. A response whose
    prompt is unknown is a bad row. `coverage` is filled at the end.
    """
    known: dict[str, list[Row]] = {}
    for item in read_rows(instructions, on_bad, strict_types=strict_types):
        if item.instruction is None:
            _bad(
                item.where.error("has no constraints", hint="The first file holds the instructions."), on_bad
            )
        elif item.sample == 0:
            known.setdefault(item.prompt, []).append(item)
    answered: set[str] = set()
    for item in read_rows(responses, on_bad, strict_types=strict_types):
        matches = known.get(item.prompt, [])
        if item.response is None:
            _bad(item.where.error("has no response", "response"), on_bad)
        elif not matches:
            _bad(item.where.error(f"no instruction of {instructions} has this prompt", "prompt"), on_bad)
        else:
            answered.add(item.prompt)
            for match in matches:
                yield replace(
                    match, where=item.where, response=item.response, finished=item.finished,
                    sample=item.sample, samples=item.samples,
                )  # fmt: skip
    if coverage is not None:
        for match in (match for matches in known.values() for match in matches):
            if match.prompt in answered:
                coverage.answered += 1
            else:
                coverage.miss(match)


def _bad(problem: InputError, on_bad: OnBad | None) -> None:
    if on_bad is None:
        raise problem
    on_bad(problem)
