"""What is known of a step's rollouts once they are sampled."""

from __future__ import annotations

from dataclasses import dataclass, field

from verif.core.failures import commonest
from verif.training.verl.record import RolloutRecord


@dataclass(frozen=True)
class StepRollout:
    """A rollout of a step: its record, and its instruction as JSON."""

    record: RolloutRecord
    instruction: str


@dataclass
class Sample:
    """The rollouts of one step, those of batches that were drawn again included.

    `rows` are by veRL's key (`uid_session_index`); `left_out` are keys without a part in the step. `pairs` are keys of
    chosen and rejected rollouts. `no_contrast` counts prompts whose rollouts were alike (with pairs: that gave none), and
    `refilled` those in whose place others were drawn. `cycle_wait_s` is set where the rollouts were
    awaited for a whole cycle.
    """

    step: int = 0
    expected: int = 0
    rows: dict[str, StepRollout] = field(default_factory=dict)
    left_out: set[str] = field(default_factory=set)
    pairs: list[tuple[str, str]] = field(default_factory=list)
    no_contrast: int = 0
    refilled: int = 0
    cycle_wait_s: float | None = None

    @property
    def teaches(self) -> bool:
        """Whether any rollout takes part."""
        return len(self.left_out) < len(self.rows)

    @property
    def records(self) -> list[RolloutRecord]:
        """The records of all rows."""
        return [row.record for row in self.rows.values()]

    @property
    def errors(self) -> int:
        """Rollouts without a reward: verification errors, and generations that never came back."""
        errored = sum(record.state == "error" for record in self.records)
        return errored + max(0, self.expected - len(self.rows))

    @property
    def waited_s(self) -> float:
        """Seconds between the end of the last generation and the last reward."""
        if self.cycle_wait_s is not None:
            return self.cycle_wait_s
        if not self.rows:
            return 0.0
        return max(0.0, max(r.rewarded for r in self.records) - max(r.generated for r in self.records))

    def reasons(self) -> str:
        """The most frequent reasons of errors, for messages."""
        missing = max(0, self.expected - len(self.rows))
        said = [record.reason for record in self.records if record.state == "error"]
        return commonest([*said, *["generation failed"] * missing])

    def add(self, other: Sample) -> None:
        """Count another batch of the same step."""
        self.expected += other.expected
        self.rows |= other.rows
        self.left_out |= other.left_out
