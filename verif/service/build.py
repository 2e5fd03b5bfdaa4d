"""The verifier of a recipe, of settings or of the defaults, in this process; `verif.core.once.verify` needs no recipe.

The class is in `verif.core.verifier`, its identity in `verif.service.identity`; `verif.service` offers the same interface
over HTTP.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from verif.core.activate import activate
from verif.core.cache import VerdictCache
from verif.core.checks import LazySandbox
from verif.core.verifier import Verifier
from verif.errors import RecipeError
from verif.recipe import Recipe, VerifierSection, load_recipe
from verif.service.answers import hybrid_of
from verif.service.identity import describe, identity_of, model_digest
from verif.service.served import SMALL_VARIABLE, small_key_variable

__all__ = ["SMALL_VARIABLE", "Verifier", "build", "describe", "identity_of"]


def build(
    source: Recipe | str | Mapping[str, Any] | None = None,
    *,
    judge_url: str | None = None,
    judge_model: Path | None = None,
    state: Path | None = None,
    cache: bool = True,
    workers: int = 2,
) -> Verifier:
    """The verifier of a recipe (or of its name), of settings of a recipe's `verifier` section, or of the defaults.

    `judge_url` may name several servers, separated by commas. `judge_model` is the folder whose digest identifies the
    judge; `state` holds the verdict cache, and without it there is none. Settings and defaults have no judge.

    >>> from verif import build
    >>> build({"formula": "product", "reasoning": "none"}).formula
    'product'
    >>> build().reasoning
    'auto'
    """
    if source is None or isinstance(source, Mapping):
        return _judgeless(dict(source or {}), state if cache else None, workers)
    recipe = load_recipe(source) if isinstance(source, str) else source
    section = activate(recipe).verifier
    judge = _judge(recipe, judge_url, judge_model) if recipe.judge.kind != "none" and judge_url else None
    return Verifier(
        formula=section.formula,
        unscorable_reward=section.unscorable_reward,
        reasoning=section.reasoning,
        judge=judge,
        sandbox=LazySandbox(workers),
        hybrid=hybrid_of(section.reference),
        cache=VerdictCache(state / "verdicts") if cache and state else None,
        parts=describe(recipe, judge_model),
    )


def _judgeless(settings: dict[str, Any], state: Path | None, workers: int) -> Verifier:
    try:
        section = VerifierSection.model_validate(settings)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise RecipeError(
            f"verifier.{place}: {first['msg']}.", "docs/reference/recipe.md has all keys."
        ) from None
    return Verifier(
        formula=section.formula,
        unscorable_reward=section.unscorable_reward,
        reasoning=section.reasoning,
        sandbox=LazySandbox(workers),
        hybrid=hybrid_of(section.reference),
        cache=VerdictCache(state / "verdicts") if state else None,
    )


def _judge(recipe: Recipe, urls: str, model: Path | None) -> Any:
    """The recipe's judge, or the cascade with a small one in front of it."""
    from verif.core.judge.cascade import LOGPROBS, Band, Cascade
    from verif.core.judge.client import KEY_VARIABLE, JudgeClient
    from verif.core.judge.judge import Judge, sampling

    section = recipe.verifier
    parser = section.judge_reasoning_parser
    plain = sampling(section.prompt, section.max_judge_tokens, parser)
    if section.judge_logprobs:
        plain = {**plain, **LOGPROBS}

    def judge_at(where: str, digest: str, parameters: dict[str, Any], key: str = KEY_VARIABLE) -> Judge:
        client = JudgeClient(
            where.split(","),
            "judge",
            parameters=parameters,
            deadline_s=section.judge_deadline_s,
            key_variable=key,
        )
        return Judge(
            client, template=section.prompt, model_digest=digest, parameters=parameters, parser=parser
        )

    large = judge_at(urls, model_digest(recipe, model), plain)
    if section.cascade is None:
        return large
    small_urls = os.environ.get(SMALL_VARIABLE, "")
    if not small_urls:
        raise RecipeError("the recipe has a cascade but no small judge.", f"Set {SMALL_VARIABLE} to its URL.")
    key = small_key_variable(urls, small_urls)
    small = judge_at(small_urls, section.cascade.digest, {**plain, **LOGPROBS}, key)
    return Cascade(small, large, Band(section.cascade.low, section.cascade.high))
