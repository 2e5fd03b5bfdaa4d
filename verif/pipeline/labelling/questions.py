"""What a labeller is asked: does this response keep this constraint? One question per constraint, in a seeded order.

The constraints of one response stay together, so that it is read once. A question is known by its content: rows may be
put into another order, or be added, and labels stay where they belong.
"""

from __future__ import annotations

import random
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from verif.core.answer import answer_of
from verif.core.instruction_files import last_turn
from verif.core.rows import Row
from verif.core.score import scorable
from verif.data.labelled import FirstSeen
from verif.errors import InputError
from verif.system.files import digest
from verif.types import Instruction, Reasoning, Response, is_hard

ACTS = frozenset(
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b\u200e\u200f\u2061\u2062\u2063\u2064\u3164\uffa0"
    "\ufff9\ufffa\ufffb\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u2060\u2066\u2067\u2068\u2069\ufeff"
)
"""What changes how other characters are shown, or is not seen itself."""
TAGS = range(0xE0000, 0xE01F0)
"""Letters and selectors that no font shows, and a model reads."""

AGAIN = "the same response to the same instruction again"


@dataclass(frozen=True, slots=True)
class Judged:
    """A response with its instruction. `answer` is what a judge reads of `response`; `keys[i]` names constraint i."""

    instruction: Instruction
    response: str
    answer: str
    keys: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LabelQuestion:
    """One constraint of one response."""

    judged: Judged
    constraint: int

    @property
    def key(self) -> str:
        """Its digest."""
        return self.judged.keys[self.constraint]


@dataclass(slots=True)
class ToLabel:
    """All responses that can be labelled, and why others were left out. `hard`: rules and checkers are asked about, too."""

    responses: list[Judged] = field(default_factory=list)
    left_out: dict[str, int] = field(default_factory=dict)
    hard: bool = False

    def asked(self, judged: Judged) -> list[LabelQuestion]:
        """The questions about one response."""
        positions = range(len(judged.instruction.constraints))
        return [
            LabelQuestion(judged, n)
            for n in positions
            if self.hard or not is_hard(judged.instruction.constraints[n])
        ]

    def questions(self) -> list[LabelQuestion]:
        """All questions, in the order of the rows."""
        return [question for judged in self.responses for question in self.asked(judged)]

    def ordered(self, seed: int, labeller: str) -> list[LabelQuestion]:
        """All questions, responses shuffled: each labeller has an order, so that two do not tire at the same rows."""
        shuffled = list(self.responses)
        random.Random(digest([seed, labeller])).shuffle(shuffled)
        return [question for judged in shuffled for question in self.asked(judged)]


def read_questions(
    rows: Iterable[Row], source: str, *, hard: bool = False, reasoning: Reasoning = "auto"
) -> ToLabel:
    """What is to be labelled in `rows`, which come from `source`.

    `InputError` names the first row that `data.labelled` would refuse, before anybody has labelled for an hour; also
    for a file in which there is nothing to ask. Responses without an answer, or cut off, are left out and counted: no
    judge is asked about them. A response that was there before is asked about once.
    """
    made, seen = ToLabel(hard=hard), FirstSeen()
    for row in scorable(rows):
        assert row.instruction is not None
        assert row.response is not None
        if not row.instruction.constraints:
            raise row.where.error("has no constraints", "instruction")
        again = seen.add(row.where, row.instruction, row.response)
        answer = answer_of(Response(text=row.response, finished=row.finished), reasoning)
        if reason := AGAIN if again else answer.unjudgeable:
            made.left_out[reason] = made.left_out.get(reason, 0) + 1
            continue
        made.responses.append(
            Judged(row.instruction, row.response, answer.text, _keys(row.instruction, row.response))
        )
    if not made.questions():
        raise InputError(
            _nothing(made), file=source, hint="" if hard else "--hard asks about hard constraints, too."
        )
    return made


def _nothing(made: ToLabel) -> str:
    if made.responses:
        return "no response has a soft constraint"
    reasons = "; ".join(f"{count}: {reason}" for reason, count in made.left_out.items())
    return f"no response can be labelled ({reasons})" if reasons else "there are no rows"


def _keys(instruction: Instruction, response: str) -> tuple[str, ...]:
    """Of all that a labeller sees, and the row's name; what else travels in `meta` changes no answer."""
    asked = [
        instruction.id,
        instruction.prompt,
        instruction.system,
        instruction.meta.get("history", []),
        response,
    ]
    return tuple(
        digest([asked, constraint.model_dump(mode="json")]) for constraint in instruction.constraints
    )


def shown(text: str) -> str:
    """A text as it may be looked at: what acts on other characters, or hides, stands as its number."""
    return "".join(f"\u27e8U+{ord(c):04X}\u27e9" if _acts(c) else c for c in text)


def _acts(character: str) -> bool:
    if character.isascii() and (character.isprintable() or character in "\n\t"):
        return False
    return character in ACTS or ord(character) in TAGS or unicodedata.category(character) in ("Cc", "Cs")


def as_page(question: LabelQuestion) -> dict[str, Any]:
    """All that the page gets to know of a question: no verdict, no truth, nothing of `meta` but the earlier turns."""
    instruction = question.judged.instruction
    history = instruction.meta.get("history", [])
    turns = [turn for turn in history if isinstance(turn, dict)] if isinstance(history, list) else []
    return {
        "key": question.key,
        "system": shown(instruction.system),
        "history": [{"role": shown(str(t.get("role"))), "text": shown(str(t.get("content")))} for t in turns],
        "prompt": shown(last_turn(instruction)),
        "constraint": shown(instruction.constraints[question.constraint].text),
        "response": shown(question.judged.answer),
    }
