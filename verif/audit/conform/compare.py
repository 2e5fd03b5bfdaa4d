"""A target's verdicts beside published ones: counted by rule, with intervals, and the cases that differ kept.

Loose verdicts are made here, of the target's strict ones on the variants of a response, as IFEval makes them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from verif.audit.conform.published import Question
from verif.audit.conform.targets import AskedTarget, CheckerAnswer, Kind, said
from verif.core.text import Doc
from verif.stats import Interval, proportion

PATIENCE = 5
"""Questions in a row that may hang or end the target; then the rest is not asked."""


@dataclass(frozen=True, slots=True)
class ComparedCase:
    """A question and what the target said to it."""

    question: Question
    said: CheckerAnswer

    @property
    def wrong(self) -> bool:
        """A verdict, and another one than the published."""
        return self.said.decided and (self.said.kind == "followed") != self.question.followed

    def as_dict(self) -> dict[str, Any]:
        """For a line of JSON."""
        question = self.question
        return {
            "file": str(question.where.file), "row": question.where.row, "rule": question.rule, "params": question.params,
            "published": "followed" if question.followed else "not followed", "said": self.said.kind,
            "detail": self.said.detail, "response": question.response,
        }  # fmt: skip


@dataclass(slots=True)
class Tally:
    """Counts of one rule's, or of all, questions."""

    kinds: Counter[Kind] = field(default_factory=Counter)
    wrong: int = 0

    def add(self, case: ComparedCase) -> None:
        """Count a question."""
        self.kinds[case.said.kind] += 1
        self.wrong += case.wrong

    @property
    def asked(self) -> int:
        """All questions."""
        return sum(self.kinds.values())

    @property
    def decided(self) -> int:
        """Those that got a verdict."""
        return self.kinds["followed"] + self.kinds["not followed"]

    @property
    def share(self) -> Interval:
        """Wrong ones of the decided, with a 95% Wilson interval."""
        return proportion(self.wrong, self.decided)


def cases(
    questions: Iterable[Question], target: AskedTarget, *, loose: bool = False
) -> Iterator[ComparedCase]:
    """What the target says to each question, in order."""
    failures = 0
    for question in questions:
        if failures >= PATIENCE:
            yield ComparedCase(
                question, CheckerAnswer("not asked", f"it hung or ended {PATIENCE} times in a row")
            )
            continue
        answer = _asked(question, target, loose)
        failures = failures + 1 if answer.kind in ("hung", "ended") else 0
        yield ComparedCase(question, answer)


def _asked(question: Question, target: AskedTarget, loose: bool) -> CheckerAnswer:
    """The verdict; loosely the first variant that passes decides, and otherwise what was said to the response itself."""
    texts = [question.response]
    if loose:
        texts += [doc.text for doc in Doc(question.response).variants if doc.text != question.response]
    own: CheckerAnswer | None = None
    for text in texts:
        asked = {
            "rule": question.rule, "params": question.params, "prompt": question.prompt, "response": text,
        }  # fmt: skip
        answer = said(target.ask(asked))
        if answer.kind != "not followed":
            return answer
        own = own or answer
    assert own is not None
    return own
