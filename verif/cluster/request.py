"""One stage to be run on the cluster: what it is, and the name that makes submitting it twice impossible."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from verif.project import overrides_digest
from verif.recipe import HubModel, Recipe, Resources
from verif.system.files import digest

MANAGED_BY = "verif"
WORKSPACE, CHECKPOINTS = "/workspace", "/checkpoints"
STAGE_LABEL, RUN_LABEL, ATTEMPT_LABEL = "verif.dev/stage", "verif.dev/run", "verif.dev/attempt"
VERIFIER_LABEL = "verif.dev/verifier"
"""On what asks a verifier for verdicts: while such a Job runs, the verifier stays."""
HUB_LABEL, NODES_LABEL = "verif.dev/hub", "verif.dev/nodes"
"""On pods that download from the model hub, and on those of a stage over several nodes: the network policies ask."""
VERIFIER_PORT = 8600
ASKS_VERIFIER = frozenset({"verifier", "train", "evaluate"})


def goes_to_cluster(recipe: Recipe, stage: str) -> bool:
    """Whether the recipe sends this stage to the cluster; one that it does not name runs here."""
    return recipe.resources.get(stage, Resources()).executor == "kubernetes"


@dataclass(frozen=True)
class StageRequest:
    """A stage of a recipe at a commit, with this run's data file and overrides. `attempt` counts deliberate retries from 1.

    `verifier`: name of the service that the stage asks for verdicts; empty lets the pod start its own.
    `parent`: the execution's MLflow run, under which the pod nests the stage's; empty lets the pod begin one.
    """

    recipe: Recipe
    stage: str
    commit: str
    overrides: dict[str, Any] = field(default_factory=dict)
    attempt: int = 1
    run_id: str = ""
    data: str = ""
    verifier: str = ""
    parent: str = ""

    @property
    def resources(self) -> Resources:
        """What the recipe asks for; a stage it does not name gets the defaults.

        The verifier's GPUs and nodes are its judge's, which is a Deployment: the audit itself needs none.
        """
        asked = self.recipe.resources.get(self.stage, Resources())
        return asked.model_copy(update={"gpus": 0, "nodes": 1}) if self.stage == "verifier" else asked

    @property
    def asks_hub(self) -> bool:
        """Whether the stage downloads from the model hub: its own model, or benchmarks that are not in the commit."""
        recipe = self.recipe
        evaluated = bool(recipe.evaluate.general_tasks or any(b.repo for b in recipe.evaluate.benchmarks))
        wanted = {
            "prepare": any(b.repo for b in recipe.evaluate.benchmarks),
            "policy": isinstance(recipe.policy, HubModel),
            "judge": isinstance(recipe.judge, HubModel),
            "evaluate": evaluated,
        }
        return wanted.get(self.stage, False)

    @property
    def asks_verifier(self) -> bool:
        """Whether the stage asks a verifier that stands on the cluster, and so needs its token."""
        return self.stage in ASKS_VERIFIER and (
            bool(self.verifier) or goes_to_cluster(self.recipe, "verifier")
        )

    @property
    def workspace(self) -> str:
        """Where the pod works: scratch of its own; on the shared claim if other nodes must see its files too."""
        return f"{CHECKPOINTS}/workspaces/{self.run}" if self.resources.nodes > 1 else WORKSPACE

    @property
    def run(self) -> str:
        """What stays the same over the attempts: a function of content."""
        content = [self.recipe.name, self.stage, self.commit, self.data, overrides_digest(self.overrides)]
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
        } | (
            ({VERIFIER_LABEL: self.verifier} if self.verifier else {})
            | ({HUB_LABEL: "true"} if self.asks_hub else {})
            | ({NODES_LABEL: "several"} if self.resources.nodes > 1 else {})
        )

    @property
    def environment(self) -> dict[str, str]:
        """What the pod must know (see `verif.cluster.inside_pod`)."""
        told = {
            "VERIF_EXECUTOR": "kubernetes",
            "VERIF_STAGE": self.stage,
            "VERIF_RECIPE": self.recipe.name,
            "VERIF_DATA": self.data,
            "VERIF_COMMIT": self.commit,
            "VERIF_OVERRIDES": json.dumps(self.overrides, sort_keys=True),
            "VERIF_OVERRIDES_DIGEST": overrides_digest(self.overrides),
            "VERIF_RUN_ID": self.run_id,
            "VERIF_PARENT_RUN": self.parent,
            "VERIF_WORKSPACE": self.workspace,
            "VERIF_CHECKPOINTS": CHECKPOINTS,
            # The commit's code, not the image's. A directory that is not there yet is skipped by Python.
            "PYTHONPATH": f"{self.workspace}/clone",
        }
        if self.verifier:
            told["VERIF_VERIFIER_URL"] = f"http://{self.verifier}:{VERIFIER_PORT}"
        return told
