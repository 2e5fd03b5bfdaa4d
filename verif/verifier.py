"""The verifier of a recipe, in this process; and `verify`, which needs no recipe.

The class is in `verif.joined`, its identity in `verif.identity`; `verif.service` offers the same interface
over HTTP.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from pathlib import Path

from verif.cache import VerdictCache
from verif.hard import LazySandbox, wants_sandbox
from verif.identity import describe, identity_of, model_digest
from verif.joined import Verifier
from verif.recipe import Recipe
from verif.types import Constraint, Instruction, Item, Response, Verification

__all__ = ["Verifier", "build", "describe", "identity_of", "verify"]


def build(
    recipe: Recipe,
    *,
    judge_url: str | None,
    judge_model: Path | None,
    state: Path,
    cache: bool = True,
    workers: int = 2,
) -> Verifier:
    """The verifier of a recipe. `judge_url` may name several servers, separated by commas.

    `judge_model` is the folder whose digest identifies the judge; `state` holds the verdict cache.
    """
    judge = None
    section = recipe.verifier
    if recipe.judge.kind != "none" and judge_url:
        from verif.judge.client import JudgeClient
        from verif.judge.judge import Judge, sampling

        parameters = sampling(section.prompt, section.max_judge_tokens)
        client = JudgeClient(
            judge_url.split(","), "judge", parameters=parameters, deadline_s=section.judge_deadline_s
        )
        judge = Judge(
            client,
            template=section.prompt,
            model_digest=model_digest(recipe, judge_model),
            parameters=parameters,
        )
    return Verifier(
        formula=section.formula,
        unscorable_reward=section.unscorable_reward,
        policy_thinks=section.policy_thinks,
        judge=judge,
        sandbox=LazySandbox(workers),
        cache=VerdictCache(state / "verdicts") if cache else None,
        parts=describe(recipe, judge_model),
    )


def verify(
    prompt: str | Instruction, response: str | Response, constraints: Iterable[Constraint] = ()
) -> Verification:
    """Verify one response against hard constraints, in three lines and without a judge.

    Example: `verify("Describe the harbour.", "A boat.", [RuleConstraint(text="Use no commas.",
    rule="punctuation:no_comma")]).reward.value`. A soft constraint has no judge here and is an error.
    """
    instruction = (
        prompt
        if isinstance(prompt, Instruction)
        else Instruction(id="0", prompt=prompt, constraints=tuple(constraints))
    )
    item = Item(
        id=instruction.id,
        instruction=instruction,
        response=response if isinstance(response, Response) else Response(text=response),
    )

    async def once() -> Verification:
        verifier = Verifier(sandbox=LazySandbox(1) if wants_sandbox(instruction.constraints) else None)
        try:
            return await anext(verifier.verify([item]))
        finally:
            await verifier.close()

    return asyncio.run(once())
