"""One stage to be run on the cluster: what it is, and the name that makes submitting it twice impossible."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from verif.files import digest
from verif.overrides import overrides_digest
from verif.recipe import Recipe, Resources

MANAGED_BY = "verif"
STAGE_LABEL, RUN_LABEL, ATTEMPT_LABEL = "verif.dev/stage", "verif.dev/run", "verif.dev/attempt"


@dataclass(frozen=True)
class StageRequest:
    """A stage of a recipe at a commit, with this run's overrides. `attempt` counts deliberate retries from 1."""

    recipe: Recipe
    stage: str
    commit: str
    overrides: dict[str, Any] = field(default_factory=dict)
    attempt: int = 1
    run_id: str = ""

    @property
    def resources(self) -> Resources:
        """What the recipe asks for; a stage it does not name gets the defaults."""
        return self.recipe.resources.get(self.stage, Resources())

    @property
    def run(self) -> str:
        """What stays the same over the attempts: a function of content."""
        content = [self.recipe.name, self.stage, self.commit, overrides_digest(self.overrides)]
        return f"verif-{self.stage}-{digest(content)[:12]}"

    @property
    def name(self) -> str:
        """The object's name, so that a second submission meets the first (409)."""
        return f"{self.run}-{self.attempt}"

    @property
    def labels(self) -> dict[str, str]:
        """Labels to find the object again by, after the orchestrator has restarted."""
        return {
            "app.kubernetes.io/managed-by": MANAGED_BY,
            "app.kubernetes.io/part-of": "verif",
            STAGE_LABEL: self.stage,
            RUN_LABEL: self.run,
            ATTEMPT_LABEL: str(self.attempt),
        }

    @property
    def environment(self) -> dict[str, str]:
        """What the pod must know (see `verif.cluster.pod`)."""
        return {
            "VERIF_EXECUTOR": "kubernetes",
            "VERIF_STAGE": self.stage,
            "VERIF_RECIPE": self.recipe.name,
            "VERIF_COMMIT": self.commit,
            "VERIF_OVERRIDES": json.dumps(self.overrides, sort_keys=True),
            "VERIF_OVERRIDES_DIGEST": overrides_digest(self.overrides),
            "VERIF_RUN_ID": self.run_id,
        }
