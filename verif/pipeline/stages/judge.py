"""Stage `judge`: the judge model, tiny and from scratch, tuned from the policy, pinned from a hub, or none."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from verif.data.hub import check_folder, fetch
from verif.data.splits import GoldenItem, JudgePair
from verif.data.tables import read_judge_pairs, write_golden, write_judge_pairs
from verif.errors import RecipeError
from verif.pipeline.stages.models import require_space, training_threads
from verif.pipeline.stages.registered import take
from verif.project import Stage
from verif.recipe import HubModel, NoModel, RegisteredJudge, RelevanceJudge
from verif.system.files import digest_tree, new_directory, write_json
from verif.system.record import SILENT, Record

QUICK = 300
RELEVANCE_MB = 1000
"""Free disk for a judge as large as the policy, written beside the one that it replaces."""


def run(stage: Stage, record: Record = SILENT) -> None:  # noqa: ARG001 - its files are recorded
    """Write `models/judge` and `reports/judge.json`."""
    section, out = stage.recipe.judge, stage.models / "judge"
    require_space(stage.models)
    keep_lessons(stage, [])
    keep_golden(stage, [])
    if isinstance(section, NoModel):
        with new_directory(out) as folder:
            write_json(folder / "none.json", {"judge": None, "why": "the recipe's formula asks no judge"})
        write_json(stage.reports / "judge.json", {"kind": "none"})
        print("judge: none (the recipe's formula asks no judge)")
        return
    if isinstance(section, HubModel):
        write_json(
            stage.reports / "judge.json", {"repo": section.repo, "digest": fetch(section, out, "judge")}
        )
        return
    if isinstance(section, RegisteredJudge):
        taken = take(stage, section.model_name, section.alias, out, section.digest)
        write_json(stage.reports / "judge.json", {"kind": "registered", **taken})
        print(f"judge: version {taken['version']} of {taken['model_name']}")
        return
    if isinstance(section, RelevanceJudge):
        from verif.pipeline.relevance import make_relevance_judge

        require_space(stage.models, RELEVANCE_MB)
        numbers, responses = make_relevance_judge(stage, section, out)
        check_folder(out)
        keep_golden(stage, responses)
        write_json(stage.reports / "judge.json", {"kind": "relevance", **numbers, "digest": digest_tree(out)})
        right = {kind: told["right"] for kind, told in numbers["relevance"].items()}
        print(f"judge: {numbers['parameters']:,} parameters, tuned from the policy; right by kind: {right}")
        return
    pairs = read_judge_pairs(stage.data / "judge_pairs.parquet")
    if not pairs:
        raise RecipeError(
            "judge: this recipe's data holds no judgements to train a judge on.",
            "Use `judge: {kind: none}` or a hub model.",
        )
    threads = training_threads()
    from verif.training.tiny.judge_sft import train_judge, without_reasons

    pairs = pairs if section.reasons else without_reasons(pairs)
    with new_directory(out) as folder:
        trained = train_judge(section, stage.recipe.verifier.prompt, pairs, folder, threads)
        check_folder(folder)
    rounds: list[dict[str, Any]] = []
    if section.harden:
        from verif.pipeline.hardening import harden_judge

        lessons, rounds = harden_judge(stage, section.harden, out, pairs, threads)
        check_folder(out)
        keep_lessons(stage, lessons)
    report = {**asdict(trained), "digest": digest_tree(out), **quick_look(stage)}
    if rounds:
        report["hardening"] = rounds
    write_json(stage.reports / "judge.json", report)
    print(
        f"judge: {trained.parameters:,} parameters, validation loss {trained.validation_loss}, {report.get('quick')}"
    )


def keep_lessons(stage: Stage, lessons: Sequence[JudgePair]) -> None:
    """What the judge learnt beyond the prepared judgements: replay for whoever hardens it again."""
    write_judge_pairs(stage.data / "judge_lessons.parquet", lessons)


def keep_golden(stage: Stage, responses: Sequence[GoldenItem]) -> None:
    """Responses that this stage knows the truth of, for the audit beside those of `prepare`."""
    write_golden(stage.data / "judge_golden.parquet", responses)


def quick_look(stage: Stage) -> dict[str, Any]:
    """Accuracy on fresh judgements of the local world, mixed as in training (the audit measures the rest)."""
    if stage.recipe.data.kind != "world":
        return {}
    from verif.data.world.prepare import judge_pairs
    from verif.training.tiny.judge_sft import scores

    pairs = judge_pairs(QUICK, random.Random(f"{stage.recipe.seed}-judge-quick"), split="golden")
    return {"quick": asdict(scores(stage.models / "judge", stage.recipe.verifier.prompt, pairs))}
