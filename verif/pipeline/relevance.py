"""The judge of relevance is made: the policy answers, judgements are constructed of its answers, and it is tuned on them.

Answers to tasks that it was not taught are held back: of them the audit's golden set is made, with ways of spoiling a text
among them that no lesson held.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from verif.audit.relevance_pairs import (
    TAUGHT,
    UNTAUGHT,
    Answered,
    RelevancePair,
    golden,
    judgements,
    usable,
)
from verif.core.instruction_files import read_instructions
from verif.data.splits import GoldenItem
from verif.errors import RecipeError
from verif.pipeline.rollouts import draw
from verif.project import Stage
from verif.recipe import RelevanceJudge
from verif.system.files import new_directory

CHECKED = (TAUGHT, TAUGHT, TAUGHT, UNTAUGHT)
"""Of the golden set's false responses one in eight is spoilt in a way that no lesson showed."""
SHARE = 4
"""A judge of relevance is taught with at least one usable answer in so many, else the policy writes of something else."""


def make_relevance_judge(
    stage: Stage, section: RelevanceJudge, out: Path
) -> tuple[dict[str, Any], list[GoldenItem]]:
    """Write the judge to `out`; its numbers, and responses whose truth is known for the audit.

    Raises `TrainingError` where too few of the policy's answers are of their task at all.
    """
    from verif.training.tiny.relevance import PROMPT, probabilities, train_relevance

    if stage.recipe.verifier.prompt != PROMPT:
        raise RecipeError(
            f"verifier.prompt is {stage.recipe.verifier.prompt!r}; a judge of relevance reads the prompt {PROMPT!r} alone.",
            f"Write `prompt: {PROMPT}`.",
        )
    seed = str(stage.recipe.seed)
    taught, held = answered(stage, section)
    lessons = judgements(usable(taught, len(taught) // SHARE), seed)
    checks = judgements(usable(held, len(held) // SHARE), f"{seed}-held", CHECKED)
    with new_directory(out) as folder:
        pairs = [made.pair for made in lessons]
        trained = train_relevance(section, stage.models / "policy", pairs, folder, stage.recipe.seed)
    said = probabilities(out, [made.pair for made in checks])
    return {**asdict(trained), "relevance": by_kind(checks, said)}, golden(checks)


def answered(stage: Stage, section: RelevanceJudge) -> tuple[list[Answered], list[Answered]]:
    """The policy's answers to tasks that are taught, and to tasks of other subjects that are held back."""
    items = [item for item in read_instructions(stage.data / "train.parquet") if item.meta.get("task")]
    rng = random.Random(f"relevance-{stage.recipe.seed}")
    subjects = sorted({str(item.meta["source"]) for item in items})
    rng.shuffle(subjects)
    apart = set(subjects[: max(2, len(subjects) // 6)])
    rng.shuffle(items)
    taught = [item for item in items if item.meta["source"] not in apart][: section.prompts]
    held = [item for item in items if item.meta["source"] in apart][: section.held_back]
    drawn = draw(stage, [*taught, *held], 1, section.temperature, section.tokens, stage.recipe.seed)
    answers = [(group.instruction, text) for group in drawn for text in group.texts]
    return answers[: len(taught)], answers[len(taught) :]


def by_kind(
    checks: Sequence[RelevancePair], said: Sequence[float]
) -> dict[str, dict[str, float | int | bool]]:
    """Of each kind of held-back judgement the share that the judge gets right, and whether a lesson was of that kind."""
    right: dict[str, list[bool]] = defaultdict(list)
    for made, probability in zip(checks, said, strict=True):
        right[made.kind].append((probability > 0.5) is made.pair.followed)
    return {
        kind: {"n": len(hits), "right": round(sum(hits) / len(hits), 4), "taught": kind not in UNTAUGHT}
        for kind, hits in sorted(right.items())
    }
