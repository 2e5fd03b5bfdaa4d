"""What `verif build` makes of pairs: one file in `recipes/builds/` is one build. It belongs to no stage: a build costs money."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError, model_validator

from verif.errors import RecipeError
from verif.recipe.base import Section, first_problem, read_yaml

DIMENSIONS = (
    "style", "semantic", "morphological", "multilingual", "hierarchical", "output format", "paragraphs",
    "specific sentence", "key formatting", "item listing",
)  # fmt: skip
"""Of soft constraints, as VerIF back-translates them (arXiv 2506.09942, section 3.2)."""


class PairsSection(Section):
    """Which pairs are taken."""

    licence: str = Field("", description="of pairs that name none; without it such pairs are refused")
    languages: tuple[str, ...] = Field(
        ("en",), description="of question and answer, as ISO 639-1 codes; empty: any"
    )
    max_prompt_tokens: int = Field(768, ge=16, description="an upper estimate; constraints are added to it")
    max_answer_tokens: int = Field(4096, ge=16, description="an upper estimate")
    similar: float = Field(
        0.8, gt=0.3, le=1, description="answers that share this much of their word pairs are one"
    )
    benchmarks: tuple[str, ...] = Field(
        (), description="files whose prompts, and those that hold them, are left out"
    )


class BuildModel(Section):
    """A model behind an OpenAI-compatible end point, which `--url` or `VERIF_BUILD_URL` names, and what it costs."""

    name: str = Field(description="as the server calls it")
    temperature: float = Field(0.0, ge=0, le=2)
    max_tokens: int = Field(1024, ge=16)
    deadline_s: float = Field(120, gt=0, description="of one call, its retries included")
    prompt_price: float = Field(0.0, ge=0, description="of a million tokens, in the currency of `--budget`")
    completion_price: float = Field(0.0, ge=0, description="of a million tokens")


class SoftSection(Section):
    """Soft constraints, back-translated from the answer with one call."""

    dimensions: tuple[str, ...] = DIMENSIONS
    most: int = Field(5, ge=1, le=20, description="constraints of one answer")
    checked: bool = Field(
        True, description="ask the second model whether the answer keeps them: one more call"
    )


class HardSection(Section):
    """Rules that the answer keeps, found without a model."""

    rules: tuple[str, ...] = Field(
        (), description="rules, or families as `keywords:*`; empty: the usual ones"
    )
    most: int = Field(3, ge=0, le=20, description="of one answer")


class ProofSection(Section):
    """What a written checker must show before it is believed."""

    agreement: float = Field(0.95, ge=0.5, le=1, description="with the second writer's, on all probes")
    cases: int = Field(6, ge=2, le=20, description="that each writer is asked for")
    written: int = Field(3, ge=0, le=10, description="constraints of one answer that are written for")


class CombineSection(Section):
    """How constraints become rows."""

    least: int = Field(2, ge=1, le=10, description="constraints; rows with fewer are refused")
    most: int = Field(6, ge=1, le=20)
    words_each: int = Field(6, ge=1, description="words of the answer for each constraint that it must bear")
    hard_share: float = Field(
        0.5, ge=0, le=1, description="of all constraints, where there are enough of both"
    )
    style: Literal["mixed", "plain"] = Field(
        "mixed",
        description="of prompts: as different people write, or the question and then one sentence each",
    )


class BuildRecipe(Section):
    """One build. Without models it makes rules only, and asks nobody."""

    name: str = "rules"
    description: str = ""
    pairs: PairsSection = PairsSection()
    first: BuildModel | None = Field(None, description="back-translates and writes; none: rules only")
    second: BuildModel | None = Field(None, description="writes again and checks; better not the same model")
    judge: BuildModel | None = Field(
        None, description="gives the verdicts of `--judgements`, with its reasoning"
    )
    soft: SoftSection = SoftSection()
    hard: HardSection = HardSection()
    proof: ProofSection = ProofSection()
    combine: CombineSection = CombineSection()
    at_once: int = Field(32, ge=1, le=1024, description="pairs under way")
    seed: int = 1

    @model_validator(mode="after")
    def _two_writers(self) -> BuildRecipe:
        if (self.first is None) != (self.second is None):
            raise ValueError("first and second belong together: give both or neither")
        return self

    def models(self) -> Sequence[BuildModel]:
        """The models that are asked."""
        return [model for model in (self.first, self.second, self.judge) if model is not None]


def load_build(path: Path | None) -> BuildRecipe:
    """The build recipe of a file; without one, rules only. An unknown key names the file and the key."""
    if path is None:
        return BuildRecipe()
    if not path.is_file():
        raise RecipeError(
            f"the build recipe {path} does not exist.", "recipes/builds/ holds some to start from."
        )
    try:
        return BuildRecipe.model_validate(read_yaml(path) or {})
    except ValidationError as error:
        hint = "docs/reference/recipe.md lists the keys of a build."
        raise RecipeError(first_problem(error, path), hint) from None
