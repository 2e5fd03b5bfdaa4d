"""Judgements as data: splits of questions, both of a pair side by side, and lessons for a judge from scratch."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence

from verif.data.judgements.pairs import (
    META,
    JudgementPair,
    PairSource,
    lesson,
    questions,
    right_answer,
    wrong_answer,
)
from verif.data.splits import GoldenItem, PolicyPair, Splits
from verif.errors import InputError
from verif.recipe import JudgementData
from verif.types import Instruction

TRIES = 50
"""Pairs drawn for each that is kept: a source that gives the same ones over and over has too few."""


def prepare_judgements(
    section: JudgementData, seed: int, source: PairSource, attacks: Sequence[JudgementPair] = ()
) -> Splits:
    """All splits; the same section, seed and source give the same rows. Each part has its own random stream.

    The rows of a split come two by two: training takes them in their order, so that both questions of a pair are in
    one batch. `attacks` are pairs whose false response was dressed up; they stand at the end of `unseen`.
    """
    sizes = {
        "train": section.train, "validation": section.validation, "test": section.test, "unseen": section.unseen,
    }  # fmt: skip
    splits = {name: _split(section, seed, source, name, size) for name, size in sizes.items()}
    rng = random.Random(f"{seed}-judgements-attacks")
    for number, pair in enumerate(attacks):
        form = section.forms[number % len(section.forms)]
        splits["unseen"] += questions(pair, f"attacked-{number + 1:05d}", form, section, rng)
    held = {
        name: Counter(row.meta[META]["construction"] for row in rows[::2]) for name, rows in splits.items()
    }
    return Splits(
        **splits,
        golden=_golden(section, seed, source),
        policy_pairs=_lessons(section, seed, source),
        summary={
            "source": f"judgements ({section.source})",
            "pairs": {name: len(rows) // 2 for name, rows in splits.items()},
            "constructions": {name: dict(sorted(counter.items())) for name, counter in held.items()},
            "never_trained_on": sorted(set(held["unseen"]) - set(held["train"])),
            "alike_in_length": sum(r.meta[META]["matched"] for r in splits["test"]) / len(splits["test"]),
        },
    )


def _split(section: JudgementData, seed: int, source: PairSource, name: str, size: int) -> list[Instruction]:
    rng = random.Random(f"{seed}-judgements-{name}")
    forms = section.forms
    rows: list[Instruction] = []
    known: set[tuple[str, str, str]] = set()
    for _ in range(size * TRIES):
        if len(rows) == 2 * size:
            return rows
        pair = source.draw(rng, name)
        key = (pair.instruction.prompt, pair.good, pair.bad)
        if key not in known:
            known.add(key)
            number = len(rows) // 2
            form = forms[number % len(forms)]
            rows += questions(pair, f"{name}-{number + 1:05d}", form, section, rng)
    if len(rows) < 2 * size:
        raise InputError(
            f"only {len(rows) // 2} different pairs could be made, {size} are asked for",
            field=f"data.{name}",
            hint="Ask for fewer, or give a file with more instructions.",
        )
    return rows


def _golden(section: JudgementData, seed: int, source: PairSource) -> list[GoldenItem]:
    """A judge's right and wrong answers in turn: what the rule that rewards judges is audited with."""
    rng = random.Random(f"{seed}-judgements-golden")
    items: list[GoldenItem] = []
    for number in range(section.golden):
        pair = source.draw(rng, "golden")
        form = section.forms[number % len(section.forms)]
        for turn, question in enumerate(questions(pair, f"golden-{number + 1:05d}", form, section, rng)):
            right = (number + turn) % 2 == 0
            text = right_answer(pair, question) if right else wrong_answer(pair, question)
            items.append(GoldenItem(question, text, [right]))
    return items


def _lessons(section: JudgementData, seed: int, source: PairSource) -> list[PolicyPair]:
    rng = random.Random(f"{seed}-judgements-lessons")
    lessons: list[PolicyPair] = []
    while len(lessons) < section.lessons:
        pair = source.draw(rng, "train")
        form = section.forms[(len(lessons) // 2) % len(section.forms)]
        lessons += [lesson(pair, question) for question in questions(pair, "lesson", form, section, rng)]
    return lessons[: section.lessons]
