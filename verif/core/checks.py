"""The one engine that decides hard constraints: rules here, strict or loose, model-written checkers in the sandbox.

`verify`, the verifier and its service, `verif score`, the evaluation and the audit all ask it, always about an
answer (`verif.core.answer`), so that the same bytes get the same verdict wherever they come in.
Rules are cheaper than a look-up in the cache, so they are always computed (once per distinct rule,
parameters and answer of a batch). Checkers go to the sandbox by instruction: one feed for a group of
rollouts; their verdicts are cached.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Sequence
from typing import Any, Protocol

import orjson

from verif.core.answer import Answer
from verif.core.answers.check import check_reference
from verif.core.cache import VerdictCache
from verif.core.plan import unscorable
from verif.core.rules import Outcome, Params, Rule, check, get, validate
from verif.core.text import Doc
from verif.errors import InputError, SandboxError
from verif.system.bounded import Memo
from verif.system.files import digest
from verif.types import (
    CheckerConstraint,
    Constraint,
    Cost,
    Instruction,
    Item,
    ReferenceConstraint,
    RuleConstraint,
    Status,
    Verdict,
)

log = logging.getLogger("verif.service.build")

PARAMS_BYTES = 64 << 20
"""Of validated parameters kept: they come from whoever asks, and each may be as large as a request."""

MAX_REASON, MAX_EVIDENCE = 1000, 100
"""Characters of a rule's reason, and entries of its evidence: both may name every parameter."""
Said = dict[tuple[bool, str, str], Verdict]
"""A rule's verdicts at one place by outcome, reason and evidence: those that say the same are one object."""


class Checks(Protocol):
    """What is needed of `verif.core.sandbox.sandbox.Sandbox`."""

    version: str

    def check_group(self, instruction: str, sources: Sequence[str], responses: Sequence[str]) -> Any:
        """Results indexed `[response][source]`."""
        ...

    def close(self) -> None:
        """End the workers."""
        ...


class Rules:
    """Rule verdicts; parameters are validated once per distinct constraint."""

    def __init__(self) -> None:
        self._params: Memo[tuple[str, bytes], Any] = Memo(PARAMS_BYTES)

    def params(self, constraint: RuleConstraint, item_id: str) -> Any:
        """Typed parameters, or an `InputError` that names the item."""
        try:
            key = (constraint.rule, orjson.dumps(constraint.params, option=orjson.OPT_SORT_KEYS))
            if b"null" in key[1]:
                json.dumps(constraint.params, allow_nan=False)  # orjson writes NaN and infinity as null too
        except (TypeError, ValueError):  # also a number beyond 64 bits, which no rule takes; a lone surrogate
            return _validated(constraint, item_id)
        value = self._params.get(key)
        if value is None:
            value = _validated(constraint, item_id)
            self._params.put(key, value, 6 * len(key[1]) + 1000)  # typed, they are larger than as JSON
        return value

    def check_item(self, item: Item) -> None:
        """`InputError` if a rule is unknown, its parameters are wrong, or a reference is none."""
        for constraint in item.instruction.constraints:
            if isinstance(constraint, RuleConstraint):
                self.params(constraint, item.id)
            elif isinstance(constraint, ReferenceConstraint):
                check_reference(constraint, file=f"item {item.id!r}")

    def verdict(
        self,
        constraint: RuleConstraint,
        index: int,
        answer: Answer,
        item_id: str,
        doc: Doc | None = None,
        *,
        loose: bool = False,
    ) -> Verdict:
        """`rule_verdict` with the parameters validated here."""
        params = self.params(constraint, item_id)
        return rule_verdict(constraint, params, index, answer, doc=doc, loose=loose)


def rule_verdict(
    constraint: RuleConstraint,
    params: Params,
    index: int,
    answer: Answer,
    *,
    doc: Doc | None = None,
    loose: bool = False,
) -> Verdict:
    """What a rule says of an answer (`doc`: its segmentation, where there is one already).

    Nothing is decided where there is no answer: that is unscorable. A rule that breaks is an error, never a fail.
    """
    if answer.hopeless:
        return unscorable(index, answer.hopeless)
    return decided(get(constraint.rule), params, index, doc or Doc(answer.text), loose=loose)


def decided(
    spec: Rule, params: Params, index: int, doc: Doc, *, loose: bool = False, said: Said | None = None
) -> Verdict:
    """`rule_verdict` where the rule is at hand and there is an answer; `said`: what it said there so far."""
    try:
        outcome = check(spec, doc, params, loose=loose)
        key = outcome.ok, outcome.reason, repr(outcome.evidence)
        verdict = None if said is None else said.get(key)
        if verdict is None:
            verdict = _verdict(spec, index, outcome)
            if said is not None:
                said[key] = verdict
    except Exception as error:
        log.exception("rule %s failed", spec.id)
        reason = f"{spec.id} could not be checked: {type(error).__name__}: {error}"
        return Verdict(status=Status.ERROR, covers=(index,), reason=reason[:300], part=spec.part)
    return verdict


def _verdict(spec: Rule, index: int, outcome: Outcome) -> Verdict:
    if not isinstance(outcome, Outcome) or type(outcome.ok) is not bool:
        raise TypeError(f"the rule returned {outcome!r:.200}, no `Outcome` that is true or false")
    return Verdict(
        status=Status.PASS if outcome.ok else Status.FAIL,
        covers=(index,),
        reason=outcome.reason[:MAX_REASON],
        evidence={
            name: value if isinstance(value, int) else _brief(value)
            for name, value in outcome.evidence.items()
        },
        part=spec.part,
    )


def _brief(value: Any) -> Any:
    """Evidence that a reader wants: of a list that is as long as a request the beginning."""
    if isinstance(value, list | tuple):
        return [entry[:MAX_REASON] if isinstance(entry, str) else entry for entry in value[:MAX_EVIDENCE]]
    return value[:MAX_REASON] if isinstance(value, str) else value


def _validated(constraint: RuleConstraint, item_id: str) -> Any:
    try:
        return validate(constraint.rule, constraint.params)
    except InputError as error:
        raise InputError(f"item {item_id!r}: {error.problem}", field=error.field, hint=error.hint) from None


def checker_part(source: str, sandbox_version: str) -> str:
    """The identity of a checker: its code and the sandbox that runs it."""
    return f"checker:{digest([source, sandbox_version])}"


def checker_verdicts(
    instruction: Instruction, answers: Sequence[str], sandbox: Checks, cache: VerdictCache | None
) -> list[list[Verdict]]:
    """Verdicts of the instruction's checkers on distinct answers, as `[answer][checker]`.

    What the cache knows is not run; what it does not know is run for all answers that lack it, in one feed.
    """
    chosen = [
        (index, c) for index, c in enumerate(instruction.constraints) if isinstance(c, CheckerConstraint)
    ]
    parts = [checker_part(constraint.source, sandbox.version) for _, constraint in chosen]
    keys = [[digest([part, instruction.prompt, answer]) for part in parts] for answer in answers]
    grid = [[kept(cache, key, index) for key, (index, _) in zip(row, chosen, strict=True)] for row in keys]
    rows = [row for row, cells in enumerate(grid) if any(cell is None for cell in cells)]
    columns = [c for c in range(len(chosen)) if any(grid[row][c] is None for row in rows)]
    if rows:
        sources = [chosen[c][1].source for c in columns]
        try:
            results = sandbox.check_group(instruction.prompt, sources, [answers[row] for row in rows])
        except SandboxError as error:
            log.error("the sandbox failed: %s", error)
            results = None
        for r, row in enumerate(rows):
            for k, c in enumerate(columns):
                if grid[row][c] is not None:
                    continue
                index, part = chosen[c][0], parts[c]
                if results is None:
                    verdict = Verdict(
                        status=Status.ERROR, covers=(index,), reason="the sandbox failed", part=part
                    )
                else:
                    result = results[r][k]
                    cost = Cost(seconds=result.seconds)
                    verdict = Verdict(
                        status=result.status, covers=(index,), reason=result.reason, part=part, cost=cost
                    )
                    # The sandbox gives no verdict from a session that anything unproved shared or touched.
                    if cache is not None and result.status in (Status.PASS, Status.FAIL):
                        cache.set(keys[row][c], verdict)
                grid[row][c] = verdict
    return [[cell for cell in cells if cell is not None] for cells in grid]


def kept(cache: VerdictCache | None, key: str, index: int) -> Verdict | None:
    """What the cache holds of a question, for the constraint at this place; None where it must be decided."""
    stored = cache.get(key) if cache is not None else None
    return None if stored is None else as_cached(stored, (index,))


def as_cached(verdict: Verdict, covers: tuple[int, ...]) -> Verdict:
    """A stored verdict for these positions, marked as free of cost."""
    return verdict.model_copy(update={"covers": covers, "cost": Cost(cached=True)})


def wants_sandbox(constraints: Sequence[Constraint]) -> bool:
    """Whether one of the constraints is a checker."""
    return any(isinstance(constraint, CheckerConstraint) for constraint in constraints)


class LazySandbox:
    """A sandbox that starts with its first use: most recipes of the local world never need one."""

    def __init__(self, workers: int = 2) -> None:
        from verif.core.sandbox.sandbox import Sandbox

        self._sandbox = Sandbox(workers=workers)
        self.version = self._sandbox.version
        self.feeds = 0
        self._lock = threading.Lock()

    def check_group(self, instruction: str, sources: Sequence[str], responses: Sequence[str]) -> Any:
        """As `Sandbox.check_group`, counted."""
        with self._lock:
            self.feeds += 1
        return self._sandbox.check_group(instruction, sources, responses)

    @property
    def restarts(self) -> int:
        """As `Sandbox.restarts`."""
        return self._sandbox.restarts

    def close(self) -> None:
        """End the workers."""
        self._sandbox.close()
