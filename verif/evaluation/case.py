"""The nouns of evaluation: a case to generate for, an answer, and the verdict rows that are kept.

A benchmark is `load -> prompts -> responses -> verdicts -> scores`; it brings the first and the last step, the
steps between are the same for all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from verif.core.instruction_files import messages as messages_of
from verif.stats import Interval
from verif.types import Instruction

Judging = Literal["truth", "rules", "verifier"]
Messages = list[dict[str, str]]
REFERENCE = "reference"
"""The label of a case that a reference decides instead of the verifier; its value says how."""


@dataclass(frozen=True)
class Case:
    """One response to generate. `cluster` names what it shares with others (a source, a conversation).

    `follows` is the id of the case whose conversation it continues: its messages and the model's own answer come
    first. `labels` (turn, level, language, priorities) are for the scores only.
    """

    instruction: Instruction
    cluster: str = ""
    follows: str = ""
    labels: dict[str, Any] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """The instruction's id, unique in its benchmark."""
        return self.instruction.id


@dataclass(frozen=True)
class Generation:
    """What a model said. `note` says why there is no text, e.g. a prompt longer than the context."""

    text: str
    finished: bool = True
    tokens: int = 0
    note: str = ""


@dataclass(frozen=True)
class VerdictRow:
    """One kept verdict: who was asked what, said what, and what was decided by whom and why.

    `index` is the constraint's position; -1 is the response's language (the local world's grammaticality).
    `family` is the constraint's type (`verif.types.type_name`). `variant` is strict or loose.
    """

    benchmark: str
    model: str
    mode: str
    id: str
    cluster: str
    index: int
    family: str
    kind: str
    constraint: str
    prompt: str
    response: str
    finished: bool
    tokens: int
    status: str
    reason: str
    evidence: str
    part: str
    verifier: str
    variant: str = "strict"
    labels: str = "{}"


Scores = dict[str, Interval]


@dataclass(frozen=True)
class Benchmark:
    """A benchmark's name, paper, loader, who judges, and its own scores beside the common ones.

    `load(path)` raises `InputError` naming file, row and field. `score(cases, rows, samples, seed)` gets the rows
    of one model in one mode. `note` says where its numbers differ from upstream's.
    """

    name: str
    title: str
    paper: str
    judging: Judging
    load: Callable[[Path], list[Case]]
    score: Callable[[Sequence[Case], Sequence[VerdictRow], int, int], Scores]
    needs_file: bool = True
    note: str = ""


def conversation(case: Case, cases: dict[str, Case], answers: dict[str, Generation]) -> Messages:
    """The messages a case is asked with; what it follows must have been answered."""
    own = messages_of(case.instruction)
    if not case.follows:
        return own
    before = conversation(cases[case.follows], cases, answers)
    said: Messages = [{"role": "assistant", "content": answers[case.follows].text}]
    return [*before, *said, *(m for m in own if m["role"] != "system")]


def waves(cases: Sequence[Case]) -> list[list[Case]]:
    """Cases in the order in which they can be asked: those that follow another come one wave later."""
    depth: dict[str, int] = {}
    known = {case.id: case for case in cases}

    def level(case: Case) -> int:
        if case.id not in depth:
            depth[case.id] = level(known[case.follows]) + 1 if case.follows else 0
        return depth[case.id]

    out: list[list[Case]] = []
    for case in cases:
        while len(out) <= level(case):
            out.append([])
        out[level(case)].append(case)
    return out
