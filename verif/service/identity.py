"""What a verifier consists of, by digest: known before anything is started, equal afterwards.

Training depends on the identity, and a running service is reused only if it has the same one.
"""

from __future__ import annotations

import os
from pathlib import Path

from verif.core.activate import activate
from verif.core.parts import make_parts
from verif.errors import ServiceError
from verif.recipe import Recipe
from verif.service.answers import references_part
from verif.system import plugins
from verif.system.files import digest, digest_tree


def describe(recipe: Recipe, judge_model: Path | None) -> dict[str, str]:
    """The parts of a recipe's verifier, without starting anything; `digest` of them is its identity."""
    activate(recipe)
    return make_parts(
        formula=recipe.verifier.formula,
        unscorable_reward=recipe.verifier.unscorable_reward,
        reasoning=recipe.verifier.reasoning,
        judge=_judge_part(recipe, judge_model),
        sandbox=sandbox_version(),
        references=references_part(recipe.verifier.reference),
        plugins=plugins.identity(recipe.plugins),
    )


def _judge_part(recipe: Recipe, judge_model: Path | None) -> str:
    if recipe.judge.kind == "none":
        return "none"
    from verif.core.judge.cascade import LOGPROBS, Band, cascade_part
    from verif.core.judge.judge import SECRET_VARIABLE, judge_part, sampling

    section, secret = recipe.verifier, os.environ.get(SECRET_VARIABLE, "")
    parser = section.judge_reasoning_parser
    parameters = sampling(section.prompt, section.max_judge_tokens, parser)
    if section.judge_logprobs:
        parameters = {**parameters, **LOGPROBS}
    large = judge_part(model_digest(recipe, judge_model), section.prompt, parameters, secret, parser)
    if section.cascade is None:
        return large
    small = judge_part(section.cascade.digest, section.prompt, {**parameters, **LOGPROBS}, secret, parser)
    return cascade_part(small, large, Band(section.cascade.low, section.cascade.high))


def model_digest(recipe: Recipe, judge_model: Path | None) -> str:
    """The pinned digest of a hub model, or the digest of the model's folder."""
    pinned = getattr(recipe.judge, "digest", "")
    if pinned:
        return str(pinned)
    if judge_model is None or not judge_model.is_dir():
        raise ServiceError(f"the judge model folder {judge_model} does not exist.", "Run `dvc repro judge`.")
    return digest_tree(judge_model)


def sandbox_version() -> str:
    """The version of the checker sandbox with its default limits."""
    from verif.core.sandbox.sandbox import Sandbox

    return Sandbox().version


def identity_of(recipe: Recipe, judge_model: Path | None) -> str:
    """The identity of a recipe's verifier."""
    return digest(describe(recipe, judge_model))
