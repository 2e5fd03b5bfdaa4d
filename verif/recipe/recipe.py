"""The recipe: one file = one complete experiment, typed.

Each section belongs to one stage (`dvc.yaml` makes a stage depend on exactly its sections) and has its own file. A
knob exists only if someone needs to turn it; everything else is a constant next to the code that uses it.
"""

from __future__ import annotations

import operator
from importlib.metadata import entry_points
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError, model_validator

from verif.errors import RecipeError
from verif.recipe.base import Section, first_problem, read_yaml
from verif.recipe.data import ComposedData, RowsData, SumsData, VerInstructData, WorldData
from verif.recipe.evaluate import Evaluate, Register
from verif.recipe.judgements import JudgementData
from verif.recipe.models import (
    HubModel,
    JudgePolicy,
    NoModel,
    PackageModel,
    RegisteredJudge,
    RelevanceJudge,
    ScratchJudge,
    ScratchModel,
)
from verif.recipe.train import Train
from verif.recipe.verifier import VerifierSection
from verif.types import FORMULAS

RECIPES, SWEEPS = Path("recipes"), Path("sweeps")


class Resources(Section):
    """What one stage needs, and where it runs."""

    executor: Literal["local", "kubernetes"] = "local"
    gpus: int = 0
    nodes: int = 1
    cpus: int = 2
    memory_gb: int = 12
    gpu_type: str = ""
    deadline_h: float = 24


class Recipe(Section):
    """One complete experiment."""

    name: str
    description: str = ""
    data: Annotated[
        WorldData | SumsData | ComposedData | VerInstructData | RowsData | JudgementData,
        Field(discriminator="kind"),
    ]
    policy: Annotated[ScratchModel | HubModel | PackageModel | JudgePolicy, Field(discriminator="kind")]
    judge: Annotated[
        ScratchJudge | HubModel | RegisteredJudge | RelevanceJudge | NoModel, Field(discriminator="kind")
    ]
    verifier: VerifierSection = VerifierSection()
    train: Train = Train()
    evaluate: Evaluate = Evaluate()
    register_: Register = Field(Register(), alias="register")
    resources: dict[str, Resources] = Field(default_factory=dict)
    plugins: tuple[str, ...] = Field((), description="see `plugins/README.md`", exclude_if=operator.not_)
    seed: int = 1

    @model_validator(mode="after")
    def _names_are_known(self) -> Recipe:
        """A formula or prompt that is none of verif's own is a plugin's, and looked for when that is loaded."""
        prompts = tuple(
            sorted(path.stem for path in Path(__file__).parents[1].glob("core/judge/prompts/*.j2"))
        )
        for key, known in (("formula", FORMULAS), ("prompt", prompts)):
            name, brought = getattr(self.verifier, key), self.plugins or entry_points(group=f"verif.{key}s")
            if name not in known and not brought:
                raise ValueError(f"verifier.{key}: {name!r} is none of {', '.join(known)}")
        return self

    @model_validator(mode="after")
    def _repair_needs_an_oracle(self) -> Recipe:
        if self.train.watch.on_alarm == "repair" and not self.watched:
            raise ValueError(
                "train.watch.on_alarm: repair needs an oracle: the local world's truth, or a judge that is asked once for"
                " all soft constraints, and a sample above 0"
            )
        if self.verifier.pressure and not self.has_oracle:
            raise ValueError("verifier.pressure needs an oracle: the world's truth, or a prompt `joint-...`")
        return self

    @model_validator(mode="after")
    def _best_worst_needs_a_sure_judge(self) -> Recipe:
        asked = self.judged and (self.verifier.judge_logprobs or self.verifier.cascade)
        if self.train.algorithm == "dpo" and self.train.dpo.pairs == "best-worst" and not asked:
            raise ValueError(
                "train.dpo.pairs: best-worst orders rollouts by the judge's probability; the reward needs a judge and"
                " verifier.judge_logprobs must be true, or take random"
            )
        return self

    @model_validator(mode="after")
    def _a_node_has_the_gpus(self) -> Recipe:
        asked, train = self.resources.get("train"), self.train
        if train.generator_gpus and asked and asked.gpus != train.node_gpus:
            raise ValueError(
                f"resources.train.gpus: {asked.gpus} of a node, where train.gpus and train.generator_gpus are"
                f" {train.node_gpus} together"
            )
        return self

    @model_validator(mode="after")
    def _judgements_belong_together(self) -> Recipe:
        asked = self.data.kind == "judgements"
        if self.policy.kind == "judge" and not asked:
            raise ValueError("policy.kind: judge needs data.kind: judgements, which is what it learns from")
        if asked != (self.train.judgements is not None):
            raise ValueError(
                "data.kind: judgements and train.judgements belong together: give both or neither"
            )
        if asked and self.train.prompts_per_step % 2:
            raise ValueError(
                "train.prompts_per_step must be even: the two questions of a pair are in one batch"
            )
        if asked and self.judge.kind != "none":
            raise ValueError(
                "data.kind: judgements needs judge.kind: none: code knows which answers are right"
            )
        return self

    @model_validator(mode="after")
    def _relevance_is_asked_for(self) -> Recipe:
        asked = self.data.kind == "composed" and self.data.relevance
        if self.judge.kind == "relevance" and not asked:
            raise ValueError("judge.kind: relevance needs data.kind: composed with data.relevance: true")
        if asked and self.judge.kind == "none" and self.verifier.formula != "hard-only":
            raise ValueError(
                "data.relevance: true needs a judge, e.g. `judge: {kind: relevance}`, or formula hard-only"
            )
        return self

    @model_validator(mode="after")
    def _rates_are_known(self) -> Recipe:
        if self.data.kind == "composed" and self.train.draw == "pass-rate":
            raise ValueError(
                "train.draw: pass-rate needs measured rows, and data.kind: composed makes them new; take train.refill, or"
                " measure rows with `verif difficulty` and read them with data.kind: rows"
            )
        return self

    @model_validator(mode="after")
    def _bounds_are_measured(self) -> Recipe:
        if self.register_.gate.drift is not None and not self.evaluate.drift:
            raise ValueError(
                "register.gate.drift bounds what `evaluate.drift: true` measures; write that, too"
            )
        if self.evaluate.rejection is not None and isinstance(self.policy, ScratchModel | JudgePolicy):
            raise ValueError(
                "evaluate.rejection is for a policy of a hub or a package; one that is made here has evaluate.sft_control"
            )
        return self

    @property
    def judged(self) -> bool:
        """Whether the verifier's reward involves a judge."""
        return self.judge.kind != "none" and self.verifier.formula != "hard-only"

    @property
    def watched(self) -> bool:
        """Whether an oracle looks at what the policy writes."""
        return self.has_oracle and self.train.watch.sample > 0

    @property
    def knows_truth(self) -> bool:
        """Whether the data is drawn by code that knows the truth about every response."""
        return self.data.kind in ("world", "sums")

    @property
    def has_oracle(self) -> bool:
        """Whether the truth can be asked for: the world's, or the judge asked in another way."""
        return self.knows_truth or (self.judged and self.asks_twice)

    @property
    def asks_twice(self) -> bool:
        """Whether the judge, asked once per constraint, gives a second opinion on what it says of all at once."""
        return self.judge.kind != "relevance" and not self.verifier.prompt.startswith("each-")


def parse_recipe(raw: object, where: object) -> Recipe:
    """A validated recipe; an unknown key or a value out of range names the file and the key."""
    try:
        return Recipe.model_validate(raw)
    except ValidationError as error:
        hint = "See `docs/reference/recipe.md` for the keys and their ranges."
        raise RecipeError(first_problem(error, where), hint) from None


def load_recipe(name: str, folder: Path = RECIPES) -> Recipe:
    """The recipe `<folder>/<name>.yaml`."""
    path = folder / f"{name}.yaml"
    if not path.is_file():
        known = ", ".join(sorted(p.stem for p in folder.glob("*.yaml"))) or "none"
        raise RecipeError(f"unknown recipe {name!r}: {path} does not exist.", f"Known recipes: {known}.")
    return parse_recipe(read_yaml(path), path)
