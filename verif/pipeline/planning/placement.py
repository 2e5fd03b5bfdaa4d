"""Where each of the seven stages of a recipe runs, and with what."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from verif.cluster.render import CLUSTER_STAGES
from verif.cluster.request import StageRequest
from verif.project import STAGES
from verif.recipe import Recipe
from verif.training.command import CommandLine, job
from verif.training.environment import RunFiles


@dataclass(frozen=True)
class Placed:
    """A stage with its resources. `gpus`, `cpus` and `memory_gb` are per node, `runs_as` is the kind of object."""

    stage: str
    executor: str
    runs_as: str
    nodes: int
    gpus: int
    gpu_type: str
    cpus: int
    memory_gb: int
    deadline_h: float


def placed(recipe: Recipe) -> tuple[Placed, ...]:
    """The seven stages."""
    out = []
    for stage in STAGES:
        asked = StageRequest(recipe, stage, "").resources
        remote = asked.executor == "kubernetes"
        if remote and stage == "verifier":
            kind = "Deployments: judge, service"
        elif remote and stage in CLUSTER_STAGES:
            kind = "RayJob" if asked.nodes > 1 else "Job"
        else:
            kind = "local process"
        out.append(
            Placed(
                stage,
                "local" if kind == "local process" else "kubernetes",
                kind,
                asked.nodes,
                asked.gpus,
                asked.gpu_type,
                asked.cpus,
                asked.memory_gb,
                asked.deadline_h,
            )
        )
    return tuple(out)


def command(recipe: Recipe) -> CommandLine:
    """veRL's command line of the train stage; paths are relative, and the verifier's address is not known yet."""
    places = RunFiles(
        policy=Path("models/policy"),
        train=Path("data/train.parquet"),
        validation=Path("data/validation.parquet"),
        run=Path(".verif/runs/DIGEST"),
        ray=Path("RAY_FOLDER"),
    )
    return job(recipe.train, places, experiment=recipe.name, verifier_url="VERIFIER_URL")
