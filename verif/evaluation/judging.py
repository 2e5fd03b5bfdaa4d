"""Answers to verdict rows: by the local world's truth, by rules or references in this process, or by the verifier."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import orjson

from verif.core.answer import Answer as Judged
from verif.core.answer import answer_of
from verif.core.checks import Rules
from verif.core.rules import get
from verif.core.text import Doc
from verif.core.verifies import Verifies
from verif.evaluation.case import REFERENCE, Case, Generation, VerdictRow
from verif.types import (
    Item,
    Reasoning,
    ReferenceConstraint,
    Response,
    RuleConstraint,
    Status,
    Verification,
    type_names,
)

RULES = Rules()

WORLD_TRUTH, SUMS_TRUTH = "world:truth@1", "sums:truth@1"
LANGUAGE = "grammatical"


def blank(benchmark: str, model: str, mode: str, case: Case, answer: Generation) -> VerdictRow:
    """The fields that all rows of an answer share."""
    return VerdictRow(
        benchmark=benchmark, model=model, mode=mode, id=case.id, cluster=case.cluster or case.id, index=-1,
        family="", kind="", constraint="", prompt=case.instruction.prompt, response=answer.text,
        finished=answer.finished, tokens=answer.tokens, status=Status.ERROR, reason="", evidence="{}", part="",
        verifier="", labels=_json(case.labels),
    )  # fmt: skip


def _json(value: Any) -> str:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()


def judged(answer: Generation, *, reasoning: Reasoning) -> Judged:
    """What is judged of an answer; where there is nothing, `hopeless` says why (a missing one: its note)."""
    if answer.note:
        return Judged("", answer.note, answer.note)
    said = Response(text=answer.text, finished=answer.finished)
    return answer_of(said, reasoning=reasoning)


def by_truth(
    base: VerdictRow, case: Case, answer: Generation, *, reasoning: Reasoning = "auto"
) -> Iterator[VerdictRow]:
    """The truth per constraint and, in the local world, one row for the language (index -1). No judge is asked."""
    if "sums" in case.instruction.meta:
        yield from _sums(base, case, judged(answer, reasoning=reasoning))
        return
    base = replace(base, part=WORLD_TRUTH, verifier=WORLD_TRUTH)
    what = judged(answer, reasoning=reasoning)
    if what.hopeless:
        base = replace(base, status=Status.UNSCORABLE, reason=what.hopeless)
        yield replace(base, family=LANGUAGE, kind="language")
        yield from (_place(base, case, index) for index in range(len(case.instruction.constraints)))
        return
    from verif.data.world import seen, truth

    actual = truth(case.instruction, what.text)
    status = Status.PASS if actual.grammatical else Status.FAIL
    why = (
        "grammatical from end to end"
        if actual.grammatical
        else "not a sentence of this world from end to end"
    )
    yield replace(base, family=LANGUAGE, kind="language", status=status, reason=why)
    for index, (constraint, ok) in enumerate(
        zip(case.instruction.constraints, actual.constraints, strict=True)
    ):
        reason, evidence = "", dict[str, Any]()
        if isinstance(constraint, RuleConstraint):
            verdict = RULES.verdict(constraint, index, what, case.id)
            reason, evidence = verdict.reason, verdict.evidence
        elif constraint.kind == "soft":
            shown = seen(what.text, constraint.dimension)
            reason = f"{constraint.dimension} shown: {', '.join(shown) or 'none'}; {why}"
        status = Status.PASS if ok else Status.FAIL
        yield replace(_place(base, case, index), status=status, reason=reason, evidence=_json(evidence))


def _sums(base: VerdictRow, case: Case, what: Judged) -> Iterator[VerdictRow]:
    """The truth about the answers of the sums world."""
    from verif.data.sums.truth import answers, right

    base = replace(base, part=SUMS_TRUTH, verifier=SUMS_TRUTH)
    ok, said = right(case.instruction, what.text), answers(what.text)
    status = Status.UNSCORABLE if what.hopeless else Status.PASS if ok else Status.FAIL
    why = what.hopeless or f"the answer given: {', '.join(said[:3])[:200] or 'none'}"
    for index in range(len(case.instruction.constraints)):
        yield replace(_place(base, case, index), status=status, reason=why)


def _place(base: VerdictRow, case: Case, index: int) -> VerdictRow:
    """The row of one of the case's constraints."""
    constraint, name = case.instruction.constraints[index], type_names(case.instruction)[index]
    return replace(base, index=index, family=name, kind=constraint.kind, constraint=constraint.text)


def by_rules(
    base: VerdictRow, case: Case, answer: Generation, *, reasoning: Reasoning = "auto"
) -> Iterator[VerdictRow]:
    """Rules in this process, strictly and loosely; where there is no answer they are unscorable."""
    what = judged(answer, reasoning=reasoning)
    doc = Doc(what.text)
    for index, constraint in enumerate(case.instruction.constraints):
        if not isinstance(constraint, RuleConstraint):
            continue
        part = get(constraint.rule).part
        row = replace(_place(base, case, index), part=part, verifier=part)
        for variant in ("strict", "loose"):
            verdict = RULES.verdict(constraint, index, what, case.id, doc=doc, loose=variant == "loose")
            yield replace(
                row, variant=variant, status=verdict.status, reason=verdict.reason, evidence=_json(verdict.evidence)
            )  # fmt: skip


def by_reference(
    base: VerdictRow, case: Case, answer: Generation, *, reasoning: Reasoning = "auto"
) -> Iterator[VerdictRow]:
    """The case's references, each compared with the answer as its label says."""
    from verif.evaluation.benchmarks.references import decide

    how, what = case.labels[REFERENCE], judged(answer, reasoning=reasoning)
    part = f"reference:{how}@1"
    for index, constraint in enumerate(case.instruction.constraints):
        assert isinstance(constraint, ReferenceConstraint)
        row = _place(base, case, index)
        row = replace(row, part=part, verifier=part, evidence=_json({"reference": constraint.answer}))
        if what.hopeless:
            yield replace(row, status=Status.UNSCORABLE, reason=what.hopeless)
        else:
            ok = decide(how, constraint.answer, what.text)
            yield replace(row, status=Status.PASS if ok else Status.FAIL)


def by_verifier(
    pairs: Sequence[tuple[VerdictRow, Case, Generation]], verifier: Verifies, identity: str
) -> Iterator[VerdictRow]:
    """The verifier's verdicts; a joint verdict gives one row per constraint that it covers, with the same reason."""
    items = [
        Item(
            id=str(i),
            instruction=case.instruction,
            response=Response(text=answer.text, finished=answer.finished),
        )
        for i, (_, case, answer) in enumerate(pairs)
    ]
    verifications = asyncio.run(_collect(verifier, items))
    for number, (base, case, answer) in enumerate(pairs):
        verification = verifications.get(str(number))
        for index in range(len(case.instruction.constraints)):
            row = replace(_place(base, case, index), verifier=identity)
            verdict = (
                next((v for v in verification.verdicts if index in v.covers), None) if verification else None
            )
            if answer.note:
                yield replace(row, status=Status.UNSCORABLE, reason=answer.note)
            elif verdict is None:
                missing = Status.SKIPPED if verification else Status.ERROR
                yield replace(row, status=missing, reason="" if verification else "no verdict came back")
            else:
                yield replace(
                    row,
                    status=verdict.status,
                    reason=verdict.reason,
                    evidence=_json(verdict.evidence),
                    part=verdict.part,
                )


async def _collect(verifier: Verifies, items: Sequence[Item]) -> dict[str, Verification]:
    """Every constraint is asked: where the reward is known already, the numbers of an evaluation are not."""
    return {verification.id: verification async for verification in verifier.verify(items, complete=True)}
