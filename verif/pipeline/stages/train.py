"""Stage `train`: refuse an unfit verifier, take the verifier service on loan, train, watch every step, and repair.

Where an oracle finds the verifier fooled, training goes back to the last checkpoint before that, the judge learns from what
it missed, and goes on teaching under a new identity (`verif.pipeline.repair`). What is exported is the best checkpoint by
the oracle's looks, not the last.
"""

from __future__ import annotations

import time
from dataclasses import asdict

from verif.audit.alarms import DivergedError, suspected
from verif.audit.best import best, scores, worst_false
from verif.audit.fitness import require_fit, teacher_of
from verif.audit.oracles import answer_to_alarm, oracle_of
from verif.audit.truth import accepted_share, truth_share
from verif.audit.watch import Watcher
from verif.data.rollouts import read_file, step_path
from verif.errors import TrainingError
from verif.pipeline import repair
from verif.pipeline import teaching as state
from verif.pipeline.teaching import Teaching
from verif.project import Stage
from verif.service import lease
from verif.service.lease import VerifierEndpoint
from verif.system.record import SILENT, Record
from verif.training import launch
from verif.training.progress import RunFolder
from verif.training.supervise import OnStep
from verif.training.telling import told


def run(stage: Stage, record: Record = SILENT) -> None:
    """Write models/trained, reports/train.json and reports/train/."""
    audited = require_fit(stage)
    require_audited(stage, audited)
    with launch.opened(stage, VerifierEndpoint("", audited)) as folder:
        teaching = repair.reconsider(stage, folder, state.read(folder, audited))
        state.write(folder, teaching)
        while (end := launch.finished(folder)) is None:
            if teaching.repair and not teaching.ended:
                teaching = repair.carry_out(stage, folder, teaching)
            if teaching.ended:
                choose(stage, folder, teaching, seconds=teaching.seconds)
            else:
                teaching = teach(stage, folder, teaching, record)
        launch.publish(stage, end, record, teaching.report)


def require_audited(stage: Stage, audited: str) -> None:
    """`TrainingError` unless the verifier that the code and the models here make is the audited one."""
    if (teacher := teacher_of(stage)) != audited:
        raise TrainingError(
            f"the verifier now is {teacher[:12]}, but {audited[:12]} was audited.",
            "Run `dvc repro verifier`.",
        )


def teach(stage: Stage, folder: RunFolder, teaching: Teaching, record: Record) -> Teaching:
    """Train with the present verifier, to the end or until it is found to be fooled."""
    taught = repair.stage_of(stage, folder, teaching)
    require_audited(taught, teaching.present.identity)
    with lease.verifier(taught) as endpoint:  # which has the code that is here, or is refused
        watcher, began = watch(stage, endpoint.url, folder, teaching, record), time.monotonic()
        after = look(stage, watcher, folder, record)
        try:
            watcher.require_calm()  # an alarm that was raised just before everything was killed
            for step in missed(watcher, folder):
                after(step)
            served = launch.reinforce(stage, endpoint, folder, after)
        except DivergedError as diverged:
            worst = worst_false(watcher.history, watcher.since, diverged.alarm.step)
            spent = time.monotonic() - began
            teaching = teaching.blamed(worst_false=worst).fooled(diverged.alarm, folder.whole(), spent)
            state.write(folder, teaching)
        else:
            worst = worst_false(watcher.history, watcher.since, stage.recipe.train.steps + 1)
            teaching = teaching.blamed(worst_false=worst)
            state.write(folder, teaching)
            choose(stage, folder, teaching, **served | {"seconds": teaching.seconds + served["seconds"]})
    return teaching


def missed(watcher: Watcher, folder: RunFolder) -> list[int]:
    """Steps up to the last checkpoint that nobody has looked at: everything was killed between the two."""
    seen, last = {summary.step for summary in watcher.history}, folder.checkpoint()
    return [step for step in folder.done() if step <= last and step not in seen]


def watch(stage: Stage, url: str, folder: RunFolder, teaching: Teaching, record: Record) -> Watcher:
    """The watch of the present verifier's time, with the run's history."""
    train = stage.recipe.train
    return Watcher(
        train.watch,
        folder.alarms,
        oracle=oracle_of(stage.recipe, url),
        emit=record.metrics,
        seed=train.seed,
        answer=answer_to_alarm(stage.recipe),
        steps=train.steps,
        since=teaching.present.after,
    )


def look(stage: Stage, watcher: Watcher, folder: RunFolder, record: Record) -> OnStep:
    """Looks at each step's rollouts; keeps the best checkpoint, and the last before a divergence may have begun."""

    def after(step: int) -> None:
        numbers = folder.metrics(step)
        rollouts = list(read_file(step_path(folder.rollouts, step)))
        watcher.look(step, rollouts, numbers.get("actor/entropy"), numbers.get("verif/step_s"))
        accepted = accepted_share([rollout.reward for rollout in rollouts])
        shares = {
            "train/accepted": accepted,
            "train/true": truth_share(asdict(watcher.history[-1]), accepted),
        }
        known = {name: share for name, share in shares.items() if share is not None}
        record.metrics(told(folder, step) | known, step)
        if stage.recipe.watched:
            whole, limits = folder.whole(), watcher.limits
            doubtful = suspected(watcher.history, limits, watcher.since)
            safe = max((saved for saved in whole if saved < doubtful), default=0)
            cycle = stage.recipe.train.cycle
            folder.keep_only({best(watcher.history, whole, limits.every, cycle) or 0, safe})
        watcher.require_calm()

    return after


def choose(stage: Stage, folder: RunFolder, teaching: Teaching, **said: object) -> None:
    """End the run with its best checkpoint: by the oracle's looks, and of those from before a divergence.

    `TrainingError` if training has ended and there is none.
    """
    watcher = Watcher(stage.recipe.train.watch, folder.alarms)
    whole = folder.whole()
    if teaching.ended and teaching.repair:
        whole = [step for step in whole if step < teaching.repair.began]
    if not whole:
        raise TrainingError(
            f"training ended: {teaching.ended.rstrip('.')}; no checkpoint is from before the divergence.",
            "Harden the judge before it teaches (`judge.harden`), or look for another one.",
        )
    every, cycle = watcher.limits.every, stage.recipe.train.cycle
    chosen = best(watcher.history, whole, every, cycle)
    truth = scores(watcher.history, whole, every, cycle)
    launch.finish(
        folder,
        whole[-1] if chosen is None else chosen,
        truth=None if chosen is None else round(truth[chosen], 4),
        why="the last: no oracle looked"
        if chosen is None
        else "the latest of the best, by the oracle's looks",
        ended=teaching.ended,
        oracle={
            "looks": sum(summary.truth is not None for summary in watcher.history),
            "asked": watcher.asked,
            "seconds": round(watcher.seconds, 1),
        },
        **said,
    )
