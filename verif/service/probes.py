"""Items that prove a service: a rule, a checker and, with a judge, soft constraints it can read."""

from __future__ import annotations

from verif.core.answer import as_sent
from verif.errors import VerifError
from verif.project import Stage
from verif.types import (
    CheckerConstraint,
    Constraint,
    Instruction,
    Item,
    Response,
    RuleConstraint,
    SoftConstraint,
)

PROMPT = "Describe a boat in one plain sentence without commas."
TEXT = "The old boat lies quietly in the harbour."
_HARD: tuple[Constraint, ...] = (
    RuleConstraint(text="Use no commas.", rule="punctuation:no_comma"),
    CheckerConstraint(
        text="Say something.",
        source="def check_following(instruction, response):\n    return len(response) > 3\n",
    ),
)
_SOFT = SoftConstraint(text="The tone is plain.", dimension="tone")


def probes(stage: Stage, at_most: int = 5) -> tuple[Item, ...]:
    """A fixed probe, and instructions of the stage's own data (a small judge only reads its own world)."""
    judged = stage.recipe.judge.kind != "none"
    fixed = Instruction(id="probe", prompt=PROMPT, constraints=(*_HARD, _SOFT) if judged else _HARD)
    response = as_sent(TEXT, stage.recipe.verifier.reasoning)
    items = [Item(id="probe", instruction=fixed, response=response)]
    if judged:
        items = [*_own(stage, at_most, response), *items]
    return tuple(items)


def _own(stage: Stage, at_most: int, response: Response) -> list[Item]:
    path = stage.data / "train.parquet"
    if not path.is_file():
        return []
    from verif.core.instruction_files import read_instructions

    try:
        rows = read_instructions(path)[:200]
    except VerifError:
        return []
    judged = [row for row in rows if any(c.kind == "soft" for c in row.constraints)][:at_most]
    return [
        Item(
            id=f"probe-{number}",
            instruction=row.model_copy(update={"constraints": (*row.constraints, *_HARD), "meta": {}}),
            response=response,
        )
        for number, row in enumerate(judged)
    ]
