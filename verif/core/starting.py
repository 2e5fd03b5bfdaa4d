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
from verif.system.bounded import Memo
from verif.types import Instruction, Item, Reasoning, RuleConstraint, Verdict

STEP_S = 0.05
DOC_BYTES = 64 << 20
"""Of texts with their words and sentences, which are kept for the other rollouts that say the same."""
PER_CHARACTER = 24
"""Bytes that a text's views take, about, for each of its characters."""


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
        self._docs: Memo[str, Doc] = Memo(DOC_BYTES)
        self._known: dict[tuple[int, int, str], Verdict] = {}
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
        self._docs = Memo(0)
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
        text, doc = plan.answer.text, None
        for index, constraint in enumerate(plan.item.instruction.constraints):
            if plan.answer.hopeless:
                plan.verdicts.append(unscorable(index, plan.answer.hopeless))
            elif isinstance(constraint, RuleConstraint) and not self._no_rules:
                same = (group, index, text)
                if same not in self._known:
                    if not self._wanted(plan.item.id):
                        return
                    doc = doc or self._doc(text)
                    params = self._params[group][index]
                    self._known[same] = rule_verdict(constraint, params, index, plan.answer, doc=doc)
                    yield
                plan.verdicts.append(self._known[same])

    def _doc(self, text: str) -> Doc:
        doc = self._docs.get(text)
        if doc is None:
            doc = Doc(text)
            self._docs.put(text, doc, PER_CHARACTER * len(text) + 1000)
        return doc
