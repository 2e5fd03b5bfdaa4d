"""Verify files: every row's hard constraints, in a stream, without a judge.

Rules run here; model-written checkers run in the sandbox, rows with the same instruction together; soft
constraints are skipped. Errors are errors: a check that could not be made is never a failed one. What is judged is
the answer behind a response's reasoning; a response without one is unscorable, which counts as not followed.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from verif.core.answer import Answer, answer_of
from verif.core.answers.maths import process_worker
from verif.core.answers.reference import reference_verdict
from verif.core.checks import checker_verdicts, rule_verdict
from verif.core.plan import unscorable
from verif.core.row_files import Coverage, OnBad
from verif.core.rows import Row
from verif.core.rules import get
from verif.core.text import Doc
from verif.errors import InputError
from verif.types import (
    CheckerConstraint,
    Constraint,
    Reasoning,
    ReferenceConstraint,
    Response,
    RuleConstraint,
    Status,
    Verdict,
)

if TYPE_CHECKING:
    from verif.core.sandbox.sandbox import Sandbox

_BATCH_ROWS = 64
_BATCH_CHARS = 8 << 20
_NO_JUDGE = "no judge was asked"
NOTHING = Answer("")


@dataclass(frozen=True, slots=True)
class Scored:
    """A row with one verdict per constraint, in the order of its constraints, and what was judged of its response."""

    row: Row
    verdicts: tuple[Verdict, ...]
    answer: Answer = NOTHING

    @property
    def followed(self) -> bool | None:
        """True if all passed, False if one failed or is unscorable, None if that is not known."""
        statuses = [verdict.status for verdict in self.verdicts]
        if Status.FAIL in statuses or Status.UNSCORABLE in statuses:
            return False
        return True if all(status is Status.PASS for status in statuses) else None


def score(
    rows: Iterable[Row], *, loose: bool = False, sandbox: Sandbox | None = None, reasoning: Reasoning = "auto"
) -> Iterator[Scored]:
    """Verdicts for every row, in order. Without a sandbox, checkers are skipped.

    Rows without checkers go straight through; others wait for up to 64 rows, so that responses to one
    instruction share a session. `reasoning` is the format of the policy's reasoning (`verif.core.reasoning`).

    >>> from verif import read_rows, score
    >>> [(scored.row.id, scored.followed) for scored in score(read_rows("examples/rows.jsonl"))]
    [('1', True), ('2', False)]
    """
    waiting: list[tuple[Row, Answer]] = []
    chars = 0
    for row in rows:
        answer = answer_of(Response(text=row.response or "", finished=row.finished), reasoning)
        if not waiting and not _checkers(row):
            yield _scored(row, answer, {}, loose)
            continue
        waiting.append((row, answer))
        chars += len(answer.text)
        if len(waiting) >= _BATCH_ROWS or chars >= _BATCH_CHARS:
            yield from _batch(waiting, loose, sandbox)
            waiting, chars = [], 0
    yield from _batch(waiting, loose, sandbox)


def _constraints(row: Row) -> tuple[Constraint, ...]:
    return row.instruction.constraints if row.instruction else ()


def _checkers(row: Row) -> list[int]:
    return [
        index
        for index, constraint in enumerate(_constraints(row))
        if isinstance(constraint, CheckerConstraint)
    ]


def _batch(rows: Sequence[tuple[Row, Answer]], loose: bool, sandbox: Sandbox | None) -> Iterator[Scored]:
    """Checkers of rows that share an instruction run as one group."""
    by_row: list[dict[int, Verdict]] = [{} for _ in rows]
    groups: dict[tuple[str, tuple[str, ...]], list[int]] = {}
    for position, (row, answer) in enumerate(rows):
        sources = tuple(c.source for c in _constraints(row) if isinstance(c, CheckerConstraint))
        if sources and sandbox is not None and not answer.hopeless:
            groups.setdefault((row.prompt, sources), []).append(position)
    for positions in groups.values():
        instruction = rows[positions[0]][0].instruction
        assert instruction is not None
        assert sandbox is not None
        grid = checker_verdicts(instruction, [rows[p][1].text for p in positions], sandbox, None)
        for position, verdicts in zip(positions, grid, strict=True):
            for index, verdict in zip(_checkers(rows[position][0]), verdicts, strict=True):
                by_row[position][index] = verdict.model_copy(update={"covers": (index,)})
    for (row, answer), checked in zip(rows, by_row, strict=True):
        yield _scored(row, answer, checked, loose)


def _scored(row: Row, answer: Answer, checked: dict[int, Verdict], loose: bool) -> Scored:
    doc = Doc(answer.text)
    verdicts = []
    for index, (constraint, params) in enumerate(zip(_constraints(row), row.params, strict=True)):
        if answer.hopeless:
            verdicts.append(unscorable(index, answer.hopeless))
        elif index in checked:
            verdicts.append(checked[index])
        elif isinstance(constraint, RuleConstraint):
            if params is None:
                verdicts.append(
                    Verdict(status=Status.ERROR, covers=(index,), reason=unknown(constraint.rule))
                )
                continue
            verdicts.append(rule_verdict(constraint, params, index, answer, doc=doc, loose=loose))
        elif isinstance(constraint, ReferenceConstraint):
            verdicts.append(reference_verdict(constraint, index, answer, process_worker()))
        else:
            reason = "checkers were not run" if isinstance(constraint, CheckerConstraint) else _NO_JUDGE
            verdicts.append(Verdict(status=Status.SKIPPED, covers=(index,), reason=reason))
    return Scored(row, tuple(verdicts), answer)


def unknown(rule: str) -> str:
    """Why a constraint of an unknown type cannot be decided; its name stands in front."""
    try:
        get(rule)
    except InputError as error:
        return str(error)
    return f"{rule} was not known when its row was read"


def scorable(
    rows: Iterable[Row], on_bad: OnBad | None = None, coverage: Coverage | None = None
) -> Iterator[Row]:
    """Rows that have both constraints and a response; any other is a bad row.

    With `coverage` an instruction without a response is no bad row: it is counted there.
    """
    for item in rows:
        problem = None
        if item.instruction is None:
            hint = (
                "Give the file of instructions first (verif score INSTRUCTIONS --responses THIS), or a reference answer"
                " as docs/answers.md has it."
            )
            problem = item.where.error("has no constraints and no reference answer", hint=hint)
        elif item.response is None and coverage is not None:
            coverage.miss(item)
            continue
        elif item.response is None:
            problem = item.where.error(
                "has no response", "response", "Give a file of responses with --responses."
            )
        if problem is None:
            if coverage is not None and item.sample == 0:
                coverage.answered += 1
            yield item
        elif on_bad is None:
            raise problem
        else:
            on_bad(problem)


# ---------------------------------------------------------------------------------------------- out
def line(scored: Scored) -> bytes:
    """The published form (docs/verdicts.schema.json): one JSON object and a newline."""
    item = scored.row
    value = {
        "id": item.id,
        "prompt": item.prompt,
        "response": item.response,
        "verdicts": [
            {
                "constraint": c.rule if isinstance(c, RuleConstraint) else c.text,
                "index": index,
                "status": verdict.status.value,
                "reason": verdict.reason,
                "evidence": verdict.evidence,
            }
            for index, (c, verdict) in enumerate(zip(_constraints(item), scored.verdicts, strict=True))
        ],
        "all": scored.followed,
    }
    return dumps(value)


def dumps(value: Any) -> bytes:
    """JSON and a newline; lone surrogates, which UTF-8 cannot hold, are written as escapes."""
    try:
        return orjson.dumps(value, option=orjson.OPT_APPEND_NEWLINE)
    except TypeError:
        return json.dumps(value, separators=(",", ":")).encode("ascii") + b"\n"
