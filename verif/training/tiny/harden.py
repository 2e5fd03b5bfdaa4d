"""A judge is hardened: it goes on learning, from what it and the oracle saw differently, with old lessons replayed.

Static lessons are drawn from what authors do; these are drawn from what the policy does, or would. Without replay it would
forget the rest: the errors of one policy are few and alike.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from verif.data.splits import JudgePair
from verif.errors import InputError, NoLessonError
from verif.system.files import digest_tree, new_directory
from verif.training.tiny import tokenizer as tok
from verif.training.tiny.inference import load
from verif.training.tiny.judge_policy import PROMPT_WEIGHT
from verif.training.tiny.judge_sft import examples
from verif.training.tiny.pretrain import MUON_RATE, encode, fit

LEARNING_RATE = 3e-3  # of the embeddings; the matrices' rate falls with it from that of `pretrain`
BATCH = 16
REPEATS = 6  # a new lesson stands in a round at most that often: more is learnt by heart


@dataclass(frozen=True)
class Hardened:
    """Numbers of one hardening. `new` lessons were learnt, `replayed` old ones stood beside them; loss in nats a token."""

    new: int
    replayed: int
    steps: int
    train_loss: float
    cpu_seconds: float
    digest: str


def harden(
    judge: Path,
    out: Path,
    *,
    template: str,
    lessons: Sequence[JudgePair],
    contradicted: Sequence[JudgePair],
    steps: int,
    seed: int,
    replay: float = 0.5,
    threads: int = 1,
) -> Hardened:
    """Train `judge` on `contradicted` (labelled by the oracle) beside `lessons` (what it was taught so far) into `out`.

    `replay` is the least share of old lessons. `out` appears whole or not at all. Raises `NoLessonError` if nothing in
    `contradicted` is new, `InputError` if one response is labelled both true and false.
    """
    fresh = new_lessons(lessons, contradicted)
    if not fresh:
        raise NoLessonError(
            f"none of the {len(contradicted)} contradicted responses is new to the judge: it was taught all of them.",
            "More of the same changes nothing: a larger judge (`judge.width`, `judge.layers`) may see what this one cannot.",
        )
    rng = random.Random(f"harden-{seed}")
    wanted = steps * BATCH
    taught = [pair for _ in range(REPEATS) for pair in fresh][: max(len(fresh), int(wanted * (1 - replay)))]
    old = rng.sample(list(lessons), min(len(lessons), max(BATCH, wanted - len(taught))))
    mixed = [*taught, *old]
    rng.shuffle(mixed)
    torch.manual_seed(seed)
    model, tokenizer = load(judge)
    coded = encode(tokenizer, examples(template, mixed, seed), model.config.max_position_embeddings)
    trained = fit(
        model, coded, tokenizer.pad_token_id, steps=steps, batch=BATCH, learning_rate=LEARNING_RATE, seed=seed,
        name="hardening", muon_rate=MUON_RATE * LEARNING_RATE / 1e-2, prompt_weight=PROMPT_WEIGHT, threads=threads,
    )  # fmt: skip
    with new_directory(out) as folder:
        tok.save(
            tokenizer, model, folder, [f"{tok.chat(q)}{a}" for q, a in examples(template, mixed[:100], seed)]
        )
    return Hardened(
        len(fresh), len(old), trained.steps, trained.train_loss, trained.cpu_seconds, digest_tree(out)
    )


def new_lessons(lessons: Sequence[JudgePair], contradicted: Sequence[JudgePair]) -> list[JudgePair]:
    """Those of `contradicted` that are not among `lessons`, each once, in their order."""
    known = {_key(pair): pair.followed for pair in lessons}
    fresh: list[JudgePair] = []
    for number, pair in enumerate(contradicted, 1):
        said = known.get(_key(pair))
        if said is None:
            known[_key(pair)] = pair.followed
            fresh.append(pair)
        elif said is not pair.followed:
            raise InputError(
                f"the response {pair.response[:60]!r} is labelled {pair.followed} here and {said} before",
                file="lessons", row=number, field="followed",
                hint="One of the two labels is wrong: the oracle contradicts itself. Nothing was learnt.",
            )  # fmt: skip
    return fresh


def _key(pair: JudgePair) -> tuple[str, str]:
    return pair.instruction.prompt, pair.response
