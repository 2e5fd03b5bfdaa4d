"""One agent loop for all rollouts of a worker, where veRL makes a new one for each.

Making one merges the whole configuration again: a quarter of what a rollout costs its worker beside a small model.
`SingleTurnAgentLoop` keeps nothing of a rollout in itself (its `run` reads settings only), so one serves all; any other
loop is made anew each time, as before.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

PACKAGE = "verl"
VERSION = "0.9.1"
MODULE = "verl.experimental.agent_loop.agent_loop"
WHERE = "verl/experimental/agent_loop/agent_loop.py:683"
KEEPS_NOTHING = "verl.experimental.agent_loop.single_turn_agent_loop.SingleTurnAgentLoop"


def apply() -> None:
    """Put a hydra that remembers such loops where veRL makes them."""
    import hydra
    import verl.experimental.agent_loop.agent_loop as loops

    loops.hydra = Hydra(hydra)  # type: ignore[assignment, attr-defined]


class Hydra:
    """`hydra` as the agent loops use it."""

    def __init__(self, hydra: Any) -> None:
        self.utils = Utils(hydra.utils)


class Utils:
    """`hydra.utils`, whose `instantiate` gives the same loop again for the same parts."""

    def __init__(self, utils: Any) -> None:
        self._utils = utils
        self._made: dict[tuple[int, ...], tuple[Any, Any]] = {}

    def instantiate(self, config: Mapping[str, Any], **parts: Any) -> Any:
        """A loop; `parts` are kept with it, so that no other object can take their identity."""
        if config["_target_"] != KEEPS_NOTHING:
            return self._utils.instantiate(config=config, **parts)
        key = tuple(id(parts.get(name)) for name in ("server_manager", "tokenizer", "processor"))
        if key not in self._made:
            self._made[key] = self._utils.instantiate(config=config, **parts), parts
        return self._made[key][0]
