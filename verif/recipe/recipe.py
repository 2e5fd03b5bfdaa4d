"""The recipe: one file = one complete experiment, typed.

Each section belongs to one stage (`dvc.yaml` makes a stage depend on exactly its sections). A knob exists
only if someone needs to turn it; everything else is a constant next to the code that uses it.
"""

from __future__ import annotations

import operator
from importlib.metadata import entry_points
from pathlib import Path, PurePosixPath
from typing import Annotated, Literal

import yaml
from pydantic import AfterValidator, Field, ValidationError, model_validator

from verif.errors import RecipeError
from verif.recipe.base import Section
from verif.recipe.models import HubModel, NoModel, ScratchJudge, ScratchModel
from verif.recipe.pressure import PressureSection
from verif.recipe.train import Train
from verif.types import FORMULAS, Formula, Reasoning

RECIPES, SWEEPS = Path("recipes"), Path("sweeps")
LABELLED = PurePosixPath("recipes/labelled")
"""Where people's labels stand: `prepare` and `verifier` depend on this folder, so that a change is seen."""
BENCHMARK_FILES = PurePosixPath("benchmark-files")
"""Where benchmarks' rows stand: `evaluate` depends on this folder."""


def _seen_by_dvc(path: str) -> str:
    if path and PurePosixPath(path).parent != LABELLED:
        raise ValueError(f"{path!r} does not lie in {LABELLED}/, where DVC looks for changes")
    return path


LabelFile = Annotated[str, AfterValidator(_seen_by_dvc)]
"""A file in `LABELLED`, or nothing."""


class WorldData(Section):
    """The local world: instructions, responses and their truth drawn by a seeded grammar. Counts are rows."""

    kind: Literal["world"] = "world"
    train: int = Field(4000, ge=16)
    validation: int = Field(64, ge=8)
    test: int = Field(400, ge=8)
    unseen: int = Field(400, ge=8)
    golden: int = Field(400, ge=8)
    policy_pairs: int = Field(24000, ge=100)
    judge_pairs: int = Field(20000, ge=100)


class VerInstructData(Section):
    """Rows of the public VerInstruct form (`{id, prompt, checkers, functions}`); the file is `data` in params.yaml."""

    kind: Literal["verinstruct"] = "verinstruct"
    screening: Literal["keep", "repair", "drop-constraint", "drop-row"] = "repair"
    validation: int = Field(8, ge=2)
    test: int = Field(32, ge=2)
    golden: int = Field(40, ge=2)
    rows: int = Field(0, ge=0, description="usable rows that the sizes are shares of; 0: as the file has")
    max_prompt_tokens: int = Field(1024, ge=16)
    require_checker: bool = Field(False, description="leave out rows without a hard constraint")
    labelled: LabelFile = Field(
        "", description="responses that people labelled; without them no judge of this data passes its audit"
    )


class AuditGate(Section):
    """What the audit must show before the verifier may teach (lower ends of 95% intervals are not used: values are)."""

    min_recall_false: float = Field(0.9, ge=0, le=1)
    min_accept_true: float = Field(0.9, ge=0, le=1)
    max_attack_success: float = Field(0.1, ge=0, le=1)
    max_flip_rate: float = Field(0.0, ge=0, le=1)


class CascadeSection(Section):
    """A small judge in front of the judge; outside a band of its own probability of pass it decides alone.

    Its server is named by the environment variable `VERIF_SMALL_JUDGE_URL`, its key by `VERIF_SMALL_JUDGE_API_KEY`,
    its model by `digest`. The audit chooses the band for `agreement`; `low` and `high` hold what it chose and are
    not written by hand.
    """

    digest: str
    agreement: float = Field(0.98, ge=0.5, le=1, description="with the judge, where it decides alone")
    low: float = Field(0, ge=0, le=0.5)
    high: float = Field(1, ge=0.5, le=1)


class VerifierSection(Section):
    """Judge prompting, reward formula and audit gate."""

    formula: Formula = Field("average", description="one of `verif/core/reward.py`, or a plugin's")
    unscorable_reward: float = 0.0
    prompt: str = Field("local", description="a file of `verif/core/judge/prompts`, or of a plugin's folder")
    max_judge_tokens: int = Field(64, ge=8)
    judge_deadline_s: float = Field(60, gt=0)
    judge_reasoning_parser: str = Field(
        "",
        description="vLLM's --reasoning-parser for the judge, e.g. deepseek_r1; without it, no schema is sent",
    )
    judge_logprobs: bool = Field(
        False,
        description="ask the judge for its log-probabilities too; `train.dpo.pairs: best-worst` needs them",
        exclude_if=operator.not_,
    )
    cascade: CascadeSection | None = None
    reasoning: Reasoning = Field(
        "auto",
        description="how the policy marks its reasoning; a named format is demanded, `none` cuts nothing",
    )
    audit_items: int = Field(300, ge=10)
    pairs: LabelFile = Field("", description="preference pairs that the audit measures too; no gate")
    price_per_hour: float = Field(0.1, ge=0, description="of the machines that judge: two cloud CPU cores")
    gate: AuditGate = AuditGate()
    pressure: PressureSection | None = Field(None, description="None: the audit asks the golden set only")


class BenchmarkSource(Section):
    """One benchmark: its name in `verif bench list` and where its rows are: a local file, or `path` in a pinned `repo`.

    A local file lies in `benchmark-files/`, or `digest` names its content (`verif run --set` fills that in).
    """

    name: str
    path: str = ""
    repo: str = ""
    revision: str = ""
    digest: str = ""
    limit: int | None = None


class Evaluate(Section):
    """What is measured, before and after."""

    benchmarks: tuple[BenchmarkSource, ...] = (
        BenchmarkSource(name="world-test"),
        BenchmarkSource(name="world-unseen"),
    )
    response_tokens: int = Field(128, ge=8)
    general_tasks: tuple[str, ...] = ()
    bootstrap: int = Field(10000, ge=100)
    sft_control: bool = True
    sft_control_steps: int = Field(1500, ge=1, description="about one minute of one core")
    seed: int = 7


class PromotionGate(Section):
    """What a model must show to become champion. Margins are in accuracy points as shares (0.01 = 1 point)."""

    min_gain: float = 0.0
    max_canary_drop: float = 0.1
    max_family_drop: float = 0.15
    max_attack_success: float = 0.1


class Register(Section):
    """MLflow registration and promotion."""

    model_name: str = "verif-local"
    upload_below_mb: float = 200
    alias_moved: Literal["gate", "put-back", "keep"] = "gate"
    gate: PromotionGate = PromotionGate()


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
    data: Annotated[WorldData | VerInstructData, Field(discriminator="kind")]
    policy: Annotated[ScratchModel | HubModel, Field(discriminator="kind")]
    judge: Annotated[ScratchJudge | HubModel | NoModel, Field(discriminator="kind")]
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

    @property
    def judged(self) -> bool:
        """Whether the verifier's reward involves a judge."""
        return self.judge.kind != "none" and self.verifier.formula != "hard-only"

    @property
    def watched(self) -> bool:
        """Whether an oracle looks at what the policy writes."""
        return self.has_oracle and self.train.watch.sample > 0

    @property
    def has_oracle(self) -> bool:
        """Whether the truth can be asked for: the world's, or the judge asked in another way."""
        return self.data.kind == "world" or (self.judged and not self.verifier.prompt.startswith("each-"))


def parse_recipe(raw: object, where: object) -> Recipe:
    """A validated recipe; an unknown key or a value out of range names the file and the key."""
    try:
        return Recipe.model_validate(raw)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        said = first["msg"].removeprefix("Value error, ")
        problem = ": ".join(part for part in (str(where), key, said) if part)
        raise RecipeError(problem, "See `docs/reference/recipe.md` for the keys and their ranges.") from None


def load_recipe(name: str, folder: Path = RECIPES) -> Recipe:
    """The recipe `<folder>/<name>.yaml`."""
    path = folder / f"{name}.yaml"
    if not path.is_file():
        known = ", ".join(sorted(p.stem for p in folder.glob("*.yaml"))) or "none"
        raise RecipeError(f"unknown recipe {name!r}: {path} does not exist.", f"Known recipes: {known}.")
    try:
        raw = yaml.safe_load(path.read_text("utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise RecipeError(f"{path} is not valid YAML: {error}") from None
    return parse_recipe(raw, path)
