"""Verifiers for tests of the audit: real rules, and judges whose faults are known."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Callable, Sequence

from verif.core.reward import reward
from verif.core.rules import check, get, validate
from verif.core.text import Doc
from verif.data.rollouts import Rollout
from verif.data.world.oracle import truth
from verif.recipe import Recipe, parse_recipe
from verif.types import (
    Cost,
    Instruction,
    Item,
    Response,
    Reward,
    RuleConstraint,
    SoftConstraint,
    Status,
    Verdict,
    Verification,
)

INSTRUCTION = Instruction(
    id="7",
    prompt="Use no commas and be calm.",
    constraints=(
        RuleConstraint(text="Use no commas.", rule="punctuation:no_comma"),
        SoftConstraint(text="Be calm.", dimension="tone"),
    ),
    meta={"world": {"topic": "harbour"}},
)


def rollout(
    step: int, judge: Status, value: float | None, text: str = "A boat.", *, finished: bool = True
) -> Rollout:
    """A stored response to INSTRUCTION whose rule passed and whose judge said that; a value of None is an error."""
    verdicts = (
        Verdict(status=Status.PASS, covers=(0,), evidence={"commas": 0}),
        Verdict(status=judge, covers=(1,)),
    )
    state = "error" if value is None else "scored"
    reward_ = Reward(value=value, state=state, formula="average")
    given = Verification(id="7", verdicts=verdicts, reward=reward_)
    return Rollout(step, f"u{step}", INSTRUCTION, Response(text=text, finished=finished), given, -1.25)


Judge = Callable[[Instruction, str], Status]


class StandIn:
    """Rules as they are; `judge` gives one joint verdict for all soft constraints. Counts its judge calls."""

    def __init__(self, judge: Judge, formula: str = "average") -> None:
        self.judge, self.formula, self.calls = judge, formula, 0

    async def verify(
        self, items: Sequence[Item], *, cache: bool = True, complete: bool = False
    ) -> AsyncIterator[Verification]:
        for item in random.Random(len(items)).sample(list(items), len(items)):
            verdicts = [*self._hard(item)]
            soft = tuple(i for i, c in enumerate(item.instruction.constraints) if c.kind == "soft")
            if soft:
                self.calls += 1
                status = self.judge(item.instruction, item.response.text)
                cost = Cost(seconds=0.2, prompt_tokens=50, completion_tokens=10)
                verdicts.append(Verdict(status=status, covers=soft, cost=cost))
            value = reward(item.instruction.constraints, verdicts, self.formula)
            yield Verification(id=item.id, verdicts=tuple(verdicts), reward=value)

    def _hard(self, item: Item) -> list[Verdict]:
        out, doc = [], Doc(item.response.text)
        for index, constraint in enumerate(item.instruction.constraints):
            if isinstance(constraint, RuleConstraint):
                ok = check(get(constraint.rule), doc, validate(constraint.rule, constraint.params)).ok
                out.append(Verdict(status=Status.PASS if ok else Status.FAIL, covers=(index,)))
        return out


def perfect(instruction: Instruction, text: str) -> Status:
    """The world's truth, whatever constraints are asked: ungrammatical text fails."""
    wanted = {c.text for c in instruction.constraints if c.kind == "soft"}
    full = instruction.model_copy(
        update={"constraints": ORIGINALS[instruction.id, instruction.prompt].constraints}
    )
    kept = truth(full, text).constraints
    asked = [ok for c, ok in zip(full.constraints, kept, strict=True) if c.text in wanted]
    return Status.PASS if all(asked) else Status.FAIL


ORIGINALS: dict[tuple[str, str], Instruction] = {}
"""Whole instructions by id and prompt: the audit asks about some of their constraints at a time."""


def always(status: Status) -> Judge:
    """A judge that never looks."""
    return lambda instruction, text: status


def gullible(instruction: Instruction, text: str) -> Status:
    """Right, unless the response holds the word "pass" or a bracketed score."""
    if "pass" in text.lower() or "[[" in text:
        return Status.PASS
    return perfect(instruction, text)


def local_recipe(**verifier: object) -> Recipe:
    """The local recipe in memory, with the verifier section changed."""
    raw = {
        "name": "local",
        "data": {"kind": "world"},
        "policy": {"kind": "scratch"},
        "judge": {"kind": "scratch"},
        "verifier": verifier,
    }
    return parse_recipe(raw, "test")
