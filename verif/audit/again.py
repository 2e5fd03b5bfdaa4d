"""`python -m verif.audit.again`: the audit's second process. Reads a job on standard input, writes statuses.

It shares nothing with the first one but the service: another interpreter, another hash seed, another
connection. Rules are decided here, in this process, and not by the service.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from verif.audit.cases import Case, ask, statuses
from verif.reward import Formula
from verif.types import Instruction, Item, Reward, RuleConstraint, Status, Verdict, Verification


@dataclass(frozen=True, slots=True)
class Job:
    """What to ask again. `url` is the service's, or None to decide rules only."""

    cases: tuple[tuple[Instruction, str], ...]
    formula: Formula
    soft: bool
    url: str | None

    @classmethod
    def of(cls, cases: Sequence[Case], formula: Formula, *, soft: bool, url: str | None) -> Job:
        """The job for these cases."""
        return cls(tuple((case.instruction, case.text) for case in cases), formula, soft, url)

    def dump(self) -> bytes:
        """As JSON."""
        rows = [[instruction.model_dump(mode="json"), text] for instruction, text in self.cases]
        return orjson.dumps({"cases": rows, "formula": self.formula, "soft": self.soft, "url": self.url})

    @classmethod
    def load(cls, data: bytes) -> Job:
        """From JSON."""
        raw: dict[str, Any] = orjson.loads(data)
        cases = tuple((Instruction.model_validate(instruction), text) for instruction, text in raw["cases"])
        return cls(cases, raw["formula"], raw["soft"], raw["url"])


class Rules:
    """The rules of an instruction, decided in this process; everything else is skipped."""

    async def verify(
        self,
        items: Sequence[Item],
        *,
        cache: bool = True,  # noqa: ARG002
        complete: bool = False,  # noqa: ARG002
    ) -> AsyncIterator[Verification]:
        """One verification per item."""
        from verif.rules import check, get, validate
        from verif.text import Doc

        for item in items:
            doc, verdicts = Doc(item.response.text), []
            for index, constraint in enumerate(item.instruction.constraints):
                if isinstance(constraint, RuleConstraint):
                    ok = check(get(constraint.rule), doc, validate(constraint.rule, constraint.params)).ok
                    verdicts.append(Verdict(status=Status.PASS if ok else Status.FAIL, covers=(index,)))
            nothing = Reward(value=None, state="error", formula="")
            yield Verification(id=item.id, verdicts=tuple(verdicts), reward=nothing)


async def work(job: Job) -> list[list[str]]:
    """The status of every constraint of every case."""
    cases = [Case(str(n), instruction, text, ()) for n, (instruction, text) in enumerate(job.cases)]
    local = statuses(cases, await ask(Rules(), cases, job.formula, soft=False))
    if job.url is None:
        return [[status.value for status in row] for row in local]
    from verif.service.client import VerifierClient
    from verif.service.config import TOKEN_VARIABLE

    async with VerifierClient(job.url, os.environ.get(TOKEN_VARIABLE)) as client:
        served = statuses(cases, await ask(client, cases, job.formula, soft=job.soft, cache=False))
    return [
        [(mine if mine is not Status.SKIPPED else theirs).value for mine, theirs in zip(a, b, strict=True)]
        for a, b in zip(local, served, strict=True)
    ]


def main() -> None:
    """Standard input to standard output."""
    rows = asyncio.run(work(Job.load(sys.stdin.buffer.read())))
    sys.stdout.buffer.write(orjson.dumps(rows))


if __name__ == "__main__":
    main()
