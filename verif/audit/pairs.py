"""Pairwise accuracy on preference pairs: does the response that follows get the higher reward?

Each response is verified on its own; the pair is right if the chosen one's reward is higher, wrong if it is
lower, and a tie otherwise. Ties are counted and shown, never shared out: `accuracy` is right / decided, with
a tie counted as not right, and `without_ties` leaves them out. A pair with an error is undecided.

IFBench-RM (`id`, `domain`, `text_chosen`, `text_rejected`) has no labels per constraint: the whole prompt is
then one soft constraint for the judge, which gives the "overall" column of VerIF's pilot table.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import orjson
from pydantic import ValidationError

from verif.audit.cases import AuditCase, ask, failures
from verif.core.failures import commonest
from verif.core.verifies import Verifies
from verif.errors import InputError
from verif.stats import Interval, proportion
from verif.types import Formula, Instruction, Preference, Response, SoftConstraint

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
    """Preference pairs of a JSON array in IFBench-RM's form, or of JSON lines in verif's own (`Preference`)."""
    try:
        data = path.read_bytes()
        rows = (
            orjson.loads(data)
            if data.lstrip()[:1] == b"["
            else [orjson.loads(x) for x in data.splitlines() if x]
        )
    except OSError as error:
        raise InputError(str(error.strerror), file=path) from None
    except orjson.JSONDecodeError as error:
        raise InputError(f"not JSON: {error}", file=path) from None
    if not rows:
        raise InputError("no pairs", file=path)
    return [_pair(row, path, number) for number, row in enumerate(rows, 1)]


def _pair(row: Any, path: Path, number: int) -> Preference:
    if isinstance(row, dict) and "text_chosen" in row:
        chosen, rejected = (_turns(row, key, path, number) for key in ("text_chosen", "text_rejected"))
        if chosen[:2] != rejected[:2]:
            raise InputError("the two responses answer different prompts", file=path, row=number)
        system, prompt, answer = chosen
        name = f"{row.get('domain', 'pair')}-{row.get('id', number)}"
        instruction = Instruction(id=name, prompt=prompt, system=system, constraints=(WHOLE,))
        return Preference(
            instruction=instruction, chosen=Response(text=answer), rejected=Response(text=rejected[2])
        )
    try:
        pair = Preference.model_validate(row)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise InputError(first["msg"], file=path, row=number, field=place) from None
    if pair.instruction.constraints:
        return pair
    return pair.model_copy(
        update={"instruction": pair.instruction.model_copy(update={"constraints": (WHOLE,)})}
    )


def _turns(row: dict[str, Any], key: str, path: Path, number: int) -> tuple[str, str, str]:
    """System message (may be empty), prompt and response of a conversation of one exchange."""
    try:
        turns = [(turn["role"], turn["content"]) for turn in row[key]]
    except (KeyError, TypeError):
        raise InputError(
            "expected chat messages with role and content", file=path, row=number, field=key
        ) from None
    system = turns.pop(0)[1] if turns and turns[0][0] == "system" else ""
    if [role for role, _ in turns] != ["user", "assistant"] or not all(isinstance(t, str) for _, t in turns):
        raise InputError("expected one user and one assistant message", file=path, row=number, field=key)
    return system, turns[0][1], turns[1][1]


async def measure(
    verifier: Verifies, pairs: Sequence[Preference], formula: Formula, *, policy_thinks: bool
) -> dict[str, Pairwise]:
    """Counts over all pairs ("all"), and per group where ids name one (`level-2-96952` belongs to `level-2`).

    A verifier of a policy that thinks must be told so: without a reasoning block every response is unscorable, and
    every pair a tie.
    """
    cases = [
        AuditCase(f"{n}", pair.instruction, response.text, ())
        for n, pair in enumerate(pairs)
        for response in (pair.chosen, pair.rejected)
    ]
    opinions = await ask(verifier, cases, formula, policy_thinks=policy_thinks)
    values = [opinion.value for opinion in opinions]
    outcomes: dict[str, list[str]] = {"all": []}
    for n, pair in enumerate(pairs):
        outcome = _outcome(values[2 * n], values[2 * n + 1])
        outcomes["all"].append(outcome)
        group, found, _ = pair.instruction.id.rpartition("-")
        if found:
            outcomes.setdefault(group, []).append(outcome)
    counted = {
        name: Pairwise(found.count("right"), found.count("wrong"), found.count("tie"), found.count("error"))
        for name, found in sorted(outcomes.items())
    }
    return counted | {"all": replace(counted["all"], why=commonest(failures(opinions)))}


def _outcome(chosen: float | None, rejected: float | None) -> str:
    if chosen is None or rejected is None:
        return "error"
    if chosen == rejected:
        return "tie"
    return "right" if chosen > rejected else "wrong"
