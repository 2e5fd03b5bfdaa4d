"""How far training has led a policy's answers from where it began, whatever the verdicts say.

Rules alone invite texts that keep them and have left their task. Two measures see that: how likely the answers are under
the starting model, and how many still do their task. A judge of relevance says so where the recipe has one; without it a
lexical measure, which sees only whether an answer names its subject.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from verif.core.instruction_files import messages
from verif.core.verifies import Verifies
from verif.data.composed.naming import named
from verif.data.composed.relevance import relevant
from verif.evaluation.case import Case, Generation
from verif.stats import bootstrap_mean, paired_bootstrap
from verif.types import Instruction, Item, Response, Status

MOST = 200
"""Cases whose answers are read under the starting model: the first ones."""
Answers = dict[str, Generation]
"""Case id to answer."""


def likelihood_drift(
    start: Path, cases: Sequence[Case], before: Answers, after: Answers, samples: int, seed: int
) -> dict[str, Any]:
    """Log-likelihood (mean nats per token) of both models' answers under the starting model, and the drop.

    Empty answers have none and are left out, on both sides.
    """
    from verif.training.tiny.likelihood import answer_likelihood

    said = [case for case in cases[:MOST] if before[case.id].text.strip() and after[case.id].text.strip()]
    old, new = (
        answer_likelihood(start, [(messages(case.instruction), answers[case.id].text) for case in said])
        for answers in (before, after)
    )
    return _compared(old, new, [case.cluster for case in said], samples, seed)


def relevance_drift(
    verifier: Verifies | None, cases: Sequence[Case], before: Answers, after: Answers, samples: int, seed: int
) -> dict[str, Any]:
    """The share of answers that do their task, before and after, and the drop; `by` says who said so.

    Without a verifier that has a judge of relevance: those that name their subject. Cases of other data, and answers on
    which the judge gave an error, are left out on both sides; empty without any case.
    """
    told = [case for case in cases if case.instruction.meta.get("task" if verifier else "source")]
    if not told:
        return {}
    judge = verifier is not None
    old, new = (
        asyncio.run(_judged(verifier, told, answers)) if verifier is not None else _named(told, answers)
        for answers in (before, after)
    )
    both = [n for n in range(len(told)) if old[n] is not None and new[n] is not None]
    numbers = _compared(
        [float(bool(old[n])) for n in both], [float(bool(new[n])) for n in both], [told[n].cluster for n in both],
        samples, seed,
    )  # fmt: skip
    return {"by": "judge" if judge else "names its subject", "left_out": len(told) - len(both), **numbers}


def _named(cases: Sequence[Case], answers: Answers) -> list[bool | None]:
    return [named(str(case.instruction.meta["source"]), answers[case.id].text) for case in cases]


async def _judged(verifier: Verifies, cases: Sequence[Case], answers: Answers) -> list[bool | None]:
    """Whether each answer does its task; None where the judge gave no verdict. What cannot be judged does not."""
    items = [
        Item(
            id=str(number),
            instruction=Instruction(
                id=case.id,
                prompt=case.instruction.prompt,
                constraints=(relevant(str(case.instruction.meta["task"])),),
            ),
            response=Response(text=answers[case.id].text),  # also where it was cut off: it has a subject
        )
        for number, case in enumerate(cases)
    ]
    out: list[bool | None] = [None] * len(cases)
    async for verification in verifier.verify(items, complete=True):
        status = verification.statuses(1)[0]
        if status in (Status.PASS, Status.FAIL, Status.UNSCORABLE):
            out[int(verification.id)] = status is Status.PASS
    return out


def _compared(
    old: list[float], new: list[float], clusters: Sequence[str], samples: int, seed: int
) -> dict[str, Any]:
    if not old:
        return {}
    return {
        "before": bootstrap_mean(old, clusters, samples, seed).as_dict(),
        "after": bootstrap_mean(new, clusters, samples, seed).as_dict(),
        "drop": paired_bootstrap(new, old, clusters, samples, seed).as_dict(),
    }
