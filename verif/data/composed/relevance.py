"""What a judge is asked about a composed task beside its rules: does the text do the task at all?"""

from __future__ import annotations

from verif.types import Constraint, Instruction, SoftConstraint


def with_task(item: Instruction, task: str, asked: bool) -> Instruction:
    """The instruction with its bare task in `meta`, and where `asked` a soft constraint that its text does that task."""
    soft: tuple[Constraint, ...] = (relevant(task),) if asked else ()
    return item.model_copy(
        update={"constraints": (*item.constraints, *soft), "meta": {**item.meta, "task": task}}
    )


def relevant(task: str) -> SoftConstraint:
    """What a judge of relevance is asked about a task."""
    return SoftConstraint(text=f"The text does what is asked: {task}", dimension="relevance")
