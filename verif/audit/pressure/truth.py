"""The truth about responses that nobody has seen before, constraint by constraint.

The local world knows it. Elsewhere the judge is asked once per constraint, where training asks once for all: a second
opinion, and one that may fail. An answer that does not come is None, never a truth.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from verif.audit.cases import passed
from verif.audit.golden import oracle_of
from verif.core.verifies import Verifies
from verif.errors import ServiceError
from verif.recipe import Recipe
from verif.types import Instruction, Item, Response, is_hard

Asked = tuple[Instruction, str]
Told = tuple[bool | None, ...]
Truths = Callable[[Sequence[Asked]], Awaitable[list[Told]]]
"""Per question the truth of each constraint: True, False, or None where the oracle cannot say."""

PORTION = 256
"""Questions put to a served oracle at a time: if it dies, what was answered before is kept."""


def truths_of(recipe: Recipe, verifier: Verifies | None) -> Truths | None:
    """The recipe's oracle, or None where it has none: without a judge, or with one that answers per constraint anyway."""
    world = oracle_of(recipe)
    if world is not None:

        async def known(asked: Sequence[Asked]) -> list[Told]:
            return [tuple(world(instruction, text)) for instruction, text in asked]

        return known
    if verifier is None or not recipe.has_oracle:
        return None
    return lambda asked: one_by_one(verifier, asked)


async def one_by_one(verifier: Verifies, asked: Sequence[Asked]) -> list[Told]:
    """Every constraint on its own. A verifier that goes down leaves None, and is not asked for the rest."""
    told: list[list[bool | None]] = [[None] * len(item.constraints) for item, _ in asked]
    for low in range(0, len(asked), PORTION):
        items = [
            Item(
                id=f"{number}/{index}",
                instruction=instruction.model_copy(update={"constraints": (constraint,)}),
                response=Response(text=text),
            )
            for number, (instruction, text) in enumerate(asked[low : low + PORTION], low)
            for index, constraint in enumerate(instruction.constraints)
        ]
        try:
            async for answer in verifier.verify(items, complete=True):
                number, _, index = answer.id.partition("/")
                told[int(number)][int(index)] = passed(answer.statuses(1)[0])
        except ServiceError:
            break
    return [tuple(row) for row in told]


async def contradictions(truths: Truths, asked: Sequence[Asked]) -> tuple[int, int]:
    """How many of the questions an oracle answers otherwise when it is asked again, and how many it answered twice."""
    first, second = await truths(asked), await truths(asked)
    both = [(a, b) for a, b in zip(first, second, strict=True) if None not in a and None not in b]
    return sum(a != b for a, b in both), len(both)


def soft(instruction: Instruction, told: Told) -> Told:
    """The truths of the soft constraints: what a judge is asked about."""
    return tuple(truth for c, truth in zip(instruction.constraints, told, strict=True) if not is_hard(c))
