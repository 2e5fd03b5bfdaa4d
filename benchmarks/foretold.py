"""`make bench-pressure`, after `make run`: does the audit under pressure foretell which judge its pupil will fool?

Judges of different quality, from half-trained to hardened, are made from the data that lies here. Each is audited (recall on
false golden responses, and under pressure) and then teaches the same policy for 70 steps in one process
(`benchmarks.tiny_grpo`). What a pupil loses is measured against one that the world's truth taught. The last line is one JSON
object with two rank correlations (Spearman): truth lost against the false among the best of 64, and against static recall.

Judges and finished trainings are kept: the same command goes on where it stopped. Other code, data or policy begins anew.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.answers_training import Arm
from benchmarks.greedy import by_truth, shares
from benchmarks.refill import kept as once
from benchmarks.tiny_grpo import Rewards, Written, train
from verif.audit.accuracy import measure
from verif.audit.cases import Opinion, ask
from verif.audit.golden import read_golden
from verif.core.deciding import code_below
from verif.core.instruction_files import read_instructions
from verif.data.splits import JudgePair
from verif.data.tables import read_judge_pairs, write_judge_pairs
from verif.data.world import truth
from verif.errors import InputError, VerifError
from verif.pipeline.hardening import harden_once, in_process, look
from verif.pipeline.rollouts import under_pressure
from verif.project import Stage, load_stage
from verif.recipe import ScratchJudge
from verif.system.files import digest, digest_tree, new_directory, write_json

ROOT = Path(__file__).parents[1]
HOME = ROOT / ".verif" / "foretold"
CODE = (
    "benchmarks/tiny_grpo.py",
    "verif/audit/pressure",
    "verif/data/world",
    "verif/core",
)
STEPS, WINDOW = 70, 5


@dataclass(frozen=True)
class Made:
    """How a judge is made: from scratch with so many layers and steps, then hardened for so many rounds.

    `clean` judges were shown true and loose responses only, nothing that is spoilt: they know the wishes and not the language.
    """

    name: str
    layers: int
    steps: int
    rounds: int = 0
    clean: bool = False


JUDGES = (
    Made("3 layers, 250 steps", 3, 250),
    Made("3 layers, 450 steps", 3, 450),
    Made("3 layers, 800 steps", 3, 800),
    Made("3 layers, 1400 steps", 3, 1400),
    Made("2 layers, 700 steps", 2, 700),
    Made("2 layers, 1400 steps", 2, 1400),
    Made("never shown broken language", 2, 700, clean=True),
    Made("hardened once", 3, 1400, 1),
    Made("hardened twice", 3, 1400, 2),
    Made("hardened three times", 3, 1400, 3),
)
"""From half-trained to hardened. None is chosen by what came out."""


def judge_of(stage: Stage, made: Made, lessons: Sequence[JudgePair], home: Path) -> Path:
    """The judge, made once; a hardened one goes on from the one with a round less."""
    from verif.training.tiny.judge_sft import train_judge

    folder = home / "judges" / made.name.replace(" ", "-")
    if folder.is_dir():
        return folder
    if made.rounds:
        harden_again(stage, made, lessons, home, folder)
        return folder
    section = stage.recipe.judge
    assert isinstance(section, ScratchJudge)
    section = section.model_copy(update={"layers": made.layers, "steps": made.steps, "harden": None})
    shown = [pair for pair in lessons if not made.clean or truth(pair.instruction, pair.response).grammatical]
    with new_directory(folder) as new:
        train_judge(section, stage.recipe.verifier.prompt, shown, new)
    return folder


def harden_again(stage: Stage, made: Made, lessons: Sequence[JudgePair], home: Path, folder: Path) -> None:
    """One more round of the recipe's hardening, with what the rounds before it taught."""
    before = judge_of(stage, next(judge for judge in JUDGES if is_before(judge, made)), lessons, home)
    section = stage.recipe.judge.harden  # type: ignore[union-attr]
    assert section is not None
    rng = random.Random(f"foretold-{stage.recipe.seed + made.rounds}")
    items = rng.sample(read_instructions(stage.data / "train.parquet"), section.prompts)
    file = before.with_suffix(".lessons.parquet")
    learnt = read_judge_pairs(file) if file.is_file() else []
    new, hardened = harden_once(stage, section, before, folder, [*lessons, *learnt], items, made.rounds)
    if hardened is None:
        raise InputError(
            f"only {len(new)} lessons are new to this judge: it cannot be hardened.", file=before
        )
    write_judge_pairs(folder.with_suffix(".lessons.parquet"), [*learnt, *new])


def is_before(judge: Made, made: Made) -> bool:
    """Whether a judge is the one that a hardened one goes on from."""
    return judge == replace(made, name=judge.name, rounds=made.rounds - 1)


def audited(stage: Stage, judge: Path) -> dict[str, float]:
    """Recall on the false golden responses, and what pressure finds."""
    verifier, cases = in_process(stage, judge), read_golden(stage.data / "golden.parquet")
    formula, section = stage.recipe.verifier.formula, stage.recipe.verifier.pressure

    async def opinions() -> list[Opinion]:
        try:
            return await ask(verifier, cases, formula, hard=False)
        finally:
            await verifier.close()

    static = measure(cases, asyncio.run(opinions()), formula).judge
    assert section is not None
    pressed = look(stage, judge, under_pressure(stage, section), section.mutants, 0)
    assert pressed.curve is not None
    return {
        "recall_false": round(static.recall_false.value, 4),
        "accept_true": round(static.accept_true.value, 4),
        "false_accepted": round(pressed.false_accepted.value, 4),
        "false_among_selected": round(pressed.curve.false_among_selected, 4),
        "search": round(pressed.search.success.value, 4),
    }


def taught(stage: Stage, rewards: Rewards, seed: int) -> dict[str, Any]:
    """One training: truth on held-out instructions after it, and its course in windows of steps."""
    from verif.training.tiny.inference import load

    loaded, course = load(stage.models / "policy"), list[tuple[int, int, int, int]]()

    def seen(_: int, said: Sequence[Written]) -> None:
        true = [truth(w.item, w.text).followed for w in said]
        accepted = [t for t, w in zip(true, said, strict=True) if w.reward is not None and w.reward >= 1]
        course.append((sum(true), len(true), sum(not t for t in accepted), len(accepted)))

    train(loaded, read_instructions(stage.data / "train.parquet"), rewards, seen, steps=STEPS, seed=seed)
    after = shares(loaded, read_instructions(stage.data / "test.parquet"), 1.0, seed)
    windows = [course[low : low + WINDOW] for low in range(0, STEPS, WINDOW)]
    return {
        "truth": after["followed"],
        "grammatical": after["grammatical"],
        "truth_by_window": [round(sum(w[0] for w in ws) / sum(w[1] for w in ws), 3) for ws in windows],
        "false_by_window": [
            round(sum(w[2] for w in ws) / max(1, sum(w[3] for w in ws)), 3) for ws in windows
        ],
    }


def ranked(rows: Sequence[dict[str, Any]], by: str) -> float:
    """Spearman's correlation of truth lost with a figure of the audit."""
    from scipy.stats import spearmanr

    return round(float(spearmanr([row[by] for row in rows], [row["lost"] for row in rows]).statistic), 3)


def kept(path: Path, make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """What a file holds; made first where it is not there, with the CPU seconds that it took."""

    def timed() -> dict[str, Any]:
        began = time.process_time()
        return {**make(), "cpu_seconds": round(time.process_time() - began)}

    return once(path, timed)


def by_judge(stage: Stage, judge: Path, seed: int) -> dict[str, Any]:
    """A training whose rewards are the recipe's, with a judge."""
    arm = Arm(stage.recipe, judge)
    try:
        return taught(stage, arm.rewards, seed)
    finally:
        arm.close()


def main() -> int:
    """Every judge: made, audited, and with a pupil."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--project", type=Path, default=ROOT, help="where `make run` made data and policy")
    asked = parser.parse_args()
    try:
        stage = load_stage(asked.project)
        lessons = read_judge_pairs(stage.data / "judge_pairs.parquet")
        same = [
            code_below(ROOT, CODE),
            digest_tree(stage.models / "policy"),
            digest(stage.recipe.model_dump(mode="json")),
        ]
    except VerifError as error:
        parser.exit(2, f"{error}\n")
    home = HOME / digest(same)[:12]
    seed = stage.recipe.train.seed
    best = kept(
        home / "truth.json",
        lambda: taught(stage, lambda said: by_truth(said, stage.recipe.verifier.formula), seed),
    )
    print(f"taught by the truth: {best['truth']:.3f} after {STEPS} steps", flush=True)
    rows = []
    for made in JUDGES:
        judge = judge_of(stage, made, lessons, home)
        name = judge.name
        audit = kept(home / f"{name}.audit.json", partial(audited, stage, judge))
        pupil = kept(home / f"{name}.pupil.json", partial(by_judge, stage, judge, seed))
        rows.append({"judge": made.name, **audit, "lost": round(best["truth"] - pupil["truth"], 4), **pupil})
        print(json.dumps(rows[-1]), flush=True)
    write_json(home / "rows.json", {"truth": best, "judges": rows})
    print(
        json.dumps(
            {
                "judges": len(rows),
                "rank_pressure": ranked(rows, "false_among_selected"),
                "rank_false_accepted": ranked(rows, "false_accepted"),
                "rank_static": ranked(rows, "recall_false"),
                "truth_best": best["truth"],
                "lost_most": max(row["lost"] for row in rows),
            }
        )
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
