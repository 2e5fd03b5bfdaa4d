"""A pass of the starting policy over the rows to train on: k samples each, verified as in training, and the share that follows.

Asked are the rows that `prepare` made, since they are what training would ask; marked are those of the recipe's file.
What cannot be decided is left out of a row's share, never counted as a failure; a row without any verdict has no rate.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from verif.core.instruction_files import read_instructions
from verif.core.row_files import read_rows
from verif.core.score import dumps
from verif.data.difficulty import marked
from verif.data.row_source import row_file
from verif.errors import RecipeError
from verif.pipeline.rollouts import draw
from verif.project import Stage
from verif.recipe import FileData
from verif.service import lease
from verif.service.client import VerifierClient
from verif.system.files import digest_tree
from verif.types import Instruction, Item, Response, Status, Verification

PORTION = 512


@dataclass(frozen=True, slots=True)
class RowSampling:
    """How the policy answers: `samples` times each row, at this temperature, with at most `tokens` tokens."""

    samples: int
    temperature: float
    tokens: int


@dataclass(frozen=True, slots=True)
class Tried:
    """Of the samples of one row: how many follow it, of how many that were decided."""

    passed: int
    decided: int


def rows_of(stage: Stage) -> list[Instruction]:
    """The instructions of the recipe's file, each once; `InputError` if an id is two of them."""
    section = stage.recipe.data
    if not isinstance(section, FileData):
        raise RecipeError(
            f"data.kind {section.kind} has no file of rows.",
            "Difficulty is measured for rows of a file.",
        )
    items: dict[str, Instruction] = {}
    for row in read_rows(row_file(section, stage.source)):
        if row.instruction is None or row.sample:
            continue
        if items.setdefault(row.id, row.instruction) != row.instruction:
            raise row.where.error(f"{row.id!r} is another instruction before", "id")
    return list(items.values())


async def tried(
    client: VerifierClient, items: Sequence[Instruction], texts: Sequence[Sequence[str]]
) -> list[Tried]:
    """What the verifier says of all samples of each row."""
    asked = [
        Item(id=f"{number}/{sample}", instruction=instruction, response=Response(text=text))
        for number, (instruction, samples) in enumerate(zip(items, texts, strict=True))
        for sample, text in enumerate(samples)
    ]
    passed, decided = [0] * len(items), [0] * len(items)
    for low in range(0, len(asked), PORTION):
        async for answer in client.verify(asked[low : low + PORTION]):
            number = int(answer.id.partition("/")[0])
            followed = earned(answer, len(items[number].constraints))
            passed[number] += followed is True
            decided[number] += followed is not None
    return [Tried(p, d) for p, d in zip(passed, decided, strict=True)]


def earned(answer: Verification, constraints: int) -> bool | None:
    """Whether nothing that the reward looks at has failed; None for an error. What its formula skips counts for neither."""
    if answer.reward.state == "error":
        return None
    return not {Status.FAIL, Status.UNSCORABLE} & set(answer.statuses(constraints))


async def measure(stage: Stage, how: RowSampling, most: int = 0) -> dict[str, dict[str, Any]]:
    """By id, `{pass_rate, passed, decided, samples, temperature, policy}` of the first `most` rows to train on (0: all).

    Draws before it starts the verifier: on one GPU the two need not fit side by side.
    """
    items = read_instructions(stage.data / "train.parquet")
    items = items[: most or len(items)]
    drawn = draw(stage, items, how.samples, how.temperature, how.tokens, stage.recipe.seed)
    policy = digest_tree(stage.models / "policy")[:16]
    with lease.verifier(stage) as endpoint:
        async with VerifierClient(endpoint.url) as client:
            outcomes = await tried(client, items, [each.texts for each in drawn])
    said = {"samples": how.samples, "temperature": how.temperature, "policy": policy}
    return {item.id: {**_told(each), **said} for item, each in zip(items, outcomes, strict=True)}


def _told(outcome: Tried) -> dict[str, float | int | None]:
    rate = round(outcome.passed / outcome.decided, 4) if outcome.decided else None
    return {"pass_rate": rate, "passed": outcome.passed, "decided": outcome.decided}


def lines(items: Sequence[Instruction], told: Mapping[str, dict[str, Any]]) -> bytes:
    """Rows in verif's own form, which `data` in params.yaml may name; what was measured stands in `meta.difficulty`."""
    rows = [marked(item, told[item.id]) if item.id in told else item for item in items]
    return b"".join(dumps(row.model_dump(mode="json")) for row in rows)
