"""Answers that take back what they show, and answers that only look so."""

from __future__ import annotations

import pytest

from verif.core.answer import Answer
from verif.core.answers.hedging import hedged
from verif.core.answers.hybrid import OPEN
from verif.core.answers.maths import Worker
from verif.core.answers.reference import reference_verdict
from verif.types import ReferenceConstraint, Status


@pytest.mark.parametrize(
    "answer",
    [
        "5 \\text{ is not the answer}",
        "it isn't 5",
        "\\not= 5",
        "x \\neq 5",
        "6 \\(5\\)",
        "6 $5$",
        "x=6 y=5",
        "5, perhaps",
        "5 or maybe six",
    ],
)
def test_it_says_two_things(answer: str) -> None:
    assert hedged("5", answer)


@pytest.mark.parametrize(
    ("reference", "answer"),
    [("5", "$5$ apples"), ("5", "x = 2 + 3 = 5"), ("x \\neq 5", "all x \\ne 5"), ("does not exist", "it does not exist"),
     ("$\\frac{1}{2}$", "$\\frac{1}{2}$"), ("50", "\\$50"), ("5", "5 notes")],
)  # fmt: skip
def test_it_says_one_thing(reference: str, answer: str) -> None:
    assert not hedged(reference, answer)


def test_no_model_is_asked_about_it() -> None:
    constraint = ReferenceConstraint(text="How many?", answer="5", compare="math")
    verdict = reference_verdict(constraint, 0, Answer("\\boxed{5 \\text{ is not the answer}}"), Worker())
    assert verdict.status == Status.FAIL
    assert OPEN not in verdict.evidence
    assert "takes back" in verdict.reason
