"""What a cluster object can be in: a phase, a cause and the words for the user. `retriable` is what the cluster did."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Phase = Literal["suspended", "pending", "running", "succeeded", "failed"]
Cause = Literal[
    "", "queue", "unschedulable", "image", "config", "quota", "admission", "claim", "volume", "sandbox", "evicted",
    "preempted", "node-lost", "node-silent", "oom", "scratch", "exit", "deadline", "deleted", "submission", "unknown",
]  # fmt: skip
RETRIABLE: frozenset[str] = frozenset({"evicted", "preempted", "node-lost"})
Told = tuple[Cause, str]  # the cause of an end, and the words that go with it


@dataclass(frozen=True, slots=True)
class ObjectState:
    """A phase, its cause and the words for the user."""

    phase: Phase
    cause: Cause = ""
    message: str = ""

    @property
    def final(self) -> bool:
        """Nothing more will happen."""
        return self.phase in ("succeeded", "failed")

    @property
    def retriable(self) -> bool:
        """The cluster's doing: a new attempt resumes from the last checkpoint."""
        return self.phase == "failed" and self.cause in RETRIABLE

    def __str__(self) -> str:
        kind = f"{self.phase} ({self.cause})" if self.cause not in ("", "queue") else self.phase
        return f"{kind}: {self.message}" if self.message else kind
