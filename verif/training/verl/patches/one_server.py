"""No balancer is asked for a server where one engine writes all rollouts.

veRL asks a process of its own before and after each rollout, and gets the server's handle anew each time. On CPU there
is one server and no other comes: the first answer stays right.
"""

from __future__ import annotations

from typing import Any

PACKAGE = "verl"
VERSION = "0.9.1"
MODULE = "verl.workers.rollout.llm_server"
WHERE = "verl/workers/rollout/llm_server.py:81"


def apply() -> None:
    """Let veRL's client keep the first server that it is given, and say nothing when it is done with it."""
    from verl.workers.rollout.llm_server import LLMServerClient

    ask = LLMServerClient._acquire_server

    async def acquire(self: Any, request_id: str, **extra: Any) -> Any:
        if "verif_server" not in self.__dict__:
            self.verif_server = await ask(self, request_id, **extra)
        return self.verif_server

    LLMServerClient._acquire_server = acquire  # type: ignore[method-assign]
    LLMServerClient._release_server = _kept  # type: ignore[method-assign, assignment]


def _kept(client: Any, server_id: str, request_id: str | None = None) -> None:
    """Nobody counts what a server is busy with."""
