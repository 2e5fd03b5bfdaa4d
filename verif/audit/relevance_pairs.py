"""Judgements of relevance whose truth is known by construction: does a text do what its task asks?

A policy's own answer to a task does, also without its last sentences. Its answer to a task of another subject does not, nor
does what rules alone invite: copies of the prompt, a phrase many times, the subject's words strewn into another text. Some
ways of spoiling are never taught (`UNTAUGHT`): they tell whether a judge learnt relevance or a list.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from verif.audit.mutations.generate import mutator
from verif.data.composed.naming import named, names
from verif.data.splits import GoldenItem, JudgePair
from verif.errors import TrainingError
from verif.types import Constraint, Instruction, RuleConstraint, is_hard

Answered = tuple[Instruction, str]
Spoil = Callable[[random.Random, Instruction, str, str], str]
"""Random generator, instruction, its own answer and one to another subject's task, to a text that does not do the task."""
LEAST_WORDS = 12
"""A shorter answer is no text that could do a task of these."""
TRIES = 100
FORM = (
    "change_case:", "startend:", "punctuation:", "detectable_format:title",
    "detectable_format:number_highlighted_sections", "detectable_content:number_placeholders",
)  # fmt: skip
"""Rules that edits can make a text keep without a sentence about something else."""


@dataclass(frozen=True)
class RelevancePair:
    """A judgement, and how its text was made."""

    kind: str
    pair: JudgePair


def sentences(text: str) -> list[str]:
    """A text cut behind each mark that ends a sentence before a blank.

    >>> sentences("It rains. Do we stay? Yes!")
    ['It rains.', 'Do we stay?', 'Yes!']
    """
    for mark in ".!?":
        text = text.replace(f"{mark} ", f"{mark}\0")
    return text.split("\0")


def copy(rng: random.Random, item: Instruction, own: str, other: str) -> str:  # noqa: ARG001
    """The prompt, once to three times."""
    return "\n".join([item.prompt] * rng.randint(1, 3))


def quoted(rng: random.Random, item: Instruction, own: str, other: str) -> str:  # noqa: ARG001
    """Sentences of the prompt in quotation marks."""
    said = sentences(item.prompt)
    rng.shuffle(said)
    return f'"{" ".join(said)}"'


def phrase(rng: random.Random, item: Instruction, own: str, other: str) -> str:  # noqa: ARG001
    """A few words of the answer, many times."""
    words = own.split()
    low = rng.randrange(max(1, len(words) - 6))
    return " ".join(words[low : low + rng.randint(3, 7)] * rng.randint(6, 24))


def stuffed(rng: random.Random, item: Instruction, own: str, other: str) -> str:  # noqa: ARG001
    """Another task's answer with the subject's words strewn in."""
    words, subject = other.split(), str(item.meta["source"])
    for _ in range(rng.randint(2, 6)):
        words.insert(rng.randrange(len(words) + 1), rng.choice([subject, *sorted(names(subject))]))
    return " ".join(words)


def cut(rng: random.Random, item: Instruction, own: str, other: str) -> str:  # noqa: ARG001
    """The first words of the answer alone."""
    return " ".join(own.split()[: rng.randint(1, 7)])


def shuffled(rng: random.Random, item: Instruction, own: str, other: str) -> str:  # noqa: ARG001
    """The answer's words in any order."""
    words = own.split()
    rng.shuffle(words)
    return " ".join(words)


def spliced(rng: random.Random, item: Instruction, own: str, other: str) -> str:
    """The answer's first words, and on with another task's."""
    return f"{cut(rng, item, own, other)} {other}"


def example(rng: random.Random, item: Instruction, own: str, other: str) -> str:  # noqa: ARG001
    """A constraint of the prompt, many times."""
    said = [constraint.text for constraint in item.constraints if is_hard(constraint)] or [item.prompt]
    return " ".join([rng.choice(said)] * rng.randint(3, 12))


TAUGHT: dict[str, Spoil] = {"copy": copy, "quoted": quoted, "phrase": phrase, "stuffed": stuffed, "cut": cut}
UNTAUGHT: dict[str, Spoil] = {"shuffled": shuffled, "spliced": spliced, "example": example}


def usable(answers: Sequence[Answered], least: int) -> list[Answered]:
    """Answers that can stand for a right one: some words long, and naming their subject.

    Raises `TrainingError` where fewer than `least` are.
    """
    good = [
        (item, text)
        for item, text in answers
        if len(text.split()) >= LEAST_WORDS and named(str(item.meta.get("source", "")), text)
    ]
    if len(good) < least:
        raise TrainingError(
            f"{len(good)} of the policy's {len(answers)} answers name the subject of their task; {least} are needed to teach"
            " a judge what a relevant answer is. Another policy, or more tokens (`judge.tokens`), may do."
        )
    return good


def judgements(
    answers: Sequence[Answered], seed: str, spoils: Sequence[dict[str, Spoil]] = (TAUGHT,)
) -> list[RelevancePair]:
    """Of each usable answer two judgements that are true and two that are false: an answer to another task and a spoilt one.

    `spoils` are taken in turns. Half of all texts are made to keep the instruction's own rules, so that form tells nothing.
    """
    rng, out = random.Random(f"relevance-{seed}"), list[RelevancePair]()
    for number, (item, own) in enumerate(answers):
        if not (other := _elsewhere(rng, item, answers)):
            continue  # a subject that everybody names, as the weather
        ways = spoils[number % len(spoils)]
        way = rng.choice(sorted(ways))
        for kind, text, followed in (
            ("own", own, True),
            ("shortened", _shortened(rng, own), True),
            ("other", other, False),
            (way, ways[way](rng, item, own, other), False),
        ):
            dressed = _dressed(rng, item, text) if rng.random() < 0.5 else text
            out.append(RelevancePair(kind, JudgePair(asked(item), dressed, followed, "")))
    return out


def asked(item: Instruction) -> Instruction:
    """The instruction with its soft constraints alone, as a judge of relevance is asked about it."""
    soft: list[Constraint] = [constraint for constraint in item.constraints if not is_hard(constraint)]
    return item.model_copy(update={"constraints": tuple(soft)})


def golden(pairs: Sequence[RelevancePair]) -> list[GoldenItem]:
    """The judgements as responses with known truth, for the audit."""
    return [
        GoldenItem(
            made.pair.instruction,
            made.pair.response,
            [made.pair.followed] * len(made.pair.instruction.constraints),
        )
        for made in pairs
    ]


def _elsewhere(rng: random.Random, item: Instruction, answers: Sequence[Answered]) -> str:
    """An answer to a task of another subject that does not name this one; empty where hardly any is so."""
    subject = str(item.meta["source"])
    for _ in range(TRIES):
        other, text = rng.choice(answers)
        if other.meta["source"] != subject and not named(subject, text):
            return text
    return ""


def _shortened(rng: random.Random, text: str) -> str:
    """The first sentences of a text, enough to be one."""
    whole = sentences(text)
    for count in range(rng.randint(2, max(2, len(whole) - 1)), len(whole)):
        if len((short := " ".join(whole[:count])).split()) >= LEAST_WORDS:
            return short
    return text


def _dressed(rng: random.Random, item: Instruction, text: str) -> str:
    """The text made to keep the instruction's rules of form, by the audit's own edits."""
    for constraint in item.constraints:
        if isinstance(constraint, RuleConstraint) and constraint.rule.startswith(FORM):
            edits = mutator(constraint.rule)
            if edits is not None and text.strip():
                text = edits.repair(rng, text, dict(constraint.params))
    return text
