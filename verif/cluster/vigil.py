"""When to say a state, and when it has lasted too long: for the watcher of a stage and for the verifier's start."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

from verif.cluster.state import RETRIABLE, ObjectState

log = logging.getLogger("verif.cluster")
Report = Callable[[ObjectState], None]

STUCK = frozenset({"image", "config", "quota", "admission", "claim", "volume", "sandbox", "unknown"})
"""What does not heal by waiting for others."""
PASSING = frozenset({"volume", "sandbox", "node-silent"}) | RETRIABLE
"""What a kubelet or a node gets over within seconds as a rule, and says in ever new words."""


def said_in_the_log(_state: ObjectState) -> None:
    """No further report."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long what does not heal by itself is allowed to last, in seconds."""

    poll_s: float = 10.0
    ray_poll_s: float = 3.0  # a drained Ray pod can be gone within seconds, and only the pod says why
    say_s: float = 60.0  # what often passes by itself is said after that
    stuck_s: float = 600.0  # image, configuration, claim, volume, sandbox, quota and admission problems
    lost_s: float = 600.0  # a pod (grace: 120 s) that is to be deleted, and whose node does not confirm it
    unschedulable_s: float = 86400.0  # a busy cluster is not a failure

    def limit(self, state: ObjectState) -> float | None:
        """How long this state may last; None for ever."""
        if state.phase == "running" and state.cause in RETRIABLE:
            return self.lost_s
        if state.phase != "pending":
            return None
        return (
            self.stuck_s if state.cause in STUCK else {"unschedulable": self.unschedulable_s}.get(state.cause)
        )


class Vigil:
    """Sees one state after the other, and says each that is new: to the log under a name, and to `report`."""

    def __init__(
        self, name: str, report: Report, patience: Patience, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.name, self.report, self.patience, self.clock = name, report, patience, clock
        self.last, self.since, self.said = ObjectState("pending"), clock(), ObjectState("pending")

    def see(self, state: ObjectState) -> ObjectState:
        """The state, or the failure that it has become by lasting too long."""
        now = self.clock()
        if (state.phase, state.cause) != (self.last.phase, self.last.cause):
            self.since = now
        self.last = state
        lasted, limit = now - self.since, self.patience.limit(state)
        if limit is not None and lasted > limit:
            return ObjectState("failed", state.cause, f"{state.message} (for {limit:.0f} s)")
        if state.cause in PASSING and not state.final:
            same = (state.phase, state.cause) == (self.said.phase, self.said.cause)
            if same or lasted < self.patience.say_s:
                return state
        if state != self.said:
            self.said = state
            log.info("%s: %s", self.name, state)
            self.report(state)
        return state
