"""What a rule says becomes a verdict: one object for what is the same, and an error where it says nothing."""

from __future__ import annotations

from typing import Any

import pytest

from verif.core.checks import Said, decided
from verif.core.rules import NoParams, Outcome, Rule
from verif.core.text import Doc
from verif.core.verifier import Verifier
from verif.types import Instruction, Item, Response, RuleConstraint, Status


@pytest.mark.parametrize("answer", [None, True, "yes", Outcome("yes"), Outcome(True, 7)])  # type: ignore[arg-type]
def test_a_rule_that_returns_no_outcome_is_an_error(answer: Any) -> None:
    verdict = decided(Rule("x:odd", NoParams, lambda *_: answer), NoParams(), 0, Doc("A boat."), said={})
    assert verdict.status is Status.ERROR
    assert "x:odd could not be checked" in verdict.reason


def test_verdicts_that_say_the_same_are_one_and_others_are_not() -> None:
    said: Said = {}
    rule = Rule("x:true", NoParams, lambda doc, _: Outcome(True, "counted", {"n": doc.text == "a" or 1}))
    first, again, other = (decided(rule, NoParams(), 0, Doc(text), said=said) for text in ("a", "a", "b"))
    assert first is again
    assert (first.evidence["n"], other.evidence["n"]) == (True, 1)
    assert other.evidence["n"] is not True, "equal numbers of another type are another verdict"


async def test_equal_rules_at_two_places_keep_their_places() -> None:
    comma = RuleConstraint(text="No commas.", rule="punctuation:no_comma")
    asked = [Instruction(id=str(n), prompt="Say it.", constraints=(comma, comma)) for n in range(2)]
    items = [Item(id=one.id, instruction=one, response=Response(text="A, b.")) for one in asked]
    made = {done.id: done async for done in Verifier().verify(items)}
    assert set(made) == {"0", "1"}
    assert all([v.covers for v in done.verdicts] == [(0,), (1,)] for done in made.values())
