"""The first part of verifying a batch: grouping by instruction, and the rules.

It runs in a worker thread, in steps of a few hundredths of a second, so that a batch of long texts neither keeps a
thread from the batches beside it nor goes on when nobody waits for it any more.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from pydantic_core import PydanticSerializationError

from verif.core.answer import answer_of, scrub
from verif.core.checks import Rules, rule_verdict
from verif.core.plan import Plan, unscorable
from verif.core.text import Doc
from verif.types import Instruction, Item, Reasoning, RuleConstraint, Verdict

STEP_S = 0.05
LONG = 20_000
"""Characters from which on every single rule is a step; of shorter texts all rules together are one."""


def everything(_: str) -> bool:
    """Every item is wanted."""
    return True


class Start:
    """Rules and grouping of one batch.

    When `step` has said True, `groups` holds the plans of each instruction, `plans` all of them in the items' order,
    and `unwanted` the items that nobody waited for any more when their turn came.
    """

    def __init__(
        self,
        rules: Rules,
        items: Sequence[Item],
        *,
        reasoning: Reasoning,
        no_rules: bool,
        wanted: Callable[[str], bool] = everything,
    ) -> None:
        self._rules_of, self._reasoning, self._no_rules, self._wanted = rules, reasoning, no_rules, wanted
        self._groups: dict[str, list[Plan]] = {}
        self._numbers: dict[str, int] = {}
        self._seen: dict[int, tuple[str, Instruction]] = {}
        self._params: dict[int, list[Any]] = {}
        self._doc = Doc("")
        self._known: dict[tuple[int, str], list[Verdict]] = {}
        self.unwanted: list[Item] = []
        self.plans: list[Plan] = []
        self._work = self._all(items)

    @property
    def groups(self) -> list[list[Plan]]:
        """Plans of the same instruction together."""
        return list(self._groups.values())

    def step(self) -> bool:
        """Work for `STEP_S`, or to the end of the rule at hand; True when nothing is left."""
        end = time.monotonic() + STEP_S
        for _ in self._work:
            if time.monotonic() > end:
                return False
        self._doc = Doc("")
        self._known.clear()
        return True

    def _all(self, items: Sequence[Item]) -> Iterator[None]:
        """The work; it may be left off at every `yield`."""
        for item in items:
            if not self._wanted(item.id):
                self.unwanted.append(item)
                continue
            instruction = item.instruction
            plan = Plan(item, answer_of(item.response, reasoning=self._reasoning))
            key, readable = self._seen.get(id(instruction)) or self._read(instruction)
            if readable is not instruction:
                item = item.model_copy(update={"instruction": readable})
                plan.item = item
            group = self._numbers.setdefault(key, len(self._numbers))
            if group not in self._params:
                self._params[group] = [
                    self._rules_of.params(c, item.id) if isinstance(c, RuleConstraint) else None
                    for c in readable.constraints
                ]
            yield
            yield from self._rules(plan, group)
            if self._wanted(item.id):
                self._groups.setdefault(key, []).append(plan)
                self.plans.append(plan)
            else:
                self.unwanted.append(item)

    def _read(self, instruction: Instruction) -> tuple[str, Instruction]:
        """What an instruction is known by, and the instruction that can be written as JSON; once for each object.

        `items` keeps the objects alive, so that no other gets the same number.
        """
        readable = instruction
        try:
            key = instruction.model_dump_json(exclude={"id", "meta"})
        except PydanticSerializationError:  # a lone surrogate
            readable = Instruction.model_validate(scrub(instruction.model_dump()))
            key = readable.model_dump_json(exclude={"id", "meta"})
        self._seen[id(instruction)] = key, readable
        return key, readable

    def _rules(self, plan: Plan, group: int) -> Iterator[None]:
        """The rules' verdicts on an answer, which rollouts of one instruction that say the same share."""
        answer, constraints = plan.answer, plan.item.instruction.constraints
        if answer.hopeless:
            plan.verdicts = [unscorable(index, answer.hopeless) for index in range(len(constraints))]
            return
        if self._no_rules:
            return
        same = group, answer.text
        verdicts = self._known.get(same)
        if verdicts is None:
            verdicts = []
            if self._doc.text != answer.text:  # a doc is large, and the next text is seldom the same
                self._doc = Doc(answer.text)
            for index, params in enumerate(self._params[group]):
                if params is None:
                    continue
                if not self._wanted(plan.item.id):
                    return
                constraint: Any = constraints[index]
                verdicts.append(rule_verdict(constraint, params, index, answer, doc=self._doc))
                if len(answer.text) > LONG:
                    yield
            self._known[same] = verdicts
        plan.verdicts = list(verdicts)
