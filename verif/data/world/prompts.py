"""Instructions: a topic and up to four more constraints, in plain English.

Which split an instruction may stand in is a property of its *set* of constraints (a digest of it), so no
two splits can share one; sets with a held-out type belong to `unseen` alone.
"""

from __future__ import annotations

import random

from verif.data.world import lexicon as lex
from verif.data.world.constraints import (
    HELD_OUT,
    TEXTS,
    TRAINED,
    Wish,
    clashes,
    constraint,
    draw_argument,
    things_of,
    word,
)
from verif.errors import InputError
from verif.system.files import digest
from verif.types import Instruction

# Split -> its share of the sets of constraints, in hundredths of the digest's range.
SHARES = {"train": (0, 70), "validation": (70, 76), "test": (76, 89), "golden": (89, 100)}
SPLITS = (*SHARES, "unseen")
# How many constraints, topic included: 1 to 5.
SIZES, WEIGHTS = (1, 2, 3, 4, 5), (3, 17, 28, 29, 23)


def split_of(wishes: list[Wish]) -> str:
    """The only split that may hold this set of constraints (order and wording do not matter)."""
    if any(kind in HELD_OUT for kind, _ in wishes):
        return "unseen"
    bucket = int(digest(sorted([kind, repr(argument)] for kind, argument in wishes))[:8], 16) % 100
    return next(name for name, (low, high) in SHARES.items() if low <= bucket < high)


def possible(wishes: list[Wish]) -> bool:
    """Whether a word limit leaves room for all else: the shortest sentences have 6 to 8 words."""
    wanted = dict(wishes)
    if not isinstance(limit := wanted.get("max_words"), int):
        return True
    need = 14 if "keyword_twice" in wanted else 10 if "keywords" in wanted else 8
    need += sum(len(str(wanted[kind]).split()) for kind in ("start", "end") if kind in wanted)
    need += 2 * sum(kind in wanted for kind in ("title", "audience"))
    return need <= limit


def draw_wishes(rng: random.Random, *, held_out: bool = False) -> list[Wish]:
    """A topic and 0 to 4 further wishes that do not clash; with `held_out`, one of them of a held-out type."""
    topic = rng.choice(lex.TOPICS)
    wishes: list[Wish] = [("topic", topic)]
    size = rng.choices(SIZES, WEIGHTS)[0]
    kinds = [kind for kind in TRAINED if kind != "topic"]
    rng.shuffle(kinds)
    if held_out:
        kinds.insert(0, rng.choice(HELD_OUT))
        size = max(2, size)
    for kind in kinds:
        if len(wishes) == size:
            break
        if clashes(kind, {k for k, _ in wishes}):
            continue
        argument = draw_argument(kind, topic, rng)
        if not things_of(argument) & {thing for _, a in wishes for thing in things_of(a)}:
            wishes.append((kind, argument))
    rest = wishes[1:]
    rng.shuffle(rest)
    return [wishes[0], *rest]


def instruction(wishes: list[Wish], rng: random.Random, id: str) -> Instruction:
    """The wishes in words. `meta` keeps them for the oracle, which alone reads them."""
    texts = [word(kind, argument, rng) for kind, argument in wishes]
    return Instruction(
        id=id,
        prompt=" ".join(texts),
        constraints=tuple(constraint(k, a, text) for (k, a), text in zip(wishes, texts, strict=True)),
        meta={"world": {"wishes": [[k, list(a) if isinstance(a, tuple) else a] for k, a in wishes]},
              "families": [k for k, _ in wishes]},
    )  # fmt: skip


def draw(rng: random.Random, split: str, id: str = "") -> Instruction:
    """A random instruction of a split (train, validation, test, golden, unseen)."""
    if split not in SPLITS:
        raise InputError(f"unknown split {split!r} of the local world", hint=f"Splits: {', '.join(SPLITS)}.")
    while True:
        wishes = draw_wishes(rng, held_out=split == "unseen")
        if possible(wishes) and split_of(wishes) == split:
            return instruction(wishes, rng, id or f"{split}-{rng.getrandbits(32):08x}")


def draw_distinct(rng: random.Random, split: str, n: int) -> list[Instruction]:
    """`n` instructions of a split with different prompts, ids `<split>-00001` and on."""
    distinct: dict[str, Instruction] = {}
    while len(distinct) < n:
        drawn = draw(rng, split, id=f"{split}-{len(distinct) + 1:05d}")
        distinct.setdefault(drawn.prompt, drawn)
    return list(distinct.values())


def wishes_of(item: Instruction) -> list[Wish]:
    """The wishes behind a world instruction; an instruction from elsewhere is an `InputError`."""
    try:
        rows = item.meta["world"]["wishes"]
    except (KeyError, TypeError):
        raise InputError(
            f"instruction {item.id!r} is not from the local world: its truth is not known", field="meta.world"
        ) from None
    return [(str(kind), tuple(a) if isinstance(a, list) else a) for kind, a in rows]


assert set(HELD_OUT) < set(TEXTS)
