"""The common scores over verdict rows, each with its interval.

prompt level: the share of prompts all of whose constraints passed; instruction level: the share of constraints
that passed (IFEval, arXiv 2311.07911, sec. 3). Unscorable counts as failed: it is the policy's fault. An errored or
skipped verdict makes its prompt unknown; unknown prompts are left out and counted.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from verif.evaluation.case import Case, Scores, VerdictRow
from verif.stats import Interval, bootstrap_mean
from verif.types import Status

UNKNOWN = (Status.ERROR, Status.SKIPPED)


@dataclass(frozen=True)
class PromptResult:
    """One prompt's outcome: statuses by constraint, its cluster and labels."""

    id: str
    cluster: str
    passed: tuple[bool, ...]
    known: bool
    labels: str

    @property
    def followed(self) -> float:
        """1 if every constraint passed."""
        return float(all(self.passed))

    @property
    def share(self) -> float:
        """The share of constraints that passed."""
        return sum(self.passed) / len(self.passed) if self.passed else 1.0


def outcomes(rows: Sequence[VerdictRow], variant: str = "strict") -> list[PromptResult]:
    """Prompts with their outcomes, in the rows' order; the language row (index -1) is no constraint."""
    grouped: dict[str, list[VerdictRow]] = defaultdict(list)
    for row in rows:
        if row.variant == variant and row.index >= 0:
            grouped[row.id].append(row)
    out = []
    for id, group in grouped.items():
        group.sort(key=lambda row: row.index)
        known = not any(row.status in UNKNOWN for row in group)
        passed = tuple(row.status == Status.PASS for row in group)
        out.append(PromptResult(id, group[0].cluster, passed, known, group[0].labels))
    return out


def mean_of(
    results: Sequence[PromptResult], value: Callable[[PromptResult], float], samples: int, seed: int
) -> Interval:
    """The mean over known prompts with its clustered interval."""
    known = [outcome for outcome in results if outcome.known]
    return bootstrap_mean([value(o) for o in known], [o.cluster for o in known], samples, seed)


def prompt_level(rows: Sequence[VerdictRow], samples: int, seed: int, variant: str = "strict") -> Interval:
    """The share of prompts that were followed in full."""
    return mean_of(outcomes(rows, variant), lambda o: o.followed, samples, seed)


def instruction_level(
    rows: Sequence[VerdictRow], samples: int, seed: int, variant: str = "strict"
) -> Interval:
    """The share of constraints that passed; their prompts are the clusters."""
    kept = [r for r in rows if r.variant == variant and r.index >= 0 and r.status not in UNKNOWN]
    return bootstrap_mean(
        [float(r.status == Status.PASS) for r in kept], [r.cluster for r in kept], samples, seed
    )


def common(_cases: Sequence[Case], rows: Sequence[VerdictRow], samples: int, seed: int) -> Scores:
    """Prompt and instruction level, and the share of unknown prompts; loose ones where there are loose rows."""
    scores = {
        "prompt_strict": prompt_level(rows, samples, seed),
        "instruction_strict": instruction_level(rows, samples, seed),
    }
    if any(row.variant == "loose" for row in rows):
        scores["prompt_loose"] = prompt_level(rows, samples, seed, "loose")
        scores["instruction_loose"] = instruction_level(rows, samples, seed, "loose")
    return scores
