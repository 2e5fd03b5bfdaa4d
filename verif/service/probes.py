"""Items that prove a service: a rule, a checker, a served model of answers and, with a judge, what it can read."""

from __future__ import annotations

from verif.core.answer import as_sent
from verif.errors import VerifError
from verif.project import Stage
from verif.types import (
    CheckerConstraint,
    Constraint,
    Instruction,
    Item,
    ReferenceConstraint,
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
_REFERENCE = ReferenceConstraint(text="Name the place.", answer="the harbour", compare="text")
"""No rule calls the text above the same, so the model is asked."""
_SOFT = SoftConstraint(text="The tone is plain.", dimension="tone")


def probes(stage: Stage, at_most: int = 5) -> tuple[Item, ...]:
    """A fixed probe, and instructions of the stage's own data (a small judge only reads its own world)."""
    judged, model = stage.recipe.judge.kind != "none", stage.recipe.verifier.reference
    constraints = (
        *_HARD,
        *((_REFERENCE,) if model is not None and model.served else ()),
        *((_SOFT,) if judged else ()),
    )
    fixed = Instruction(id="probe", prompt=PROMPT, constraints=constraints)
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
