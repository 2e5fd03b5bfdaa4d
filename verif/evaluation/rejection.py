"""The control beside the reinforcement of a model that somebody else trained: rejection sampling.

The starting model answers training rows; the verifier that taught the policy says which answers earn the full reward; on
those the starting model is tuned. What that gains, reinforcement must gain more than. Answers and the tuned model are
kept by the digest of what made them, so that a killed evaluation goes on.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from pathlib import Path

from verif.core.verifies import Verifies
from verif.evaluation.case import Benchmark, Case, Generation
from verif.evaluation.control import DONE
from verif.evaluation.generate import Sampling
from verif.evaluation.run import Model, Suite, answer_all
from verif.evaluation.scores import common
from verif.recipe import RejectionControl
from verif.system.files import digest, digest_tree, new_directory, write_json
from verif.types import Instruction, Item, Response

OWN = "own-answers"
OpenVerifier = Callable[[], AbstractContextManager[tuple[Verifies, str]]]


@dataclass(frozen=True)
class Rejected:
    """The control: its folder (None where too few answers are kept to teach one), and what it was made of."""

    folder: Path | None
    sampled: int
    kept: int
    prompts: int


def rejection_control(
    section: RejectionControl, policy: Path, rows: Sequence[Instruction], state: Path, open_verifier: OpenVerifier,
    timings: dict[str, float], *, seed: int, gpus: int = 0,
) -> Rejected:  # fmt: skip
    """Sample, keep what earns the full reward, and tune the policy's copy on it."""
    chosen = random.Random(f"rejection-{seed}").sample(list(rows), min(section.prompts, len(rows)))
    cases = tuple(
        Case(item.model_copy(update={"id": f"{item.id}/{number}"}))
        for item in chosen
        for number in range(section.answers)
    )
    sampling = Sampling("own", section.temperature, section.tokens, seed)
    suite = Suite(  # asked as a benchmark is, so that what has arrived is kept
        Benchmark(OWN, "The start's answers to training rows", "", "verifier", lambda _: list(cases), common),
        cases,
    )
    own = Model("start", policy, (sampling,), (suite,))
    answers = answer_all(own, state, timings, gpus=gpus)[OWN, "start", "own"]
    with open_verifier() as (verifier, identity):
        kept = asyncio.run(rewarded(verifier, cases, answers))
    chats = [(case.instruction.prompt, answers[case.id].text) for case in kept]
    prompts = len({prompt for prompt, _ in chats})
    if len(chats) < 2 * section.batch:
        return Rejected(None, len(cases), len(chats), prompts)
    key = digest([digest_tree(policy), identity, section.model_dump(mode="json"), chats, seed])
    folder = state / "evaluate" / f"rejection-{key[:16]}"
    if not (folder / DONE).is_file():
        from verif.training.tiny.tuning import tune

        with new_directory(folder) as out:
            trained = tune(
                policy, out, chats, steps=section.steps, batch=section.batch, learning_rate=section.learning_rate,
                seed=seed, name="rejection control",
            )  # fmt: skip
            write_json(out / DONE, asdict(trained))
    return Rejected(folder, len(cases), len(chats), prompts)


async def rewarded(verifier: Verifies, cases: Sequence[Case], answers: dict[str, Generation]) -> list[Case]:
    """The cases whose answer earns the full reward; an error earns none."""
    items = [
        Item(
            id=str(number),
            instruction=case.instruction,
            response=Response(text=answers[case.id].text, finished=answers[case.id].finished),
        )
        for number, case in enumerate(cases)
        if not answers[case.id].note
    ]
    full = set[int]()
    async for verification in verifier.verify(items):
        value = verification.reward.value
        if value is not None and value >= 1.0:
            full.add(int(verification.id))
    return [case for number, case in enumerate(cases) if number in full]
