"""verifiers (v1): a task whose reward is verif's, and a taskset of any file of instructions.

A module of your own exports the taskset under its name (`examples/verifiers_taskset.py`). An error raises:
`Task.score` records a `TaskError` on the trace, and a trainer drops that trace and keeps its group.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import verifiers.v1 as vf

from verif.core.asked import item_of
from verif.core.failures import reward_or_raise
from verif.core.row_files import read_rows
from verif.core.rows import Where
from verif.integrations.asking import asker_at
from verif.integrations.host import written_for
from verif.types import Instruction, Reasoning, Verification


class VerifTaskConfig(vf.TaskConfig):  # type: ignore[misc]
    """`url` is that of a verifier service; without it rules and checkers are decided here, by `formula`."""

    url: str | None = None
    formula: str = "average"
    reasoning: Reasoning = "auto"
    patience_s: float = 300.0


class VerifData(vf.TaskData):  # type: ignore[misc]
    """The instruction with its constraints, as JSON of `verif.types.Instruction`, and a response that follows it."""

    instruction: str
    gold: str | None = None


class VerifTask(vf.Task[VerifData, vf.State, VerifTaskConfig]):  # type: ignore[misc]
    """One instruction; a subclass may add rewards of its own."""

    @vf.reward(weight=1.0)
    async def verif(self, trace: vf.Trace) -> float:
        """The verifier's reward of the last reply."""
        turns = [turn.content for turn in trace.assistant_messages]
        said = trace.root_reply if trace.root_reply is not None else (turns or [""])[-1]
        return reward_or_raise(await self.verify(said, not trace.is_truncated))

    async def verify(self, said: str | None, finished: bool = True) -> Verification:
        """The verification of a response to this task."""
        where = Where("the taskset", (self.data.idx or 0) + 1)
        item = item_of({"ground_truth": self.data.instruction}, said, where, finished=finished)
        at = self.config
        asker = asker_at(at.url, at.formula, at.reasoning, at.patience_s)
        return (await asker.ask([item]))[0]

    async def validate(self, runtime: vf.Runtime | None) -> bool | None:  # noqa: ARG002
        """Whether the row's own response follows it; None without one. Rules that are unknown or wrong raise."""
        answer = await self.verify(self.data.gold or "Is this row right?")
        return None if self.data.gold is None else reward_or_raise(answer) == 1.0


class VerifTasksetConfig(vf.TasksetConfig):  # type: ignore[misc]
    """`rows` is a file in any form that `verif score` reads."""

    rows: Path = Path("rows.jsonl")
    task: VerifTaskConfig = VerifTaskConfig()


class VerifTaskset(vf.Taskset[VerifTask, VerifTasksetConfig]):  # type: ignore[misc]
    """The instructions of a file."""

    def load(self) -> Iterator[VerifTask]:
        """One task per row; `InputError` for a row that is wrong."""
        written_for("verifiers", "0.4")
        for row in read_rows(self.config.rows):
            asked = row.instruction or Instruction(id=row.id, prompt=row.prompt)
            truth = asked.model_dump_json()
            data = VerifData(id=asked.id, prompt=asked.prompt, instruction=truth, gold=row.response)
            yield VerifTask(data, self.config.task)
