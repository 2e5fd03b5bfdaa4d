"""A fooled verifier is repaired in the middle of a training: harvest, harden, audit, take over.

Every phase leaves a file or folder that appears whole; one that is there is not made again. So a repair that is killed
goes on where it was, and ends with the same verifier.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from verif.audit.fitness import require_fit
from verif.audit.watch import Watcher
from verif.core.answer import answer_of
from verif.data.rollouts import Rollout, read_file, step_path
from verif.data.splits import JudgePair
from verif.data.tables import read_judge_pairs, write_judge_pairs
from verif.data.world.prepare import lesson
from verif.errors import NoLessonError, UnfitVerifierError
from verif.pipeline import teaching as state
from verif.pipeline.stages import verifier as audit_stage
from verif.pipeline.teaching import Missed, Repair, Teaching
from verif.project import Stage
from verif.recipe import Recipe
from verif.service.config import URL_VARIABLE
from verif.system.files import new_directory
from verif.training import launch
from verif.training.export import export
from verif.training.progress import RunFolder
from verif.training.tiny.harden import harden
from verif.training.tiny.judge_sft import without_reasons
from verif.types import Reasoning, Status, is_hard

STEPS = 600
"""Steps of hardening where the recipe's `judge.harden` names none: a third of what the judge was trained for."""
MOST = 4000
"""Lessons of one repair at most, the latest first: more say the same again."""
EXAMPLES = 8
LESSONS, AGREED = "contradicted.parquet", "agreed.parquet"
ELSEWHERE = (URL_VARIABLE, "VERIF_JUDGE_URL")


@dataclass(frozen=True)
class Repaired(Stage):
    """The project as a repaired verifier sees it: the same data, with models and reports of its own."""

    place: Path

    @property
    def models(self) -> Path:
        """Judge, policy, and the verifier's fitness."""
        return self.place / "models"

    @property
    def reports(self) -> Path:
        """The audit's."""
        return self.place / "reports"


def hindrance(recipe: Recipe, environment: Mapping[str, str]) -> str:
    """Why this verifier cannot be repaired here; empty if it can."""
    if recipe.judge.kind not in ("scratch", "registered") or recipe.data.kind != "world":
        return "only a judge that this pipeline trains, in a world whose truth is known, can be hardened while it teaches"
    for name in ELSEWHERE:
        if environment.get(name):
            return f"the judge is served by somebody else ({name})"
    return ""


def carry_out(stage: Stage, folder: RunFolder, teaching: Teaching) -> Teaching:
    """Do the pending repair; afterwards another verifier teaches, or training has ended with a reason.

    The state is written before and after; checkpoints and numbers of later steps than `back_to` are gone then.
    """
    repair = teaching.repair
    assert repair is not None
    allowed = stage.recipe.train.watch.repairs
    print(f"train: {repair.alarm}", flush=True)
    if reason := _forbidden(stage, repair):
        return _give_up(folder, teaching, reason)
    place = state.place(folder, repair)
    lessons = place / LESSONS
    if not lessons.is_file():
        teaching = _harvest(folder, teaching, lessons, stage.recipe.verifier.reasoning)
    print(f"train: repair {repair.number} of {allowed}: back to step {repair.back_to}", flush=True)
    repaired = Repaired(stage.root, stage.recipe, stage.source, place)
    try:
        _harden(stage, folder, teaching, repair, repaired)
        audit_stage.run(repaired)
        identity = require_fit(repaired)
    except NoLessonError as error:
        return _give_up(folder, teaching, error.message)
    except UnfitVerifierError as error:
        return _give_up(folder, teaching, f"the repaired verifier is no better: {error.message}")
    folder.go_back(repair.back_to)
    Watcher(stage.recipe.train.watch, folder.alarms, answer="repair").forget_after(repair.back_to)
    teaching = teaching.taken_over(identity, str(place.relative_to(folder.path)))
    state.write(folder, teaching)
    return teaching


def reconsider(stage: Stage, folder: RunFolder, teaching: Teaching) -> Teaching:
    """A run that ended because no repair was possible or allowed goes on where one is now; one that was tried does not."""
    pending = teaching.repair
    if not teaching.ended or pending is None or (state.place(folder, pending) / LESSONS).is_file():
        return teaching
    if _forbidden(stage, pending):
        return teaching
    launch.reopen(folder)
    teaching = teaching.given_up("")
    state.write(folder, teaching)
    return teaching


def stage_of(stage: Stage, folder: RunFolder, teaching: Teaching) -> Stage:
    """The project with the judge that teaches now."""
    teacher = teaching.present
    if not teacher.folder:
        return stage
    return Repaired(stage.root, stage.recipe, stage.source, state.place(folder, teacher))


def contradicted(
    rollouts: Iterator[Rollout], reasoning: Reasoning
) -> Iterator[tuple[bool, JudgePair, Rollout]]:
    """Each rollout that the judge decided, as the oracle's lesson: whether they agree, the lesson, the rollout."""
    for rollout in rollouts:
        said = _judged(rollout)
        if said is not None:
            text = answer_of(rollout.response, reasoning=reasoning).text
            taught = lesson(rollout.instruction, text)
            yield said is taught.followed, taught, rollout


def _judged(rollout: Rollout) -> bool | None:
    """What the judge said of all soft constraints together; None where it said nothing."""
    soft = {index for index, wish in enumerate(rollout.instruction.constraints) if not is_hard(wish)}
    for verdict in rollout.verification.verdicts if rollout.verification else ():
        if soft and set(verdict.covers) == soft and verdict.status in (Status.PASS, Status.FAIL):
            return verdict.status is Status.PASS
    return None


def _harvest(folder: RunFolder, teaching: Teaching, target: Path, reasoning: Reasoning) -> Teaching:
    """Keep what judge and oracle see differently, of all steps, and as much on which they agree; and of the present
    verifier's time, what it missed."""
    lessons: dict[tuple[str, str], JudgePair] = {}
    beside: dict[tuple[str, str], JudgePair] = {}
    present, judged, missed = teaching.present, 0, list[Missed]()
    for step in reversed(folder.done()):
        rows = read_file(step_path(folder.rollouts, step))
        for agreed, taught, rollout in contradicted(rows, reasoning):
            judged += step > present.after
            kept = beside if agreed else lessons
            if len(kept) < MOST:
                kept.setdefault((taught.instruction.prompt, taught.response), taught)
            if agreed:
                continue
            if step > present.after:
                missed.append(
                    Missed(
                        prompt=rollout.instruction.prompt,
                        response=taught.response,
                        accepted=not taught.followed,
                    )
                )
    wrong = [response for response in missed if response.accepted]
    teaching = teaching.blamed(
        alarm=teaching.repair.alarm if teaching.repair else "",
        judged=judged,
        wrongly_accepted=len(wrong),
        wrongly_refused=len(missed) - len(wrong),
        missed=tuple((wrong or missed)[:EXAMPLES]),
    )
    state.write(folder, teaching)
    write_judge_pairs(target.with_name(AGREED), list(beside.values()))
    write_judge_pairs(target, list(lessons.values()))  # last: it says that the harvest is in
    return teaching


def _harden(stage: Stage, folder: RunFolder, teaching: Teaching, repair: Repair, repaired: Repaired) -> None:
    """The judge that was fooled goes on learning; beside it stands the policy that it is going to teach."""
    if not (repaired.models / "policy").is_dir():
        if repair.back_to:
            export(folder.at(repair.back_to), stage.models / "policy", repaired.models / "policy")
        else:
            with new_directory(repaired.models / "policy") as policy:
                shutil.copytree(stage.models / "policy", policy, dirs_exist_ok=True)
    if (repaired.models / "judge").is_dir():
        return
    section, before = stage.recipe.judge, folder.path / "repairs"
    steps = getattr(getattr(section, "harden", None), "steps", 0) or STEPS
    as_taught = list if getattr(section, "reasons", True) else without_reasons
    hardened = harden(
        stage_of(stage, folder, teaching).models / "judge",
        repaired.models / "judge",
        template=stage.recipe.verifier.prompt,
        lessons=as_taught(
            [
                *read_judge_pairs(stage.data / "judge_pairs.parquet"),
                *_kept(stage.data / "judge_lessons.parquet"),
                *(p for n in range(1, repair.number) for p in _kept(before / str(n) / LESSONS)),
            ]
        ),
        contradicted=as_taught(_kept(repaired.place / LESSONS)),
        agreed=as_taught(_kept(repaired.place / AGREED)),
        steps=steps,
        seed=1000 * stage.recipe.seed + repair.number,
    )
    print(f"train: the judge was hardened with {hardened.new} new lessons in {steps} steps", flush=True)


def _kept(path: Path) -> list[JudgePair]:
    return read_judge_pairs(path) if path.is_file() else []


def _forbidden(stage: Stage, repair: Repair) -> str:
    """Why this repair is not tried; empty if it is."""
    allowed = stage.recipe.train.watch.repairs
    if repair.number > allowed:
        return f"the recipe's repairs ({allowed}) are used up"
    return hindrance(stage.recipe, os.environ)


def _give_up(folder: RunFolder, teaching: Teaching, reason: str) -> Teaching:
    print(f"train: no repair: {reason}", flush=True)
    teaching = teaching.given_up(reason)
    state.write(folder, teaching)
    return teaching
