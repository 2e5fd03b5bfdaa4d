"""Rules, checkers and judge joined into verifications, in this process.

`verif.service.build` builds one from a recipe; `verif.service` offers the same interface over HTTP. Work goes by
instruction: cache first, then rules, then one sandbox feed for a group's rollouts, then the judge, and only
if its verdict can change the reward. Identical questions in flight are asked once. Verifications are yielded
as they are finished.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from typing import Any

from verif.core.answers.hybrid import Hybrid
from verif.core.answers.maths import Worker
from verif.core.answers.reference import reference_verdicts, wants_references
from verif.core.arriving import arriving
from verif.core.cache import VerdictCache
from verif.core.checks import Checks, Rules, as_cached, checker_verdicts, wants_sandbox
from verif.core.finishing import finished, to_judge
from verif.core.parts import make_parts
from verif.core.plan import Plan, without
from verif.core.reward import require_formula
from verif.core.starting import Start, everything
from verif.system import plugins
from verif.system.files import digest
from verif.types import Formula, Instruction, Item, Reasoning, Reward, Status, Verdict, Verification

THREADS = 2
"""For rules. They hold the interpreter, so more threads would only keep the event loop waiting for longer."""
FEED = 32
"""Answers that go to the sandbox together: a group of rollouts, and no more than can be waited for."""
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
        reasoning: Reasoning = "auto",
        judge: TYPE_JUDGE | None = None,
        sandbox: Checks | None = None,
        hybrid: Hybrid | None = None,
        cache: VerdictCache | None = None,
        parts: dict[str, str] | None = None,
    ) -> None:
        require_formula(formula)
        self.formula, self.unscorable_reward, self.reasoning = formula, unscorable_reward, reasoning
        self.judge, self.sandbox, self.hybrid, self.cache = judge, sandbox, hybrid, cache
        self.parts = parts or make_parts(
            formula=formula,
            unscorable_reward=unscorable_reward,
            reasoning=reasoning,
            judge=judge.part if judge else "none",
            sandbox=sandbox.version if sandbox else "none",
            references=hybrid.part if hybrid else "",
            plugins=plugins.identity(()),
        )
        self.identity = digest(self.parts)
        self.saved: Counter[str] = Counter()
        self.judge_calls = 0
        self.rules = Rules()
        self.maths = Worker()
        self._threads = ThreadPoolExecutor(THREADS, "verif-rules")
        self._flying: dict[str, asyncio.Task[Verdict]] = {}

    async def verify(
        self,
        items: Sequence[Item],
        *,
        cache: bool = True,
        complete: bool = False,
        wanted: Callable[[str], bool] = everything,
    ) -> AsyncIterator[Verification]:
        """One verification per item, in the order they are finished.

        `cache=False` neither reads nor writes the cache, nor joins identical questions. `complete=True` asks
        every constraint, also where the answer cannot change the reward (audits, evaluation). `wanted` says by
        an item's id whether somebody still waits for it; if not, it is an error without further work. Raises
        `InputError` for an item whose constraints are not valid; nothing else is an exception.
        """
        start = Start(
            self.rules,
            items,
            reasoning=self.reasoning,
            no_rules=self.formula == "soft-only" and not complete,
            wanted=wanted,
        )
        while not await asyncio.get_running_loop().run_in_executor(self._threads, start.step):
            pass  # in steps, so that the batches that wait for a thread take turns
        done: asyncio.Queue[Verification | BaseException] = asyncio.Queue()
        for lost in start.unwanted:
            done.put_nowait(self._give_up(lost))
        tasks: list[asyncio.Task[None]] = []
        ready: list[Plan] = []
        for group in start.groups:
            if all(constraint.kind == "rule" for constraint in group[0].item.instruction.constraints):
                self.saved["absent"] += sum(not plan.answer.hopeless for plan in group)
                ready += group
            else:
                tasks.append(asyncio.create_task(self._group(group, cache, complete, wanted, done)))
        if len(ready) == len(items):  # nothing is under way
            for plan in ready:
                yield self._finish(plan)
            return
        finishing = map(self._finish, ready)
        async with aclosing(arriving(len(items) - len(ready), done, tasks, finishing)) as verifications:
            async for verification in verifications:
                yield verification

    def check_item(self, item: Item) -> None:
        """`InputError` if a rule is unknown or its parameters are wrong."""
        self.rules.check_item(item)

    async def close(self) -> None:
        """Release connections, workers and files."""
        for task in list(self._flying.values()):
            task.cancel()
        await asyncio.gather(*self._flying.values(), return_exceptions=True)
        if self.judge is not None:
            await self.judge.client.close()
        if self.sandbox is not None:
            await asyncio.to_thread(self.sandbox.close)
        await asyncio.to_thread(self.maths.close)
        if self.hybrid is not None:
            await self.hybrid.close()
        if self.cache is not None:
            self.cache.close()
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._threads = ThreadPoolExecutor(THREADS, "verif-rules")

    # ---------------------------------------------------------------------------------- hard
    async def _group(
        self,
        plans: list[Plan],
        cache: bool,
        complete: bool,
        wanted: Callable[[str], bool],
        done: asyncio.Queue[Verification | BaseException],
    ) -> None:
        """Checkers, then judge, for the rollouts of one instruction."""
        try:
            for plan in plans:
                if not wanted(plan.item.id):
                    done.put_nowait(self._give_up(plan.item))
            plans = [plan for plan in plans if wanted(plan.item.id)]
            await self._checkers(plans, cache, complete, wanted)
            await self._references(plans, cache, complete)
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

    async def _checkers(
        self, plans: list[Plan], cache: bool, complete: bool, wanted: Callable[[str], bool]
    ) -> None:
        instruction = plans[0].item.instruction if plans else None
        able = [plan for plan in plans if not plan.answer.hopeless]
        if (
            instruction is None
            or not able
            or not wants_sandbox(instruction.constraints)
            or (self.formula == "soft-only" and not complete)
        ):
            return
        answers = list(dict.fromkeys(plan.answer.text for plan in able))
        why = "this verifier has no sandbox" if self.sandbox is None else "nobody waits for it any more"
        by_answer = dict.fromkeys(answers, without("checker", instruction.constraints, why))
        store = self.cache if cache else None
        for start in range(0, len(answers), FEED):
            if self.sandbox is None or not any(wanted(plan.item.id) for plan in able):
                break
            part = answers[start : start + FEED]
            decided = await asyncio.to_thread(checker_verdicts, instruction, part, self.sandbox, store)
            by_answer.update(zip(part, decided, strict=True))
        for plan in able:
            plan.verdicts.extend(by_answer[plan.answer.text])

    async def _references(self, plans: list[Plan], cache: bool, complete: bool) -> None:
        able = [plan for plan in plans if not plan.answer.hopeless]
        if not able or (self.formula == "soft-only" and not complete):
            return
        instruction = able[0].item.instruction
        if not wants_references(instruction.constraints):
            return
        answers = list(dict.fromkeys(plan.answer.text for plan in able))
        store = self.cache if cache else None
        grid = await asyncio.to_thread(reference_verdicts, instruction, answers, self.maths, store)
        if self.hybrid is not None:
            grid = await self.hybrid.verdicts(instruction, answers, grid, store)
        by_answer = dict(zip(answers, grid, strict=True))
        for plan in able:
            plan.verdicts.extend(by_answer[plan.answer.text])

    # ---------------------------------------------------------------------------------- soft
    def _soft(self, plan: Plan, complete: bool) -> list[tuple[int, ...]]:
        """The questions for the judge; what is not asked gets its verdict here."""
        soft, saved = to_judge(plan, self.formula, judged=self.judge is not None, complete=complete)
        if saved:
            self.saved[saved] += 1
        return list(self.judge.asks(list(soft))) if self.judge is not None and soft else []

    async def _ask(self, plan: Plan, indices: tuple[int, ...], cache: bool) -> Verdict:
        """A judge's verdict: from the cache, from an identical question in flight, or asked now."""
        assert self.judge is not None
        instruction, text = plan.item.instruction, plan.answer.text
        if not cache:
            self.judge_calls += 1
            verdict: Verdict = await self.judge.ask(instruction, text, indices)
            return verdict
        key = self.judge.key(instruction, text, indices)
        stored = None
        if self.cache is not None:  # the disk may be slow, or its store locked: not on the loop
            stored = self.cache.recall(key) or await asyncio.to_thread(self.cache.get, key)
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

    def _give_up(self, item: Item) -> Verification:
        """What nobody waits for: an error, so that it is nothing that was decided."""
        covers = tuple(range(len(item.instruction.constraints)))
        verdict = Verdict(status=Status.ERROR, covers=covers, reason="nobody waits for it any more")
        made = Reward(value=None, state="error", formula=self.formula)
        return Verification(id=item.id, verdicts=(verdict,), reward=made)

    def _finish(self, plan: Plan) -> Verification:
        return finished(plan, self.formula, self.unscorable_reward)
