"""What a scored file comes to: counts by type and status, what was taken for reasoning, and samples of one row together.

Nothing is kept of a row but numbers, so that a file of any length can be counted.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field

from verif.core.score import Scored
from verif.stats import Interval, proportion
from verif.types import Status, type_names

MOST_NAMES = 10_000
"""Types that are counted each for itself: their names come from the file."""
OTHERS = "others"
MOST_INSTRUCTIONS = 20_000
"""Instructions whose responses are counted together where they stand on lines of their own: memory stays bounded."""


@dataclass(slots=True)
class Sampled:
    """Instructions with several responses, in one row or on lines of their own: the share that followed, whether any did."""

    rows: int = 0
    samples: int = 0
    any: int = 0
    _sum: float = 0.0
    _squares: float = 0.0
    _passed: int = 0
    _unknown: bool = False
    _lines: dict[int, tuple[int, int, bool]] = field(default_factory=dict)

    def add(self, scored: Scored) -> None:
        """Count one response; those of a row come one after the other. A row of which something is unknown is left out."""
        row = scored.row
        if row.samples < 2:
            self._line(scored)
            return
        if row.sample == 0:
            self._passed, self._unknown = 0, False
        self._passed += scored.followed is True
        self._unknown |= scored.followed is None
        if row.sample == row.samples - 1 and not self._unknown:
            self._group(row.samples, self._passed)

    def finish(self) -> None:
        """Count the instructions whose responses stood on lines of their own, if most have more than one."""
        repeated = [line for line in self._lines.values() if line[0] > 1]
        if 2 * len(repeated) >= len(self._lines) <= MOST_INSTRUCTIONS:
            for responses, passed, unknown in repeated:
                if not unknown:
                    self._group(responses, passed)
        self._lines.clear()

    def _line(self, scored: Scored) -> None:
        if scored.row.instruction is None:
            return
        key = hash((scored.row.prompt, *type_names(scored.row.instruction)))
        if key in self._lines or len(self._lines) <= MOST_INSTRUCTIONS:
            responses, passed, unknown = self._lines.get(key, (0, 0, False))
            self._lines[key] = (
                responses + 1, passed + (scored.followed is True), unknown or scored.followed is None,
            )  # fmt: skip

    def _group(self, responses: int, passed: int) -> None:
        share = passed / responses
        self.rows += 1
        self.samples = responses if self.samples in (0, responses) else -1
        self.any += passed > 0
        self._sum += share
        self._squares += share * share

    @property
    def mean(self) -> Interval:
        """The mean over rows of the share that followed; its interval is normal, over rows."""
        mean = self._sum / self.rows
        spread = math.sqrt(max(0.0, self._squares / self.rows - mean * mean) / max(1, self.rows - 1))
        return Interval(mean, max(0.0, mean - 1.96 * spread), min(1.0, mean + 1.96 * spread), self.rows)

    @property
    def best(self) -> Interval:
        """The share of rows of which at least one response followed: pass@k, for rows of k responses."""
        return proportion(self.any, self.rows)


@dataclass(slots=True)
class Summary:
    """Counts of a scored file: by constraint type and status, of rows by `all`, and of what was said of answers."""

    rows: int = 0
    followed: Counter[bool | None] = field(default_factory=Counter)
    by_type: dict[str, Counter[Status]] = field(default_factory=dict)
    notes: Counter[str] = field(default_factory=Counter)
    hopeless: Counter[str] = field(default_factory=Counter)
    sampled: Sampled = field(default_factory=Sampled)

    def add(self, scored: Scored) -> None:
        """Count one response."""
        self.rows += 1
        self.followed[scored.followed] += 1
        names = type_names(scored.row.instruction) if scored.row.instruction else []
        for name, verdict in zip(names, scored.verdicts, strict=True):
            known = name in self.by_type or len(self.by_type) < MOST_NAMES
            self.by_type.setdefault(name if known else OTHERS, Counter())[verdict.status] += 1
        if scored.answer.taken:
            self.notes[f"reasoning: {scored.answer.taken}"] += 1
        if scored.answer.markup:
            known = len(self.notes) < 100
            self.notes[f"unknown markup: {scored.answer.markup if known else OTHERS}"] += 1
        if scored.answer.hopeless:
            self.hopeless[scored.answer.hopeless] += 1
        self.sampled.add(scored)

    def total(self) -> Counter[Status]:
        """Counts over all types."""
        return sum(self.by_type.values(), Counter())
