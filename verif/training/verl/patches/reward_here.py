"""The process that asks for rollouts asks for their rewards, too, where veRL has another one for it.

A reward worker of veRL gets each rollout as tensors, to ask verif's service and wait. On CPU that is one process
more to start and to hold in memory, and a message there and back for each rollout. `reward.num_workers: 0` starts none
(`command.reward`); the agent loops then ask by themselves, through the same reward manager.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

PACKAGE = "verl"
VERSION = "0.9.1"
MODULE = "verl.experimental.agent_loop.agent_loop"
WHERE = "verl/experimental/agent_loop/agent_loop.py:1025"


def apply() -> None:
    """Give agent loops that have no reward worker one in their own process."""
    from verl.experimental.agent_loop.agent_loop import AgentLoopWorker

    make = AgentLoopWorker.__init__

    def init(self: Any, config: Any, *parts: Any, **named: Any) -> None:
        make(self, config, *parts, **named)
        if self.reward_loop_worker_handles == []:
            self.reward_loop_worker_handles = [Here(config)]

    AgentLoopWorker.__init__ = init  # type: ignore[method-assign]


class Here:
    """What an agent loop takes for the handle of a reward worker."""

    def __init__(self, config: Any) -> None:
        from verl.experimental.reward_loop.reward_loop import RewardLoopWorker

        self.compute_score = Method(RewardLoopWorker(config).compute_score)


class Method:
    """A method as Ray's handles have it: called by `remote`, awaited."""

    def __init__(self, call: Callable[[Any], Awaitable[dict[str, Any]]]) -> None:
        self.remote = call
