"""Stage `prepare`: splits, corpora and the quarantine file, from the local world, composed tasks or a file of rows."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import orjson

from verif.core.instruction_files import write_instructions
from verif.data import tables as corpora
from verif.data.benchmark_files import without_rows
from verif.data.judgements.pairs import PairSource
from verif.data.splits import JudgePair, Splits
from verif.errors import RecipeError
from verif.project import Stage
from verif.recipe import ComposedData, FileData, JudgementData, SumsData
from verif.system.files import digest, write_bytes, write_json
from verif.system.record import SILENT, Record

SPLITS = ("train", "validation", "test", "unseen")


def prepare(stage: Stage) -> Splits:
    """The splits of the recipe's data section."""
    section = stage.recipe.data
    if isinstance(section, FileData):
        from verif.data.labelled import read_labelled
        from verif.data.row_source import row_file
        from verif.data.verinstruct import prepare_verinstruct

        # first, because a row that cannot be read should not cost the minutes of a screening
        known = read_labelled(stage.root / section.labelled) if section.labelled else []
        pairs = judged_pairs(stage, section)
        made: Splits = prepare_verinstruct(row_file(section, stage.source), section, stage.recipe.seed)
        told = {**made.summary, "labelled": len(known)}
        return replace(made, golden=[*made.golden, *known], judge_pairs=pairs, summary=told)
    if isinstance(section, ComposedData):
        from verif.data.composed.prepare import prepare_composed

        return prepare_composed(section, stage.recipe.seed)
    if isinstance(section, JudgementData):
        from verif.audit.attacked_pairs import attacked_pairs
        from verif.data.judgements.prepare import prepare_judgements

        seed, source = stage.recipe.seed, pair_source(stage, section)
        return prepare_judgements(section, seed, source, attacked_pairs(source, section.attacks, seed))
    if isinstance(section, SumsData):
        from verif.data.sums.prepare import prepare_sums

        return prepare_sums(section, stage.recipe.seed)
    from verif.data.world.prepare import prepare_world

    return prepare_world(section, stage.recipe.seed)


def judged_pairs(stage: Stage, section: FileData) -> list[JudgePair]:
    """What a small judge is to learn from, of `verif build --judgements`; none where the recipe names no file."""
    if not section.judged:
        return []
    hint = "Copy judge_pairs.parquet of `verif build --judgements` there; `data.judged` names it."
    return corpora.read_judge_pairs(stage.root / section.judged, hint)


def pair_source(stage: Stage, section: JudgementData) -> PairSource:
    """Where the pairs of judgements come from: the world, or rules of the data file's instructions."""
    if section.source == "world":
        from verif.data.judgements.world import WorldPairs

        return WorldPairs()
    from verif.audit.rule_pairs import RulePairs

    return RulePairs(stage.source)


def run(stage: Stage, record: Record = SILENT) -> None:  # noqa: ARG001 - its files are recorded
    """Write everything of `data/` and `reports/data.json`; a failure leaves what stood there before.

    A recipe whose evaluation could not start is refused here, before days of training.
    """
    if wrong := without_rows(stage.recipe.evaluate, stage.root):
        raise RecipeError(
            "evaluate would stop: "
            + "; ".join(f"benchmark {name}: {why}" for name, why in wrong.items())
            + ".",
            "Put the files into benchmark-files/, or give each a `path` with its `repo` or `digest` in evaluate.benchmarks.",
        )
    splits = prepare(stage)
    for name in SPLITS:
        rows = getattr(splits, name)
        write_instructions(stage.data / f"{name}.parquet", rows, source=stage.recipe.data.kind, split=name)
    corpora.write_golden(stage.data / "golden.parquet", splits.golden)
    corpora.write_policy_pairs(stage.data / "policy_pairs.parquet", splits.policy_pairs)
    corpora.write_judge_pairs(stage.data / "judge_pairs.parquet", splits.judge_pairs)
    lines = b"".join(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in splits.quarantine)
    write_bytes(stage.data / "quarantine.jsonl", lines)
    report = summary(splits)
    write_json(stage.reports / "data.json", report)
    print(f"prepared {report['rows']} rows; {report['quarantined']} left out")
    if rates := splits.summary.get("pass_rates"):
        shown = ", ".join(f"{name} {count}" for name, count in rates.items())
        print(f"how often the starting policy follows the rows to train on: {shown}")


def summary(splits: Splits) -> dict[str, Any]:
    """Counts and digests of what was made, and what the source says about itself."""
    rows = {
        f.name: len(getattr(splits, f.name))
        for f in fields(splits)
        if f.name not in ("summary", "quarantine")
    }
    prompts = [len(item.prompt.split()) for item in splits.train]
    return {
        "rows": rows,
        "quarantined": len(splits.quarantine),
        "constraints_per_instruction": _mean([len(item.constraints) for item in splits.train]),
        "words_per_prompt": _mean(prompts),
        "judge_pairs_true": _mean([pair.followed for pair in splits.judge_pairs]),
        "digest": {
            name: digest([i.model_dump(mode="json") for i in getattr(splits, name)]) for name in SPLITS
        },
        "source": splits.summary,
    }


def _mean(values: list[Any]) -> float:
    return round(sum(values) / len(values), 4) if values else 0.0
