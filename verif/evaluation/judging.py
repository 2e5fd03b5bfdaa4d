"""Answers to verdict rows: by the local world's truth, by rules or references in this process, or by the verifier."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import orjson

from verif.core.verifies import Verifies
from verif.evaluation.case import REFERENCE, Answer, Case, Row, family
from verif.types import Item, ReferenceConstraint, Response, Status, Verification

WORLD_TRUTH = "world:truth@1"
LANGUAGE = "grammatical"


def blank(benchmark: str, model: str, mode: str, case: Case, answer: Answer) -> Row:
    """The fields that all rows of an answer share."""
    return Row(
        benchmark=benchmark, model=model, mode=mode, id=case.id, cluster=case.cluster or case.id, index=-1,
        family="", kind="", constraint="", prompt=case.instruction.prompt, response=answer.text,
        finished=answer.finished, tokens=answer.tokens, status=Status.ERROR, reason="", evidence="{}", part="",
        verifier="", labels=_json(case.labels),
    )  # fmt: skip


def _json(value: Any) -> str:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()


def by_truth(base: Row, case: Case, answer: Answer) -> Iterator[Row]:
    """The world's truth per constraint, and one row for the language (index -1). The judge is never asked."""
    from verif.data.world import seen, truth

    found = truth(case.instruction, answer.text)
    status = Status.PASS if found.grammatical else Status.FAIL
    base = replace(base, part=WORLD_TRUTH, verifier=WORLD_TRUTH)
    why = (
        "grammatical from end to end" if found.grammatical else "not a sentence of this world from end to end"
    )
    yield replace(base, family=LANGUAGE, kind="language", status=status, reason=why)
    for index, (constraint, ok) in enumerate(
        zip(case.instruction.constraints, found.constraints, strict=True)
    ):
        reason, evidence = "", dict[str, Any]()
        if constraint.kind == "rule":
            reason, evidence = _rule_reason(constraint.rule, constraint.params, answer.text)
        elif constraint.kind == "soft":
            shown = seen(answer.text, constraint.dimension)
            reason = f"{constraint.dimension} shown: {', '.join(shown) or 'none'}; {why}"
        yield replace(
            base, index=index, family=family(case.instruction, index), kind=constraint.kind, constraint=constraint.text,
            status=Status.PASS if ok else Status.FAIL, reason=reason, evidence=_json(evidence),
        )  # fmt: skip


def _rule_reason(rule: str, params: dict[str, Any], text: str) -> tuple[str, dict[str, Any]]:
    from verif.core.rules import get, validate
    from verif.core.text import Doc

    outcome = get(rule).check(Doc(text), validate(rule, params))
    return outcome.reason, outcome.evidence


def by_rules(base: Row, case: Case, answer: Answer) -> Iterator[Row]:
    """Rules in this process, strictly and loosely; an answer that is missing is unscorable."""
    from verif.core.rules import get, validate
    from verif.core.rules.check import check
    from verif.core.text import Doc

    doc = Doc(answer.text)
    for index, constraint in enumerate(case.instruction.constraints):
        if constraint.kind != "rule":
            continue
        spec, params = get(constraint.rule), validate(constraint.rule, constraint.params)
        for variant in ("strict", "loose"):
            row = replace(
                base, index=index, family=family(case.instruction, index), kind="rule", constraint=constraint.text,
                part=spec.part, verifier=spec.part, variant=variant,
            )  # fmt: skip
            if answer.note:
                yield replace(row, status=Status.UNSCORABLE, reason=answer.note)
                continue
            outcome = check(spec, doc, params, loose=variant == "loose")
            status = Status.PASS if outcome.ok else Status.FAIL
            yield replace(row, status=status, reason=outcome.reason, evidence=_json(outcome.evidence))


def by_reference(base: Row, case: Case, answer: Answer) -> Iterator[Row]:
    """The case's references, each compared with the answer as its label says."""
    from verif.evaluation.benchmarks.references import decide

    how = case.labels[REFERENCE]
    part = f"reference:{how}@1"
    for index, constraint in enumerate(case.instruction.constraints):
        assert isinstance(constraint, ReferenceConstraint)
        row = replace(
            base, index=index, family=family(case.instruction, index), kind=constraint.kind,
            constraint=constraint.text, part=part, verifier=part, evidence=_json({"reference": constraint.answer}),
        )  # fmt: skip
        if answer.note:
            yield replace(row, status=Status.UNSCORABLE, reason=answer.note)
        else:
            ok = decide(how, constraint.answer, answer.text)
            yield replace(row, status=Status.PASS if ok else Status.FAIL)


def by_verifier(
    pairs: Sequence[tuple[Row, Case, Answer]], verifier: Verifies, identity: str
) -> Iterator[Row]:
    """The verifier's verdicts; a joint verdict gives one row per constraint that it covers, with the same reason."""
    items = [
        Item(
            id=str(i),
            instruction=case.instruction,
            response=Response(text=answer.text, finished=answer.finished),
        )
        for i, (_, case, answer) in enumerate(pairs)
    ]
    found = asyncio.run(_collect(verifier, items))
    for number, (base, case, answer) in enumerate(pairs):
        verification = found.get(str(number))
        for index, constraint in enumerate(case.instruction.constraints):
            row = replace(
                base, index=index, family=family(case.instruction, index), kind=constraint.kind,
                constraint=constraint.text, verifier=identity,
            )  # fmt: skip
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
    return {found.id: found async for found in verifier.verify(items, complete=True)}
