"""Composed instructions, their splits and their golden set; the same section and seed give the same rows."""

from __future__ import annotations

import random
from collections.abc import Sequence

from verif.core.rules import get, validate
from verif.data.composed import kinds, styles
from verif.data.composed.kinds import ComposedType
from verif.data.composed.relevance import with_task
from verif.data.composed.tasks import FORMS, SHARES, SUBJECTS, Subject
from verif.data.rule_examples import rule_examples
from verif.data.screening.rule_clashes import clash, impossible
from verif.data.splits import PolicyPair, Splits
from verif.errors import RecipeError
from verif.recipe import ComposedData
from verif.types import Instruction, RuleConstraint

TRIES = 100
"""Draws for one instruction: most are taken, so that many in vain are a mistake of ours."""


def prepare_composed(section: ComposedData, seed: int) -> Splits:
    """All splits. `RecipeError` if a split asks for more tasks than its subjects have.

    With `relevance` the splits that training sees ask a judge, too; what is measured in the end stays what rules decide.
    """
    subjects = divided(seed)
    rows = {
        name: composed(name, getattr(section, name), subjects[name], section.most, seed, section.relevance)
        for name in ("train", "validation", "test", "unseen")
    }
    asked = [*kinds.TRAINED, *kinds.UNSEEN]
    wordings = {kind.rule: (*kind.wordings, *kind.held_out) for kind in asked}
    golden = rule_examples(list(wordings), random.Random(f"{seed}-golden"), wordings)
    summary = {
        "subjects": {name: len(part) for name, part in subjects.items()},
        "types_trained": [kind.rule for kind in kinds.TRAINED],
        "types_unseen": [kind.rule for kind in kinds.UNSEEN],
    }
    return Splits(
        rows["train"], rows["validation"], rows["test"], rows["unseen"], golden,
        policy_pairs=[PolicyPair("", item.prompt) for item in rows["unseen"]],  # the canary's plain text
        summary=summary,
    )  # fmt: skip


def divided(seed: int) -> dict[str, list[Subject]]:
    """The subjects of each split."""
    left = list(SUBJECTS)
    random.Random(f"{seed}-subjects").shuffle(left)
    parts = {}
    for name, share in SHARES.items():
        size = round(share * len(SUBJECTS))
        parts[name], left = left[:size], left[size:]
    return {**parts, "train": left}


def composed(
    split: str, count: int, subjects: Sequence[Subject], most: int, seed: int, relevance: bool = False
) -> list[Instruction]:
    """A split's instructions; each task comes about as often as any other, never twice with the same constraints."""
    rng = random.Random(f"{seed}-{split}")
    tasks = [(form, subject) for form in FORMS for subject in subjects]
    if count > 4 * len(tasks):
        raise RecipeError(
            f"data.{split}: {count} instructions are asked for, and there are {len(tasks)} tasks for it.",
            f"Ask for {4 * len(tasks)} at most.",
        )
    pool = kinds.UNSEEN if split == "unseen" else kinds.TRAINED
    held_out = split in ("test", "unseen")
    out: list[Instruction] = []
    seen: set[str] = set()
    while len(out) < count:
        rng.shuffle(tasks)
        for form, subject in tasks[: count - len(out)]:
            task = form.format(subject.phrase)
            item = instruction(f"{split}-{len(out)}", task, subject, pool, most, held_out, rng)
            if relevance:
                item = with_task(item, task, asked=not held_out)
            if item.prompt not in seen:
                seen.add(item.prompt)
                out.append(item)
    return out


def instruction(
    id: str,
    task: str,
    subject: Subject,
    pool: Sequence[ComposedType],
    most: int,
    held_out: bool,
    rng: random.Random,
) -> Instruction:
    """One task with one to `most` constraints (unseen types: two at most) that can be kept together."""
    wanted = min(rng.choice((1, 1, 2, 2, 3, 4)), most, 2 if pool is kinds.UNSEEN else most)
    for _ in range(TRIES):
        constraints = [constraint(kind, subject, held_out, rng) for kind in rng.sample(pool, wanted)]
        if together(constraints, pool):
            style = rng.choice(styles.HELD_OUT if held_out else styles.TRAINED)
            return Instruction(
                id=id, prompt=styles.prompt(style, task, [c.text for c in constraints]), constraints=tuple(constraints),
                meta={"source": subject.phrase},
            )  # fmt: skip
    raise RecipeError(f"no {wanted} constraints of data.kind composed go together.")


def constraint(asked: ComposedType, subject: Subject, held_out: bool, rng: random.Random) -> RuleConstraint:
    """A rule with drawn parameters, in one of its wordings; the rule's own is one of those that are trained on."""
    params = asked.draw(rng, subject.word)
    validate(asked.rule, params)
    wordings = asked.held_out if held_out else (get(asked.rule).asks, *asked.wordings)
    return RuleConstraint(text=styles.worded(rng.choice(wordings), params), rule=asked.rule, params=params)


def together(constraints: Sequence[RuleConstraint], pool: Sequence[ComposedType]) -> bool:
    """Whether one response can keep them all: no two of a group, none that is impossible, no clash either way round."""
    groups = {kind.rule: kind.group for kind in pool}
    named = [group for c in constraints if (group := groups[c.rule])]
    if len(named) > len(set(named)) or any(impossible(c) for c in constraints):
        return False
    return not any(clash(a, b) for a in constraints for b in constraints if a is not b)
