"""The same batch again, with the cache off: in another order, in other batches, and from a second process.

A rule or checker must never differ. A judge on a server that batches may, because sums come out in another
order; then the flip rate says how often, with its interval. A difference that is only an error on one side is
an outage, no flip, and is counted apart.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass

import orjson

from verif.audit.cases import AuditCase, Statuses, ask, statuses
from verif.audit.second_process import Recheck
from verif.core.verifies import Verifies
from verif.errors import ServiceError
from verif.stats import Interval, proportion
from verif.types import Formula, Reasoning, Status


@dataclass(frozen=True, slots=True)
class Determinism:
    """How many of `cases` got another verdict in at least one further run; `runs` names those."""

    flipped: int
    errors: int
    cases: int
    runs: tuple[str, ...]

    @property
    def flip_rate(self) -> Interval:
        """Share of cases with another verdict."""
        return proportion(self.flipped, self.cases)


def compare(runs: dict[str, Statuses]) -> Determinism:
    """Compare all runs with the first. A constraint that a run did not ask about (skipped) differs from nothing."""
    first, *others = runs.values()
    flipped = errors = 0
    for number, expected in enumerate(first):
        pairs = [pair for other in others for pair in zip(expected, other[number], strict=True)]
        decided = [pair for pair in pairs if not {Status.ERROR, Status.SKIPPED} & set(pair)]
        flipped += any(a is not b for a, b in decided)
        errors += any(Status.ERROR in pair for pair in pairs)
    return Determinism(flipped, errors, len(first), tuple(list(runs)[1:]))


async def measure(
    verifier: Verifies,
    cases: Sequence[AuditCase],
    formula: Formula,
    *,
    soft: bool,
    url: str | None,
    reasoning: Reasoning = "auto",
) -> Determinism:
    """Ask four times: as given, backwards in small batches, once more, and from a second process.

    The second process asks the service at `url` (if any) and decides the rules by itself, under another hash seed.
    """

    async def once(some: Sequence[AuditCase]) -> Statuses:
        opinions = await ask(verifier, some, formula, soft=soft, cache=False, reasoning=reasoning)
        return statuses(some, opinions)

    runs = {"first": await once(cases)}
    backwards = list(reversed(cases))
    size = max(1, len(cases) // 3)
    batches = [backwards[i : i + size] for i in range(0, len(backwards), size)]
    answers = [status for batch in batches for status in await once(batch)]
    runs["backwards, in three batches"] = answers[::-1]
    runs["again"] = await once(cases)
    job = Recheck.of(cases, formula, soft=soft, url=url, reasoning=reasoning)
    runs["second process"] = await _second_process(job)
    return compare(runs)


async def _second_process(job: Recheck) -> Statuses:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "verif.audit.second_process",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONHASHSEED": "12345"},
    )
    out, err = await process.communicate(job.dump())
    if process.returncode:
        last = err.decode(errors="replace").strip().splitlines()[-1:] or ["no message"]
        raise ServiceError(f"the audit's second process ended with code {process.returncode}: {last[0]}")
    return [[Status(status) for status in row] for row in orjson.loads(out)]
