"""Pairwise accuracy on preference pairs: does the response that follows get the higher reward?

Each response is verified on its own; the pair is right if the chosen one's reward is higher, wrong if it is
lower, and a tie otherwise. Ties are counted and shown, never shared out: `accuracy` is right / decided, with
a tie counted as not right, and `without_ties` leaves them out. A pair with an error is undecided.

Most public pairs have no labels per constraint: the whole prompt is
then one soft constraint for the judge, which gives the "overall" column of VerIF's pilot table.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from verif.audit.cases import AuditCase, ask, failures
from verif.audit.pair_forms import pairs_of
from verif.core.failures import commonest
from verif.core.row_files import raw_rows
from verif.core.verifies import Verifies
from verif.errors import InputError
from verif.stats import Interval, proportion
from verif.types import Formula, Preference, Reasoning, SoftConstraint

WHOLE = SoftConstraint(
    text="The response does all that the instruction asks for and keeps every constraint in it.",
    dimension="overall",
)


@dataclass(frozen=True, slots=True)
class Pairwise:
    """Counts over pairs; `why` says the commonest reasons of errors."""

    right: int
    wrong: int
    ties: int
    errors: int
    why: str = ""

    @property
    def accuracy(self) -> Interval:
        """Share of decided pairs in which the chosen response got more; a tie is not right."""
        return proportion(self.right, self.right + self.wrong + self.ties)

    @property
    def without_ties(self) -> Interval:
        """The same among the pairs that are no ties."""
        return proportion(self.right, self.right + self.wrong)

    @property
    def tie_share(self) -> Interval:
        """Share of decided pairs that are ties."""
        return proportion(self.ties, self.right + self.wrong + self.ties)

    def as_dict(self) -> dict[str, Any]:
        """Counts and shares, for JSON."""
        shares = {"accuracy": self.accuracy, "without_ties": self.without_ties, "tie_share": self.tie_share}
        counts = {"right": self.right, "wrong": self.wrong, "ties": self.ties, "errors": self.errors}
        return counts | {name: share.as_dict() for name, share in shares.items() if share.n}


def load(path: Path) -> list[Preference]:
    """Preference pairs of any kind of file, in verif's form (`Preference`) or in one of `verif.audit.pair_forms`."""
    loaded = [pair for where, raw in raw_rows(path) for pair in pairs_of(raw, where)]
    if not loaded:
        raise InputError("no pairs", file=path)
    return [pair if pair.instruction.constraints else _whole(pair) for pair in loaded]


def _whole(pair: Preference) -> Preference:
    """Without constraints of its own the whole prompt is one."""
    instruction = pair.instruction.model_copy(update={"constraints": (WHOLE,)})
    return pair.model_copy(update={"instruction": instruction})


async def measure(
    verifier: Verifies, pairs: Sequence[Preference], formula: Formula, *, reasoning: Reasoning
) -> dict[str, Pairwise]:
    """Counts over all pairs ("all"), and per group where ids name one (`level-2-96952` belongs to `level-2`).

    Responses are sent in the verifier's `reasoning` format: without its marks every one would be unscorable, and
    every pair a tie.
    """
    cases = [
        AuditCase(f"{n}", pair.instruction, response.text, ())
        for n, pair in enumerate(pairs)
        for response in (pair.chosen, pair.rejected)
    ]
    opinions = await ask(verifier, cases, formula, reasoning=reasoning)
    values = [opinion.value for opinion in opinions]
    outcomes: dict[str, list[str]] = {"all": []}
    for n, pair in enumerate(pairs):
        outcome = _outcome(values[2 * n], values[2 * n + 1])
        outcomes["all"].append(outcome)
        group, dash, _ = pair.instruction.id.rpartition("-")
        if dash:
            outcomes.setdefault(group, []).append(outcome)
    counted = {
        name: Pairwise(
            results.count("right"), results.count("wrong"), results.count("tie"), results.count("error")
        )
        for name, results in sorted(outcomes.items())
    }
    return counted | {"all": replace(counted["all"], why=commonest(failures(opinions)))}


def _outcome(chosen: float | None, rejected: float | None) -> str:
    if chosen is None or rejected is None:
        return "error"
    if chosen == rejected:
        return "tie"
    return "right" if chosen > rejected else "wrong"
