"""Whether a reference is one: what is at fault in a row is refused where the row is read."""

from __future__ import annotations

from verif.core.answers import maths, plain
from verif.core.answers.final import LONGEST
from verif.core.answers.number import read_number
from verif.core.answers.tokens import tokens
from verif.errors import InputError
from verif.types import ReferenceConstraint

_BRACKETS = frozenset("()[]{}|,;")
"""What holds an expression and is none."""


def check_reference(
    constraint: ReferenceConstraint,
    *,
    file: str | None = None,
    row: int | None = None,
    field: str = "",
    more: str = "",
) -> None:
    """`InputError` where the reference itself is at fault: empty, too long, or nothing of its kind.

    `field` is the answer's in the row, `more` that of a list of alternatives where they stand in one of their own.

    >>> check_reference(ReferenceConstraint(text="How many?", answer="about ten", compare="number"))
    Traceback (most recent call last):
    ...
    verif.errors.InputError: the reference 'about ten' is no number
    """
    for place, answer in enumerate((constraint.answer, *constraint.alternatives)):
        problem = ""
        if not any(letter.isprintable() and not letter.isspace() for letter in answer):
            problem = "the reference is empty"
        elif len(answer) > LONGEST:
            problem = f"the reference has {len(answer):,} characters; at most {LONGEST:,} are compared"
        elif constraint.compare == "number" and read_number(answer) is None:
            problem = f"the reference {answer[:60]!r} is no number"
        elif constraint.compare == "choice" and plain.choice(answer) is None:
            problem = f"the reference {answer[:60]!r} names no choice"
        elif constraint.compare == "date" and plain.read_date(answer) is None:
            problem = f"the reference {answer[:60]!r} is no date, or one of two"
        elif constraint.compare == "set" and not plain.members(answer):
            problem = f"the reference {answer[:60]!r} is an empty set"
        elif constraint.compare == "math" and (
            len(answer) > maths.LONGEST
            or answer.count("{") != answer.count("}")
            or all(token.text in _BRACKETS for token in tokens(answer))
        ):
            problem = f"the reference {answer[:60]!r} is no expression"
        if problem:
            hint = "Correct the row, or compare it as `text`."
            at = f"{more}.{place - 1}" if place and more else field
            raise InputError(problem, file=file, row=row, field=at, hint=hint)
