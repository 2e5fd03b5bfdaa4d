"""What is known about one rollout when its reward is: it travels through veRL as one JSON string.

veRL hands numbers and strings in `reward_extra_info` through unchanged; numbers among them turn into
validation metrics, a string does not.
"""

from __future__ import annotations

from typing import Any

from verif.core.failures import why
from verif.types import Frozen, Verification

FIELD = "verif_record"
"""The key in veRL's `reward_extra_info`."""


class RolloutRecord(Frozen):
    """A rollout with its verification. Times are seconds since the epoch on the reward worker's machine.

    `verification` is None when the verifier gave no answer at all; `problem` then says why.
    """

    text: str
    finished: bool
    generated: float
    rewarded: float
    verification: Verification | None
    problem: str = ""

    @property
    def state(self) -> str:
        """scored, unscorable or error."""
        return "error" if self.verification is None else self.verification.reward.state

    @property
    def reward(self) -> float | None:
        """The reward, or None where there is an error."""
        return None if self.verification is None else self.verification.reward.value

    @property
    def reason(self) -> str:
        """Why there is no reward: the first error's reason."""
        if self.problem or self.verification is None:
            return self.problem
        return why(self.verification)


def read(extra_fields: Any) -> RolloutRecord:
    """The record in a batch row's `extra_fields`; a row without one is a bug and raises."""
    fields = getattr(extra_fields, "data", extra_fields)
    return RolloutRecord.model_validate_json(fields["reward_extra_info"][FIELD])
