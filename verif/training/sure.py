"""Whether the judge says how sure it is: asked before a training whose pairs need it, not after a cycle of rollouts.

A recipe asks for log-probabilities (`verifier.judge_logprobs`); whether the judge's server gives any, only it can show.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from pathlib import Path

from verif.core.instruction_files import read_instructions
from verif.errors import TrainingError
from verif.recipe import Train
from verif.service.client import VerifierClient
from verif.types import Item, Response, Status, Verification

PROBES = 8
"""Instructions that are asked about; one without soft constraints needs no judge."""


def require_sure_judge(train: Train, instructions: Path, url: str) -> None:
    """`TrainingError` if pairs are best-worst and no verdict of the judge behind `url` has log-probabilities.

    Each of the first instructions is the response to itself: what is said of it does not matter here.
    """
    if train.algorithm == "dpo" and train.dpo.pairs == "best-worst":
        require_sure(asyncio.run(_answers(instructions, url)))


def require_sure(verifications: Iterable[Verification]) -> None:
    """`TrainingError` if a judge gave verdicts and none says how sure it was: best and worst would be by reward alone."""
    verdicts = [
        verdict
        for verification in verifications
        for verdict in verification.verdicts
        if verdict.part.startswith(("judge", "cascade")) and verdict.status in (Status.PASS, Status.FAIL)
    ]
    if verdicts and not any({"p_pass", "small_p_pass"} & set(verdict.evidence) for verdict in verdicts):
        raise TrainingError(
            "train.dpo.pairs is best-worst, and no verdict of the judge has log-probabilities.",
            "Use a judge server that gives them (vLLM does), or `train.dpo.pairs: random`.",
        )


async def _answers(instructions: Path, url: str) -> list[Verification]:
    items = [
        Item(id=str(number), instruction=instruction, response=Response(text=instruction.prompt))
        for number, instruction in enumerate(read_instructions(instructions)[:PROBES])
    ]
    async with VerifierClient(url, aside=True) as client:
        return [verification async for verification in client.verify(items)]
