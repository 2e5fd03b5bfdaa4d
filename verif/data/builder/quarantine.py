"""What a build left out, and why: one entry for each pair or constraint, never a silent loss."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Step = Literal["pairs", "near", "soft", "hard", "write", "proof", "combine", "screening", "judgements"]


@dataclass(frozen=True, slots=True)
class Refusal:
    """A pair (`text` empty) or a constraint that was refused. `kind` is one of few words, `reason` a sentence.

    `row` counts from 1 in the file of pairs; `evidence` is what was observed.
    """

    step: Step
    id: str
    row: int
    kind: str
    reason: str
    text: str = ""
    evidence: dict[str, Any] = field(default_factory=dict)

    def shown(self) -> dict[str, Any]:
        """As the quarantine file holds it."""
        return asdict(self)


def counted(refusals: Iterable[Refusal]) -> dict[str, dict[str, int]]:
    """How many of each kind, by step."""
    counts: dict[str, Counter[str]] = {}
    for refusal in refusals:
        counts.setdefault(refusal.step, Counter())[refusal.kind] += 1
    return {step: dict(sorted(kinds.items())) for step, kinds in sorted(counts.items())}
