"""Verify without a verifier: a call that returns, for scripts and for other people's trainers.

Rules are decided where the call is made: no event loop, thread or process is started, so it works inside a running
loop too. Model-written checkers go to one sandbox that all calls share; it starts with the first checker and ends
with the process. Nobody judges here: a soft constraint is an error.
"""

from __future__ import annotations

import asyncio
import atexit
import os
import threading
from collections.abc import Callable, Iterable

from verif.core.answers.maths import process_worker
from verif.core.answers.reference import reference_verdicts, wants_references
from verif.core.checks import LazySandbox, Rules, checker_verdicts, wants_sandbox
from verif.core.finishing import finished, to_judge
from verif.core.plan import Plan
from verif.core.reward import require_formula
from verif.core.starting import Start
from verif.types import Constraint, Formula, Instruction, Item, Reasoning, Response, Verdict, Verification

FEED = 32
"""Answers that go to the sandbox together."""

_RULES = Rules()
_SANDBOXES: dict[int, LazySandbox] = {}
_LOCK = threading.Lock()


def verify(
    prompt: str | Instruction,
    response: str | Response,
    constraints: Iterable[Constraint] = (),
    *,
    formula: Formula = "average",
    reasoning: Reasoning = "auto",
) -> Verification:
    """Verify one response against hard constraints.

    >>> from verif import RuleConstraint, verify
    >>> no_comma = RuleConstraint(text="Use no commas.", rule="punctuation:no_comma")
    >>> verify("Describe the harbour.", "Boats, gulls.", [no_comma]).reward.value
    0.0
    >>> verify("Describe the harbour.", "<think>Boats, gulls.</think>A boat.", [no_comma]).reward.value
    1.0
    """
    return verify_many([_item(prompt, response, constraints)], formula=formula, reasoning=reasoning)[0]


async def averify(
    prompt: str | Instruction,
    response: str | Response,
    constraints: Iterable[Constraint] = (),
    *,
    formula: Formula = "average",
    reasoning: Reasoning = "auto",
) -> Verification:
    """As `verify`, in a thread: a long response or a checker does not keep the event loop waiting.

    >>> import asyncio
    >>> from verif import RuleConstraint, averify
    >>> no_comma = RuleConstraint(text="Use no commas.", rule="punctuation:no_comma")
    >>> asyncio.run(averify("Describe the harbour.", "A boat.", [no_comma])).reward.value
    1.0
    """
    item = _item(prompt, response, constraints)
    verifications = await asyncio.to_thread(verify_many, [item], formula=formula, reasoning=reasoning)
    return verifications[0]


def verify_many(
    items: Iterable[Item], *, formula: Formula = "average", reasoning: Reasoning = "auto"
) -> list[Verification]:
    """One verification per item, in their order; items of one instruction share a session of the sandbox.

    >>> from verif import Instruction, Item, Response, RuleConstraint, verify_many
    >>> no_comma = RuleConstraint(text="Use no commas.", rule="punctuation:no_comma")
    >>> asked = Instruction(id="1", prompt="Describe the harbour.", constraints=(no_comma,))
    >>> said = [Response(text="A boat."), Response(text="A boat, a gull."), Response(text="")]
    >>> items = [Item(id=str(n), instruction=asked, response=one) for n, one in enumerate(said)]
    >>> [(one.reward.value, one.reward.state) for one in verify_many(items)]
    [(1.0, 'scored'), (0.0, 'scored'), (0.0, 'unscorable')]
    """
    require_formula(formula)
    start = Start(_RULES, list(items), reasoning=reasoning, no_rules=formula == "soft-only")
    while not start.step():
        pass
    for plans in start.groups:
        constraints = plans[0].item.instruction.constraints
        if formula != "soft-only" and wants_sandbox(constraints):
            _decide(plans, _checked)
        if formula != "soft-only" and wants_references(constraints):
            _decide(plans, _compared)
    for plan in start.plans:
        to_judge(plan, formula, judged=False, complete=False)
    return [finished(plan, formula, 0.0) for plan in start.plans]


def _item(prompt: str | Instruction, response: str | Response, constraints: Iterable[Constraint]) -> Item:
    instruction = (
        prompt
        if isinstance(prompt, Instruction)
        else Instruction(id="0", prompt=prompt, constraints=tuple(constraints))
    )
    said = response if isinstance(response, Response) else Response(text=response)
    return Item(id=instruction.id, instruction=instruction, response=said)


def _decide(plans: list[Plan], verdicts_of: Callable[[Instruction, list[str]], list[list[Verdict]]]) -> None:
    """Add verdicts on the distinct answers to one instruction, decided a few at a time."""
    able = [plan for plan in plans if not plan.answer.hopeless]
    answers = list(dict.fromkeys(plan.answer.text for plan in able))
    by_answer: dict[str, list[Verdict]] = {}
    for first in range(0, len(answers), FEED):
        part = answers[first : first + FEED]
        by_answer.update(zip(part, verdicts_of(plans[0].item.instruction, part), strict=True))
    for plan in able:
        plan.verdicts.extend(by_answer[plan.answer.text])


def _checked(instruction: Instruction, answers: list[str]) -> list[list[Verdict]]:
    return checker_verdicts(instruction, answers, _sandbox(), None)


def _compared(instruction: Instruction, answers: list[str]) -> list[list[Verdict]]:
    return reference_verdicts(instruction, answers, process_worker(), None)


def _sandbox() -> LazySandbox:
    """This process's sandbox: a forked child needs workers of its own."""
    with _LOCK:
        sandbox = _SANDBOXES.get(os.getpid())
        if sandbox is None:
            sandbox = _SANDBOXES[os.getpid()] = LazySandbox(1)
            atexit.register(sandbox.close)
        return sandbox
