"""The rounds of `judge.harden`: the policy answers, judge and oracle look, the judge learns where they differ.

Rounds end early when little is new, or once the judge is well within the limits that the audit will hold it to.
Whether a round made the judge better is measured on instructions that no round learns from (those of the golden set),
before the first round and after each, and the best of all these judges is kept: one that refuses everything is not
fooled either. The audit's own figures come later.
"""

from __future__ import annotations

import asyncio
import random
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from verif.audit.pressure.report import numbers
from verif.audit.pressure.run import Drawn, Pressure, measure
from verif.audit.pressure.truth import truths_of
from verif.core.instruction_files import read_instructions
from verif.core.judge.judge import Judge, sampling
from verif.core.verifier import Verifier
from verif.data.splits import JudgePair
from verif.errors import RecipeError
from verif.pipeline.rollouts import draw, held_out
from verif.project import Stage
from verif.recipe import HardenSection, PressureSection
from verif.system.files import digest_tree, new_directory
from verif.types import Instruction

if TYPE_CHECKING:
    from verif.training.tiny.harden import Hardened

CHECK_PROMPTS, CHECK_SAMPLES, CHECK_MUTANTS = 48, 8, 400
"""What each round is measured on: fewer answers than the audit's, since it only has to say whether to go on."""
TOKENS = 104


def harden_judge(
    stage: Stage, section: HardenSection, judge: Path, lessons: Sequence[JudgePair], threads: int = 1
) -> tuple[list[JudgePair], list[dict[str, Any]]]:
    """Harden the judge in `judge` and put the best of all rounds in its place. Returns the new lessons and each round's numbers.

    Raises `RecipeError` for data without an oracle that knows reasons (only the local world's does).
    """
    if stage.recipe.data.kind != "world":
        raise RecipeError(
            "judge.harden: a tiny judge learns from the world's oracle, and this recipe's data has none.",
            "Leave `judge.harden` out.",
        )
    items = read_instructions(stage.data / "train.parquet")
    rng = random.Random(f"harden-{stage.recipe.seed}")
    held = _check(stage)
    known, learnt = list(lessons), list[JudgePair]()
    rounds = [{"round": 0, **figures(look(stage, judge, held, CHECK_MUTANTS, 0))}]
    stage.state.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="hardening-", dir=stage.state) as name:
        folder, judges, taught = Path(name), [judge], [0]
        for number in range(1, section.rounds + 1):
            if withstands(rounds[-1], stage.recipe.verifier.pressure, section.aim):
                break
            chosen = rng.sample(items, min(section.prompts, len(items)))
            new, made = harden_once(
                stage, section, judges[-1], folder / str(number), known, chosen, number, threads
            )
            if made is None:
                rounds.append({"round": number, "new": len(new), "ended": "too little is new"})
                break
            known, learnt = [*known, *new], [*learnt, *new]
            judges.append(folder / str(number))
            taught.append(len(learnt))
            rounds.append(
                {"round": number, **asdict(made), **figures(look(stage, judges[-1], held, CHECK_MUTANTS, 0))}
            )
            print(f"judge: round {number}: {len(new)} new lessons; {_said(rounds[-1])}", flush=True)
        best = best_round(rounds)
        rounds[best]["kept"] = True
        if best:
            with new_directory(judge) as place:
                shutil.copytree(judges[best], place, dirs_exist_ok=True)
    return learnt[: taught[best]], rounds


def harden_once(
    stage: Stage, section: HardenSection, judge: Path, out: Path, known: Sequence[JudgePair],
    items: Sequence[Instruction], number: int, threads: int = 1,
) -> tuple[list[JudgePair], Hardened | None]:  # fmt: skip
    """One round: the policy answers `items`, and what `judge` sees otherwise than the world is learnt beside the `known`.

    Returns the new lessons, and the training that wrote `out`; None, and no folder, where too little is new.
    """
    from verif.data.world.prepare import lesson
    from verif.training.tiny.harden import harden, new_lessons
    from verif.training.tiny.judge_sft import without_reasons

    as_taught = list if getattr(stage.recipe.judge, "reasons", True) else without_reasons
    seed = stage.recipe.seed + number
    drawn = draw(stage, items, section.samples, section.temperature, TOKENS, seed)
    pressed = look(stage, judge, drawn, section.mutants, number)
    new = new_lessons(known, as_taught([lesson(item, text) for item, text, _ in pressed.contradicted()]))
    if len(new) < section.enough:
        return new, None
    made = harden(
        judge, out, template=stage.recipe.verifier.prompt, lessons=known, contradicted=new,
        agreed=as_taught([lesson(item, text) for item, text, _ in pressed.agreed()]),
        steps=section.steps, seed=seed, replay=section.replay, threads=threads,
    )  # fmt: skip
    return new, made


def withstands(row: dict[str, Any], limits: PressureSection | None, aim: float) -> bool:
    """Whether a round's judge lets so little pass that it is within `aim` of both limits of the audit: another round costs
    minutes and finds little. Without limits, or where nothing was measured, it is not known to.
    """
    if limits is None:
        return False
    measured = (("false_accepted", limits.max_false_accepted), ("search", limits.max_search))
    return all(row.get(name, 1.0) <= aim * limit for name, limit in measured)


def best_round(rounds: Sequence[dict[str, Any]]) -> int:
    """The round whose judge accepts most of what is true and refuses most of what is false, both counting alike.

    The latest of several: it has seen most. Rounds that ended early have no judge.
    """
    worth: dict[int, float] = {
        row["round"]: row.get("accept_true", 1.0) + row.get("recall_false", 1.0)
        for row in rounds
        if "ended" not in row
    }
    return max(worth, key=lambda number: (worth[number], number))


def figures(pressed: Pressure) -> dict[str, Any]:
    """A round's numbers: those of the audit under pressure, and how many true and false answers are judged rightly."""
    shares = {"accept_true": pressed.accept_true(), "recall_false": pressed.recall_false()}
    return numbers(pressed) | {name: round(share.value, 4) for name, share in shares.items() if share.n}


def look(stage: Stage, judge: Path, drawn: Sequence[Drawn], mutants: int, seed: int) -> Pressure:
    """Pressure on the verifier with the tiny judge of a folder, asked in this process."""
    truths = truths_of(stage.recipe, None)
    assert truths is not None, "the local world has an oracle"
    verifier = in_process(stage, judge)

    async def run() -> Pressure:
        try:
            return await measure(verifier, drawn, stage.recipe, truths, mutants, stage.recipe.seed + seed)
        finally:
            await verifier.close()

    return asyncio.run(run())


def in_process(stage: Stage, judge: Path) -> Verifier:
    """The recipe's verifier with the tiny judge of a folder: rules and verdicts are those of the service."""
    from verif.training.tiny.asking import TinyClient

    section = stage.recipe.verifier
    return Verifier(
        formula=section.formula,
        unscorable_reward=section.unscorable_reward,
        reasoning=section.reasoning,
        judge=Judge(
            TinyClient(judge, section.max_judge_tokens),
            template=section.prompt,
            model_digest=digest_tree(judge),
            parameters=sampling(section.prompt, section.max_judge_tokens),
        ),
    )


def _check(stage: Stage) -> list[Drawn]:
    """The policy's answers to golden instructions, at the temperature of training."""
    return draw(stage, held_out(stage, CHECK_PROMPTS), CHECK_SAMPLES, 1.0, TOKENS, stage.recipe.seed)


def _said(row: dict[str, Any]) -> str:
    shown = ("accept_true", "recall_false", "false_accepted", "search", "best_truth")
    return ", ".join(f"{name} {row[name]}" for name in shown if name in row)
