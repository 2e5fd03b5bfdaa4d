"""`python -m verif.audit.second_process`: the audit's second process. Reads a job on standard input, writes statuses.

It shares nothing with the first one but the service: another interpreter, another hash seed, another
connection. Rules are decided here, in this process, and not by the service.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from verif.audit.cases import AuditCase, ask, statuses
from verif.core.answer import answer_of
from verif.types import Formula, Instruction, Item, Reasoning, Reward, RuleConstraint, Status, Verification


@dataclass(frozen=True, slots=True)
class Recheck:
    """What to ask again, of a policy that reasons in a format. `url` is the service's, or None to decide rules only."""

    cases: tuple[tuple[Instruction, str], ...]
    formula: Formula
    soft: bool
    url: str | None
    reasoning: Reasoning = "auto"

    @classmethod
    def of(
        cls,
        cases: Sequence[AuditCase],
        formula: Formula,
        *,
        soft: bool,
        url: str | None,
        reasoning: Reasoning = "auto",
    ) -> Recheck:
        """The job for these cases."""
        return cls(tuple((case.instruction, case.text) for case in cases), formula, soft, url, reasoning)

    def dump(self) -> bytes:
        """As JSON."""
        rows = [[instruction.model_dump(mode="json"), text] for instruction, text in self.cases]
        rest = {"formula": self.formula, "soft": self.soft, "url": self.url, "reasoning": self.reasoning}
        return orjson.dumps({"cases": rows, **rest})

    @classmethod
    def load(cls, data: bytes) -> Recheck:
        """From JSON."""
        raw: dict[str, Any] = orjson.loads(data)
        cases = tuple((Instruction.model_validate(instruction), text) for instruction, text in raw["cases"])
        return cls(cases, raw["formula"], raw["soft"], raw["url"], raw["reasoning"])


class RulesOnly:
    """The rules of an instruction, decided in this process on the answer that the service takes; the rest is skipped."""

    def __init__(self, *, reasoning: Reasoning = "auto") -> None:
        self.reasoning = reasoning

    async def verify(
        self,
        items: Sequence[Item],
        *,
        cache: bool = True,  # noqa: ARG002
        complete: bool = False,  # noqa: ARG002
    ) -> AsyncIterator[Verification]:
        """One verification per item."""
        from verif.core.checks import Rules as Decided
        from verif.core.text import Doc

        rules = Decided()
        for item in items:
            answer = answer_of(item.response, reasoning=self.reasoning)
            doc = Doc(answer.text)
            verdicts = [
                rules.verdict(constraint, index, answer, item.id, doc=doc)
                for index, constraint in enumerate(item.instruction.constraints)
                if isinstance(constraint, RuleConstraint)
            ]
            nothing = Reward(value=None, state="error", formula="")
            yield Verification(id=item.id, verdicts=tuple(verdicts), reward=nothing)


async def work(job: Recheck) -> list[list[str]]:
    """The status of every constraint of every case."""
    cases = [AuditCase(str(n), instruction, text, ()) for n, (instruction, text) in enumerate(job.cases)]
    reasoning = job.reasoning
    rules = RulesOnly(reasoning=reasoning)
    local = statuses(cases, await ask(rules, cases, job.formula, soft=False, reasoning=reasoning))
    if job.url is None:
        return [[status.value for status in row] for row in local]
    from verif.service.client import VerifierClient

    async with VerifierClient(job.url) as client:
        opinions = await ask(client, cases, job.formula, soft=job.soft, cache=False, reasoning=reasoning)
        served = statuses(cases, opinions)
    return [
        [(mine if mine is not Status.SKIPPED else theirs).value for mine, theirs in zip(a, b, strict=True)]
        for a, b in zip(local, served, strict=True)
    ]


def main() -> None:
    """Standard input to standard output."""
    rows = asyncio.run(work(Recheck.load(sys.stdin.buffer.read())))
    sys.stdout.buffer.write(orjson.dumps(rows))


if __name__ == "__main__":
    main()
