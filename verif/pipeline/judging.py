"""What `verif build --judgements` runs: rows and files of answers in, a folder of judgements for a small judge out.

The folder holds `judge_pairs.parquet`, in the form that `prepare` writes and the stage `judge` reads, the held-out part in
`held_out.parquet`, the card, the quarantine and the ledger.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from verif.core.row_files import read_rows
from verif.core.score import dumps
from verif.data.builder.calls import Caller
from verif.data.builder.card import cost
from verif.data.builder.judgements import Answered, JudgedAnswers, judged
from verif.data.builder.ledger import Ledger
from verif.data.builder.quarantine import Refusal, counted
from verif.data.splits import JudgePair
from verif.data.tables import write_judge_pairs
from verif.errors import InputError, RecipeError
from verif.pipeline.addresses import connected
from verif.pipeline.building import BuildOutcome, Progress, benchmark_prompts
from verif.recipe import BuildRecipe
from verif.system.files import digest, digest_path, write_bytes, write_json


def build_judgements(
    rows_file: Path,
    answer_files: Sequence[Path],
    out: Path,
    recipe: BuildRecipe,
    told: Progress,
    urls: tuple[str, ...] = (),
    budget: float | None = None,
) -> BuildOutcome:
    """Read, ask, write. What was judged before an end in the middle is written, too."""
    if recipe.judge is None:
        raise RecipeError("the build recipe names no judge.", "Give `judge: {name: ...}`.")
    model = recipe.judge
    answers, refused = read_answers(rows_file, answer_files)
    held = benchmark_prompts(recipe.pairs.benchmarks)
    connect = connected(urls, recipe, [model])
    with Ledger(out / "calls.jsonl") as ledger:
        caller = Caller(ledger, connect, budget)

        async def run() -> JudgedAnswers:
            try:
                return await judged(
                    answers, held, caller, model, similar=recipe.pairs.similar, seed=recipe.seed,
                    at_once=recipe.at_once, told=lambda done, of: told(done, of, caller.spending),
                )  # fmt: skip
            finally:
                await caller.close()

        made = asyncio.run(run())
        made.refused[:0] = refused
        digests = {f"answers of {model_of(path)}": digest_path(path) for path in answer_files}
        digests |= {"rows": digest_path(rows_file), "recipe": digest(recipe.model_dump(mode="json"))}
        card = _write(out, made, ledger, digests)
        return BuildOutcome(card, caller.spending, ledger.kept, made.ended, made.why)


def read_answers(rows_file: Path, answer_files: Sequence[Path]) -> tuple[list[Answered], list[Refusal]]:
    """The answers joined to the rows by prompt, each with its file's name as its model; unknown prompts are refused.

    Without files of answers, the responses that stand in the rows are judged. `InputError` if two files are one model.
    """
    files: dict[str, Path] = {}
    for path in answer_files:
        if (other := files.setdefault(model_of(path), path)) is not path:
            problem = f"is named like {other}, and a file's name is its model's"
            raise InputError(problem, file=path, hint="Rename one: their answers would count as one model's.")
    known = {row.prompt: row.instruction for row in read_rows(rows_file) if row.instruction is not None}
    answers: list[Answered] = []
    refused: list[Refusal] = []
    number = 0
    for path in answer_files or (rows_file,):
        for row in read_rows(path):
            number += 1
            instruction = known.get(row.prompt)
            if instruction is None or row.response is None:
                why = "no row has its prompt" if instruction is None else "it has no response"
                refused.append(
                    Refusal(
                        "judgements", row.id, number, "no row", f"{path.name}, row {row.where.row}: {why}"
                    )
                )
            else:
                answers.append(Answered(instruction, row.response, model_of(path), number))
    if not answers:
        raise InputError(
            "no answer belongs to a row", file=rows_file, hint="Answers are joined to rows by their prompts."
        )
    return answers, refused


def model_of(path: Path) -> str:
    """The model that a file of answers is named for: `qwen2.5-7b.jsonl` holds those of `qwen2.5-7b`."""
    return path.stem


def _write(out: Path, made: JudgedAnswers, ledger: Ledger, digests: dict[str, str]) -> dict[str, Any]:
    write_judge_pairs(out / "judge_pairs.parquet", made.train)
    write_judge_pairs(out / "held_out.parquet", made.held_out)
    order = sorted(made.refused, key=lambda refusal: refusal.row)
    write_bytes(out / "quarantine.jsonl", b"".join(dumps(refusal.shown()) for refusal in order))
    card = {
        "judgements": {"train": _counted(made.train), "held_out": _counted(made.held_out)},
        "attacks": made.attacks,
        "models": dict(sorted(made.models.items())),
        "refused": counted(made.refused),
        "cost": cost(ledger.calls.values()),
        "digests": {**digests, "judge_pairs": digest_path(out / "judge_pairs.parquet")},
        "left": made.left,
        "complete": not made.left,
    }
    write_json(out / "card.json", card)
    return card


def _counted(pairs: list[JudgePair]) -> dict[str, int]:
    instructions = len({pair.instruction.prompt for pair in pairs})
    return {
        "rows": len(pairs),
        "followed": sum(pair.followed for pair in pairs),
        "instructions": instructions,
    }
