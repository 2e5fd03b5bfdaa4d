"""Rules, checkers and judge joined into verifications, in this process.

`verif.service.build` builds one from a recipe; `verif.service` offers the same interface over HTTP. Work goes by
instruction: cache first, then rules, then one sandbox feed for a group's rollouts, then the judge, and only
if its verdict can change the reward. Identical questions in flight are asked once. Verifications are yielded
as they are finished.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from typing import Any

from pydantic_core import PydanticSerializationError

from verif.core.answer import answer_of, scrub
from verif.core.cache import VerdictCache
from verif.core.checks import Checks, Rules, as_cached, checker_verdicts, wants_sandbox
from verif.core.parts import make_parts
from verif.core.plan import Plan, unscorable, without
from verif.core.reward import combine, reward
from verif.core.text import Doc
from verif.system.files import digest
from verif.types import Formula, Instruction, Item, RuleConstraint, Status, Verdict, Verification, is_hard

TYPE_JUDGE = Any  # verif.core.judge.judge.Judge, which needs packages the bare environment lacks


class Verifier:
    """Verifies items; see `verif.service.build.build` for one made from a recipe.

    `parts` names what decides (rules, sandbox, judge, ...) by digest; `identity` is the digest of them all.
    `saved` counts judge calls not made, by cause: cache, dedupe, short-circuit, absent.
    """

    def __init__(
        self,
        *,
        formula: Formula = "average",
        unscorable_reward: float = 0.0,
        policy_thinks: bool = False,
        judge: TYPE_JUDGE | None = None,
        sandbox: Checks | None = None,
        cache: VerdictCache | None = None,
        parts: dict[str, str] | None = None,
    ) -> None:
        self.formula, self.unscorable_reward, self.policy_thinks = formula, unscorable_reward, policy_thinks
        self.judge, self.sandbox, self.cache = judge, sandbox, cache
        self.parts = parts or make_parts(
            formula=formula,
            unscorable_reward=unscorable_reward,
            policy_thinks=policy_thinks,
            judge=judge.part if judge else "none",
            sandbox=sandbox.version if sandbox else "none",
        )
        self.identity = digest(self.parts)
        self.saved: Counter[str] = Counter()
        self.judge_calls = 0
        self._rules = Rules()
        self._flying: dict[str, asyncio.Task[Verdict]] = {}

    async def verify(
        self, items: Sequence[Item], *, cache: bool = True, complete: bool = False
    ) -> AsyncIterator[Verification]:
        """One verification per item, in the order they are finished.

        `cache=False` neither reads nor writes the cache, nor joins identical questions. `complete=True` asks
        every constraint, also where the answer cannot change the reward (audits, evaluation). Raises
        `InputError` for an item whose constraints are not valid; nothing else is an exception.
        """
        groups = await asyncio.to_thread(self._start, items, complete)
        done: asyncio.Queue[Verification | BaseException] = asyncio.Queue()
        tasks = [asyncio.create_task(self._group(group, cache, complete, done)) for group in groups]
        try:
            for _ in items:
                result = await done.get()
                if isinstance(result, BaseException):
                    raise result
                yield result
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def check_item(self, item: Item) -> None:
        """`InputError` if a rule is unknown or its parameters are wrong."""
        for constraint in item.instruction.constraints:
            if isinstance(constraint, RuleConstraint):
                self._rules.params(constraint, item.id)

    async def close(self) -> None:
        """Release connections, workers and files."""
        for task in list(self._flying.values()):
            task.cancel()
        await asyncio.gather(*self._flying.values(), return_exceptions=True)
        if self.judge is not None:
            await self.judge.client.close()
        if self.sandbox is not None:
            await asyncio.to_thread(self.sandbox.close)
        if self.cache is not None:
            self.cache.close()

    # ---------------------------------------------------------------------------------- hard
    def _start(self, items: Sequence[Item], complete: bool) -> list[list[Plan]]:
        """Rules and grouping, in a worker thread: groups of plans of the same instruction."""
        groups: dict[str, list[Plan]] = {}
        docs: dict[str, Doc] = {}
        known: dict[tuple[str, str, str], Verdict] = {}
        for item in items:
            instruction = item.instruction
            plan = Plan(item, answer_of(item.response, policy_thinks=self.policy_thinks))
            try:
                key = instruction.model_dump_json(exclude={"id", "meta"})
            except PydanticSerializationError:  # a lone surrogate
                instruction = Instruction.model_validate(scrub(instruction.model_dump()))
                item = item.model_copy(update={"instruction": instruction})
                plan.item, key = item, instruction.model_dump_json(exclude={"id", "meta"})
            groups.setdefault(key, []).append(plan)
            text = plan.answer.text
            self.check_item(item)
            for index, constraint in enumerate(instruction.constraints):
                if plan.answer.hopeless:
                    plan.verdicts.append(unscorable(index, plan.answer.hopeless))
                elif not is_hard(constraint) or (self.formula == "soft-only" and not complete):
                    continue
                elif isinstance(constraint, RuleConstraint):
                    same = (f"{key}:{index}", constraint.rule, text)
                    if same not in known:
                        doc = docs.setdefault(text, Doc(text))
                        known[same] = self._rules.verdict(constraint, index, doc, item.id)
                    plan.verdicts.append(known[same])
        return list(groups.values())

    async def _group(
        self,
        plans: list[Plan],
        cache: bool,
        complete: bool,
        done: asyncio.Queue[Verification | BaseException],
    ) -> None:
        """Checkers, then judge, for the rollouts of one instruction."""
        try:
            await self._checkers(plans, cache, complete)
            waiting: list[tuple[Plan, list[asyncio.Task[Verdict]]]] = []
            asking: dict[int, list[asyncio.Task[Verdict]]] = {}
            questions = [(plan, self._soft(plan, complete)) for plan in plans]
            # Criterion-major: all rollouts on the first question, then all on the second, so that the judge's
            # prefix cache holds instruction and constraint while their responses change.
            for turn in range(max((len(asks) for _, asks in questions), default=0)):
                for plan, asks in questions:
                    if turn < len(asks):
                        task = asyncio.create_task(self._ask(plan, asks[turn], cache))
                        asking.setdefault(id(plan), []).append(task)
            for plan, _ in questions:
                if id(plan) in asking:
                    waiting.append((plan, asking[id(plan)]))
                else:
                    done.put_nowait(self._finish(plan))
            finishing = [asyncio.create_task(self._join(plan, tasks, done)) for plan, tasks in waiting]
            try:
                await asyncio.gather(*finishing)
            finally:
                for left in (*finishing, *(t for _, tasks in waiting for t in tasks)):
                    left.cancel()
        except asyncio.CancelledError:
            raise
        except BaseException as error:
            done.put_nowait(error)

    async def _join(
        self,
        plan: Plan,
        tasks: list[asyncio.Task[Verdict]],
        done: asyncio.Queue[Verification | BaseException],
    ) -> None:
        plan.verdicts.extend(await asyncio.gather(*tasks))
        done.put_nowait(self._finish(plan))

    async def _checkers(self, plans: list[Plan], cache: bool, complete: bool) -> None:
        instruction = plans[0].item.instruction
        able = [plan for plan in plans if not plan.answer.hopeless]
        if (
            not able
            or not wants_sandbox(instruction.constraints)
            or (self.formula == "soft-only" and not complete)
        ):
            return
        answers = list(dict.fromkeys(plan.answer.text for plan in able))
        if self.sandbox is None:
            found = [
                without("checker", instruction.constraints, "this verifier has no sandbox") for _ in answers
            ]
        else:
            store = self.cache if cache else None
            found = await asyncio.to_thread(checker_verdicts, instruction, answers, self.sandbox, store)
        by_answer = dict(zip(answers, found, strict=True))
        for plan in able:
            plan.verdicts.extend(by_answer[plan.answer.text])

    # ---------------------------------------------------------------------------------- soft
    def _soft(self, plan: Plan, complete: bool) -> list[tuple[int, ...]]:
        """The questions for the judge; what is not asked gets its verdict (unscorable, skipped, error) here."""
        constraints = plan.item.instruction.constraints
        plan.verdicts.extend(without("reference", constraints, "no part decides reference constraints yet"))
        soft = [index for index, constraint in enumerate(constraints) if constraint.kind == "soft"]
        if plan.answer.hopeless:
            return []
        if not soft:
            self.saved["absent"] += 1
            return []
        if not complete and (reason := self._irrelevant(plan)):
            self.saved["short-circuit"] += 1
            plan.verdicts.append(Verdict(status=Status.SKIPPED, covers=tuple(soft), reason=reason))
            return []
        if plan.answer.unjudgeable:
            plan.verdicts.append(unscorable(soft[0], plan.answer.unjudgeable, tuple(soft)))
            return []
        if self.judge is None:
            plan.verdicts.extend(without("soft", constraints, "this verifier has no judge"))
            return []
        return list(self.judge.asks(soft))

    def _irrelevant(self, plan: Plan) -> str:
        """Why the soft verdict cannot change the reward ("" if it can)."""
        if self.formula == "hard-only":
            return "the formula looks at hard constraints only"
        statuses = [v.status for v in plan.verdicts]
        if self.formula == "soft-only":
            return ""
        if Status.ERROR in statuses:
            return "the reward is an error already"
        if self.formula in ("product", "all") and statuses:
            value, _ = combine(statuses, [], self.formula)
            if value == 0.0 and not plan.answer.unjudgeable:
                return "the product is 0 already"
        return ""

    async def _ask(self, plan: Plan, indices: tuple[int, ...], cache: bool) -> Verdict:
        """A judge's verdict: from the cache, from an identical question in flight, or asked now."""
        assert self.judge is not None
        instruction, text = plan.item.instruction, plan.answer.text
        if not cache:
            self.judge_calls += 1
            verdict: Verdict = await self.judge.ask(instruction, text, indices)
            return verdict
        key = self.judge.key(instruction, text, indices)
        stored = self.cache.get(key) if self.cache is not None else None
        if stored is not None:
            self.saved["cache"] += 1
            return as_cached(stored, indices)
        flying = self._flying.get(key)
        if flying is not None and flying.get_loop() is asyncio.get_running_loop():
            self.saved["dedupe"] += 1
            return as_cached(await asyncio.shield(flying), indices)
        self.judge_calls += 1
        # Shielded: if the asker goes away, the answer still reaches the cache for whoever asks again.
        task = asyncio.create_task(self._ask_and_keep(key, instruction, text, indices))
        self._flying[key] = task
        task.add_done_callback(lambda _: self._flying.pop(key, None))
        return await asyncio.shield(task)

    async def _ask_and_keep(
        self, key: str, instruction: Instruction, text: str, indices: tuple[int, ...]
    ) -> Verdict:
        assert self.judge is not None
        verdict: Verdict = await self.judge.ask(instruction, text, indices)
        if self.cache is not None and verdict.status in (Status.PASS, Status.FAIL):
            await asyncio.to_thread(self.cache.set, key, verdict)
        return verdict

    def _finish(self, plan: Plan) -> Verification:
        verdicts = tuple(sorted(plan.verdicts, key=lambda verdict: verdict.covers))
        made = reward(plan.item.instruction.constraints, verdicts, self.formula, self.unscorable_reward)
        return Verification(id=plan.item.id, verdicts=verdicts, reward=made)
