"""A project whose verifiers are fooled from a step on; veRL, the judge's training and the audit are stood in for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson
import pytest
from support.fooled import write
from support.stand_ins import local_recipe

from verif.data.splits import JudgePair
from verif.data.tables import write_judge_pairs
from verif.errors import NoLessonError
from verif.pipeline import repair
from verif.pipeline.stages import train
from verif.project import Stage
from verif.service.lease import VerifierEndpoint
from verif.system.files import new_directory, write_json
from verif.training import launch
from verif.training.progress import RunFolder

STEPS = 30


class Killed(BaseException):
    """As `kill -9`: nothing in the product catches it."""


class World:
    """A project whose verifiers are fooled from a step on, by identity; `kill` names the phase to be killed in."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.stage = Stage(root, local_recipe(), root / "source")
        steps = self.stage.recipe.train.model_copy(
            update={
                "steps": STEPS,
                "watch": self.stage.recipe.train.watch.model_copy(update={"every": 1, "sample": 64}),
            }
        )
        self.stage = Stage(root, self.stage.recipe.model_copy(update={"train": steps}), root / "source")
        self.fooled_from: dict[str, int] = {"audited": 18}
        self.fit: dict[str, bool] = {}
        self.kill, self.trained, self.lesson = "", list[tuple[str, int]](), True
        self.published: list[Any] = []
        for name in ("policy", "judge"):
            (self.stage.models / name).mkdir(parents=True)
        (self.stage.models / "judge" / "name").write_text("audited")
        self.fitness(self.stage)
        write_judge_pairs(self.stage.data / "judge_pairs.parquet", [])
        monkeypatch.setattr(launch.preflight, "check", lambda stage: None)
        monkeypatch.setattr(launch, "run_digest", lambda stage, endpoint: "digest-of-a-run-")
        monkeypatch.setattr(launch, "served", lambda url: {})
        monkeypatch.setattr(launch.supervise, "run", self.supervise)
        monkeypatch.setattr(train.lease, "verifier", self.lease)
        monkeypatch.setattr(train, "teacher_of", lambda stage: (stage.models / "judge" / "name").read_text())
        monkeypatch.setattr(repair.audit_stage, "run", self.audit)
        monkeypatch.setattr(repair, "harden", self.harden)
        monkeypatch.setattr(repair, "export", lambda checkpoint, policy, target: target.mkdir(parents=True))
        monkeypatch.setattr(launch, "publish", lambda *given: self.published.append(given))

    @property
    def folder(self) -> RunFolder:
        return RunFolder(self.stage.state / "runs" / "digest-of-a-run-")

    def name(self, stage: Stage) -> str:
        return (stage.models / "judge" / "name").read_text()

    def fitness(self, stage: Stage) -> None:
        name = self.name(stage)
        write_json(
            stage.models / "verifier" / "identity.json",
            {"identity": name, "fit": self.fit.get(name, True), "reasons": ["too many false accepted"]},
        )

    def die_at(self, phase: str) -> None:
        if self.kill == phase:
            self.kill = ""
            raise Killed(phase)

    @contextmanager
    def lease(self, stage: Stage) -> Iterator[VerifierEndpoint]:
        yield VerifierEndpoint("http://nowhere", self.name(stage))

    def supervise(
        self, build: Any, folder: RunFolder, *, steps: int, on_step: Callable[[int], None], **_: Any
    ) -> None:
        teacher = self.state["teachers"][-1]["identity"]
        for step in range(folder.checkpoint() + 1, steps + 1):
            self.trained.append((teacher, step))
            write(folder, step, false=6 if step >= self.fooled_from.get(teacher, 999) else 0)
            self.die_at(f"step {step}")
            on_step(step)

    def harden(self, judge: Path, out: Path, *, contradicted: list[JudgePair], **_: Any) -> Any:
        self.die_at("harden")
        if not self.lesson:
            raise NoLessonError(
                "none of the 3 contradicted responses is new to the judge.", "A larger judge."
            )
        assert contradicted
        assert not any(pair.followed for pair in contradicted)
        with new_directory(out) as folder:
            (folder / "name").write_text((judge / "name").read_text() + "+")
        return type("Hardened", (), {"new": len(contradicted)})

    def audit(self, stage: Stage) -> None:
        self.die_at("audit")
        self.fitness(stage)

    def allow(self, repairs: int) -> None:
        """Another `train.watch.repairs` in the recipe."""
        section = self.stage.recipe.train
        watch = section.watch.model_copy(update={"repairs": repairs})
        recipe = self.stage.recipe.model_copy(update={"train": section.model_copy(update={"watch": watch})})
        self.stage = Stage(self.stage.root, recipe, self.stage.source)

    def run(self) -> None:
        train.run(self.stage)

    @property
    def state(self) -> dict[str, Any]:
        kept: dict[str, Any] = orjson.loads((self.folder.path / "teachers.json").read_bytes())
        return kept

    @property
    def end(self) -> dict[str, Any]:
        kept: dict[str, Any] = orjson.loads((self.folder.path / "finished.json").read_bytes())
        return kept
