"""Two responses of which one is better by construction, and the two questions that a judge is asked about them."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from verif.core.judge.pair import render_pair
from verif.core.judge.prompt import render
from verif.data.judgements.answers import BETTER, CLOSE, FAIL, PASS
from verif.data.splits import PolicyPair
from verif.recipe import JudgementData
from verif.types import Instruction, RuleConstraint

META = "judgement"
"""The key in an instruction's `meta` under which a question says what it is about."""
MATCHED = 0.1
"""Two responses whose lengths in characters differ by no more than this share of the longer are alike in length."""

Form = Literal["pointwise", "pairwise"]


@dataclass(frozen=True)
class JudgementPair:
    """`good` keeps the constraints at `asked`, `bad` breaks at least one. `construction` says how it was broken.

    `reasons` are what a judge should see in either; empty where nobody knows.
    """

    instruction: Instruction
    asked: tuple[int, ...]
    good: str
    bad: str
    construction: str
    reasons: tuple[str, str] = ("", "")

    @property
    def matched(self) -> bool:
        """Whether the two are alike in length: then length cannot tell which is better."""
        shorter, longer = sorted((len(self.good), len(self.bad)))
        return longer - shorter <= MATCHED * longer


class PairSource(Protocol):
    """Where pairs come from, and what is true of them."""

    def draw(self, rng: random.Random, split: str) -> JudgementPair:
        """A pair of a split: train, validation, test, golden, or unseen (families that no other split has)."""
        ...

    def false(self, pair: JudgementPair, text: str) -> bool:
        """Whether another response to the pair's instruction breaks what is asked about."""
        ...


def questions(
    pair: JudgementPair, name: str, form: Form, section: JudgementData, rng: random.Random
) -> list[Instruction]:
    """Both questions about a pair, `<name>-0` and `<name>-1`: the orders good first and bad first, or good and bad alone.

    Each has a marker of its own from `rng`, as the verifier has one for each response.
    """
    return [_question(pair, name, turn, form, section, rng) for turn in (0, 1)]


def _question(
    pair: JudgementPair, name: str, turn: int, form: Form, section: JudgementData, rng: random.Random
) -> Instruction:
    marker = f"{rng.getrandbits(32):08x}"
    texts = (pair.good, pair.bad) if turn == 0 else (pair.bad, pair.good)
    if form == "pairwise":
        turns = render_pair(section.pairwise, pair.instruction, pair.asked, *texts, marker)
        rule, expected = "judgement:better", "AB"[turn]
    else:
        turns = render(section.pointwise, pair.instruction, pair.asked, texts[0], marker)
        rule, expected = "judgement:verdict", ("pass", "fail")[turn]
    told: dict[str, Any] = {
        "pair": name, "turn": turn, "form": form, "construction": pair.construction, "expected": expected,
        "matched": pair.matched,
    }  # fmt: skip
    return Instruction(
        id=f"{name}-{turn}",
        system="\n".join(t["content"] for t in turns if t["role"] == "system"),
        prompt="\n".join(t["content"] for t in turns if t["role"] == "user"),
        constraints=(
            RuleConstraint(
                text="Judge what stands between the markers.", rule=rule, params={"expected": expected}
            ),
        ),
        meta={META: told, "families": [pair.construction]},
    )


def right_answer(pair: JudgementPair, question: Instruction) -> str:
    """What a judge should write: what it sees, where that is known, then the verdict."""
    return _answer(pair, question, right=True)


def wrong_answer(pair: JudgementPair, question: Instruction) -> str:
    """The same with the other verdict."""
    return _answer(pair, question, right=False)


def _answer(pair: JudgementPair, question: Instruction, *, right: bool) -> str:
    told = question.meta[META]
    turn = int(told["turn"])
    seen = pair.reasons if turn == 0 else pair.reasons[::-1]
    if told["form"] == "pairwise":
        reason = f"A {seen[0]} B {seen[1]}" if all(seen) else ""
        verdict = list(BETTER.values())[turn if right else 1 - turn]
    else:
        reason, verdict = seen[0], (PASS, FAIL)[turn if right else 1 - turn]
    return f"{reason}{CLOSE}{verdict}" if reason else verdict


def lesson(pair: JudgementPair, question: Instruction) -> PolicyPair:
    """A question with its right answer, to train a judge from scratch on."""
    return PolicyPair(question.prompt, right_answer(pair, question))
