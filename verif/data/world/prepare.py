"""The local world as data: splits that share no set of constraints, and texts to train tiny models on."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace

from verif.data.splits import GoldenItem, JudgePair, PolicyPair, Splits
from verif.data.world.constraints import HARD, HELD_OUT, SOFT
from verif.data.world.oracle import reasoning, soft_truth, truth
from verif.data.world.prompts import SHARES, draw, draw_distinct, split_of, wishes_of
from verif.data.world.responses import authored, compose, plain_text, reference
from verif.data.world.slip import slip
from verif.data.world.spoil import FAMILIES, spoil
from verif.recipe import WorldData
from verif.types import Instruction, RuleConstraint

# Shares of the texts that a policy learns language from without an instruction being answered.
PLAIN, PLAIN_INSTRUCTIONS = 0.06, 0.02
# Shares among judgements: true as written by a careful author, loose in the soft constraints, spoilt.
CAREFUL, LOOSE = 0.38, 0.12
# Families by weight: what a sampling policy does most often comes most often.
FAMILY_WEIGHTS = {
    "foreign_sentence": 3, "foreign_word": 6, "other_voice": 3, "other_address": 2, "second_greeting": 2, "salad": 2,
    "shuffled": 3, "slips": 18, "splice": 8, "cut": 2, "gibberish": 2, "planted": 3,
}  # fmt: skip
assert set(FAMILY_WEIGHTS) == set(FAMILIES)


def policy_pairs(n: int, rng: random.Random, authors: str = "mixed") -> list[PolicyPair]:
    """Prompts and what more or less careful authors answered, with some plain text among them (empty prompt)."""
    pairs = []
    for _ in range(n):
        kind, item = rng.random(), draw(rng, "train")
        if kind < PLAIN:
            pairs.append(PolicyPair("", plain_text(rng)))
        elif kind < PLAIN + PLAIN_INSTRUCTIONS:
            pairs.append(PolicyPair("", item.prompt))
        else:
            pairs.append(PolicyPair(item.prompt, authored(wishes_of(item), rng, authors)))
    return pairs


def response_for_judge(item: Instruction, rng: random.Random) -> str:
    """A response to judge: about half of them keep all soft constraints, the others fail in many ways."""
    kind = rng.random()
    if kind < CAREFUL:
        return authored(wishes_of(item), rng, "careful")
    if kind < CAREFUL + LOOSE:
        loose = [(k, a) for k, a in wishes_of(item) if k in HARD or rng.random() < 0.6]
        return compose(loose, rng) or reference(item, rng)
    family = rng.choices(list(FAMILY_WEIGHTS), list(FAMILY_WEIGHTS.values()))[0]
    return spoil(item, reference(item, rng), rng, family)[0]


def lesson(item: Instruction, text: str) -> JudgePair:
    """What a judge should have said about a response: the oracle's judgement, its reasons, and where the language breaks."""
    broken = slip(text)
    return JudgePair(item, text, soft_truth(item, text), reasoning(item, text), broken[0] if broken else None)


def judge_pairs(n: int, rng: random.Random, split: str = "train") -> list[JudgePair]:
    """Judgements of the oracle; instructions with little to judge come less often."""
    pairs: list[JudgePair] = []
    while len(pairs) < n:
        item = draw(rng, split)
        soft = sum(kind in SOFT for kind, _ in wishes_of(item))
        if soft < 2 and rng.random() < 0.5:
            continue
        text = response_for_judge(item, rng)
        pairs.append(lesson(item, text))
    return pairs


def golden_response(item: Instruction, turn: int, rng: random.Random) -> str:
    """By turn: three true responses, then one that heeds no hard, one that heeds no soft constraint, one spoilt."""
    wishes = wishes_of(item)
    if turn % 6 < 3:
        return reference(item, rng)
    if turn % 6 == 3:
        return compose([(k, a) for k, a in wishes if k in SOFT], rng) or ""
    if turn % 6 == 4:
        return compose([(k, a) for k, a in wishes if k in HARD], rng) or reference(item, rng)
    families = list(FAMILIES)
    return spoil(item, reference(item, rng), rng, families[turn // 6 % len(families)])[0]


def golden(n: int, rng: random.Random) -> list[GoldenItem]:
    """Responses with the truth per constraint, about half of them true; the false ones fail in different ways."""
    out = []
    for turn, item in enumerate(draw_distinct(rng, "golden", n)):
        text = golden_response(item, turn, rng)
        out.append(GoldenItem(item, text, list(truth(item, text).constraints)))
    return out


def by_oracle(item: Instruction) -> Instruction:
    """The instruction with its soft constraints as rules of the plugin `world_oracle`: truth itself is the reward."""
    constraints = tuple(
        RuleConstraint(
            text=constraint.text, rule="world:shown", params={"dimension": kind, "wanted": argument}
        )
        if kind in SOFT
        else constraint
        for (kind, argument), constraint in zip(wishes_of(item), item.constraints, strict=True)
    )
    return item.model_copy(update={"constraints": constraints})


def prepare_world(section: WorldData, seed: int) -> Splits:
    """All splits and corpora; the same section and seed give the same rows. Each part has its own random stream,
    so that a larger training set changes no other part."""

    def stream(name: str) -> random.Random:
        return random.Random(f"{seed}-{name}")

    counts = {
        "train": section.train,
        "validation": section.validation,
        "test": section.test,
        "unseen": section.unseen,
    }
    splits = {name: draw_distinct(stream(name), name, count) for name, count in counts.items()}
    items = golden(section.golden, stream("golden"))
    if section.soft == "rules":
        splits = {name: [by_oracle(item) for item in rows] for name, rows in splits.items()}
        items = [replace(item, instruction=by_oracle(item.instruction)) for item in items]
    held = {
        name: Counter(kind for item in rows for kind in item.meta["families"])
        for name, rows in splits.items()
    }
    for name, rows in splits.items():
        assert all(split_of(wishes_of(item)) == name for item in rows)
    return Splits(
        train=splits["train"],
        validation=splits["validation"],
        test=splits["test"],
        unseen=splits["unseen"],
        golden=items,
        policy_pairs=policy_pairs(section.policy_pairs, stream("policy"), section.authors),
        judge_pairs=judge_pairs(section.judge_pairs, stream("judge")),
        summary={
            "source": "local world",
            "constraint_types": {name: dict(sorted(counter.items())) for name, counter in held.items()},
            "held_out_types": list(HELD_OUT),
            "shares_of_constraint_sets": {name: high - low for name, (low, high) in SHARES.items()},
            "golden_followed": sum(all(item.truth) for item in items) / len(items),
        },
    )
