"""The first part of verifying a batch: grouping by instruction, and the rules.

It runs in a worker thread, in steps of a few hundredths of a second, so that a batch of long texts neither keeps a
thread from the batches beside it nor goes on when nobody waits for it any more.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic_core import PydanticSerializationError

from verif.core.answer import answer_of, scrub
from verif.core.checks import Rules, Said, decided
from verif.core.plan import Plan, unscorable
from verif.core.rules import Rule, get
from verif.core.text import Doc
from verif.types import Instruction, Item, Reasoning, RuleConstraint, Verdict

STEP_S = 0.05
LONG = 20_000
"""Characters from which on every single rule is a step; of shorter texts all rules together are one."""


def everything(_: str) -> bool:
    """Every item is wanted."""
    return True


@dataclass(slots=True)
class _Group:
    """What the batch knows of one instruction: its rules with their parameters, its plans, the verdicts by answer."""

    instruction: Instruction
    checks: list[tuple[int, Rule, Any, Said]]
    plans: list[Plan] = field(default_factory=list)
    known: dict[str, list[Verdict]] = field(default_factory=dict)


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
        self._groups: dict[str, _Group] = {}
        self._seen: dict[int, _Group] = {}
        self._doc = Doc("")
        self.unwanted: list[Item] = []
        self.plans: list[Plan] = []
        self._work = self._all(items)

    @property
    def groups(self) -> list[list[Plan]]:
        """Plans of the same instruction together."""
        return [group.plans for group in self._groups.values() if group.plans]

    def step(self) -> bool:
        """Work for `STEP_S`, or to the end of the rule at hand; True when nothing is left."""
        end = time.monotonic() + STEP_S
        for _ in self._work:
            if time.monotonic() > end:
                return False
        self._doc = Doc("")
        for group in self._groups.values():
            group.known.clear()
            group.checks.clear()
        return True

    def _all(self, items: Sequence[Item]) -> Iterator[None]:
        """The work; it may be left off at every `yield`."""
        for item in items:
            if self._wanted is not everything and not self._wanted(item.id):
                self.unwanted.append(item)
                continue
            group = self._seen.get(id(item.instruction)) or self._read(item)
            if group.instruction is not item.instruction:
                item = item.model_copy(update={"instruction": group.instruction})
            plan = Plan(item, answer_of(item.response, self._reasoning))
            yield
            if len(plan.answer.text) > LONG:
                yield from self._long(plan, group)
                if not self._wanted(item.id):
                    self.unwanted.append(item)
                    continue
            else:
                self._rules(plan, group)
            group.plans.append(plan)
            self.plans.append(plan)

    def _read(self, item: Item) -> _Group:
        """The group of an item's instruction, which must be fit for JSON; once for each object.

        `items` keeps the objects alive, so that no other gets the same number.
        """
        instruction = item.instruction
        try:
            key = instruction.model_dump_json(exclude={"id", "meta"})
        except PydanticSerializationError:  # a lone surrogate
            instruction = Instruction.model_validate(scrub(instruction.model_dump()))
            key = instruction.model_dump_json(exclude={"id", "meta"})
        known = self._groups.get(key)
        checks = known.checks if known else self._checks(instruction, item.id)
        group = self._groups.setdefault(key, _Group(instruction, checks))
        # Equal but for `id` and `meta`, which the item keeps.
        self._seen[id(item.instruction)] = _Group(instruction, checks, group.plans, group.known)
        return self._seen[id(item.instruction)]

    def _checks(self, instruction: Instruction, item_id: str) -> list[tuple[int, Rule, Any, Said]]:
        checks: list[tuple[int, Rule, Any, Said]] = []
        for index, constraint in enumerate(instruction.constraints):
            if isinstance(constraint, RuleConstraint):
                params = self._rules_of.params(
                    constraint, item_id
                )  # the error of an unknown rule names the item
                checks.append((index, get(constraint.rule), params, {}))
        return checks

    def _rules(self, plan: Plan, group: _Group) -> None:
        """The rules' verdicts on an answer, which rollouts of one instruction that say the same share."""
        answer = plan.answer
        if answer.hopeless:
            count = len(plan.item.instruction.constraints)
            plan.verdicts = [unscorable(index, answer.hopeless) for index in range(count)]
        elif not self._no_rules:
            verdicts = group.known.get(answer.text)
            if verdicts is None:
                doc = self._doc = Doc(answer.text)
                verdicts = group.known[answer.text] = [
                    decided(rule, params, index, doc, said=said) for index, rule, params, said in group.checks
                ]
            plan.verdicts = list(verdicts)

    def _long(self, plan: Plan, group: _Group) -> Iterator[None]:
        """As `_rules`, of a long text: each rule is a step, and none is taken when nobody waits any more."""
        text = plan.answer.text
        if self._no_rules:
            return
        verdicts = group.known.get(text)
        if verdicts is None:
            verdicts = []
            if self._doc.text != text:  # a doc is large, and the next text is seldom the same
                self._doc = Doc(text)
            for index, rule, params, said in group.checks:
                if not self._wanted(plan.item.id):
                    return
                verdicts.append(decided(rule, params, index, self._doc, said=said))
                yield
            group.known[text] = verdicts
        plan.verdicts = list(verdicts)
