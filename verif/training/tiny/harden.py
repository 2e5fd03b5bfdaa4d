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

from verif.data.judgements.answers import FAIL
from verif.data.splits import JudgePair
from verif.errors import InputError, NoLessonError
from verif.system.files import digest_tree, new_directory
from verif.training.tiny import tokenizer as tok
from verif.training.tiny.batching import encode
from verif.training.tiny.inference import load
from verif.training.tiny.judge_policy import PROMPT_WEIGHT
from verif.training.tiny.judge_sft import examples
from verif.training.tiny.pretrain import MUON_RATE, fit

LEARNING_RATE = 3e-3  # of the embeddings; the matrices' rate falls with it from that of `pretrain`
BATCH = 16
REPEATS = 6  # a new lesson stands in a round at most that often: more is learnt by heart


@dataclass(frozen=True)
class Hardened:
    """Numbers of one hardening. `new` lessons were learnt, `beside` of the rarer label and `replayed` old ones stood with
    them; loss in nats a token."""

    new: int
    beside: int
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
    agreed: Sequence[JudgePair] = (),
    steps: int,
    seed: int,
    replay: float = 0.5,
    threads: int = 1,
) -> Hardened:
    """Train `judge` on `contradicted` (labelled by the oracle) beside `lessons` (what it was taught so far) into `out`.

    `agreed` are responses that it judges rightly: of the label that is rare among the new lessons as many as are missing
    are taught with them. `replay` is the least share of old lessons. `out` appears whole or not at all.

    Raises `NoLessonError` if nothing in `contradicted` is new, `InputError` if one response is labelled both true and false.
    """
    fresh = new_lessons(lessons, contradicted)
    if not fresh:
        raise NoLessonError(
            f"none of the {len(contradicted)} contradicted responses is new to the judge: it was taught all of them.",
            "More of the same changes nothing: a larger judge (`judge.width`, `judge.layers`) may see what this one cannot.",
        )
    rng = random.Random(f"harden-{seed}")
    wanted = steps * BATCH
    beside = rarer(fresh, agreed, rng)
    both = [*fresh, *beside]
    rng.shuffle(both)
    taught = [pair for _ in range(REPEATS) for pair in both][: max(len(both), int(wanted * (1 - replay)))]
    old = rng.sample(list(lessons), min(len(lessons), max(BATCH, wanted - len(taught))))
    mixed = [*taught, *old]
    rng.shuffle(mixed)
    torch.manual_seed(seed)
    model, tokenizer = load(judge)
    coded = encode(tokenizer, examples(template, mixed, seed), model.config.max_position_embeddings)
    trained = fit(
        model, coded, tokenizer.pad_token_id, steps=steps, batch=BATCH, learning_rate=LEARNING_RATE, seed=seed,
        name="hardening", muon_rate=MUON_RATE * LEARNING_RATE / 1e-2, prompt_weight=PROMPT_WEIGHT,
        failed=tokenizer.convert_tokens_to_ids(FAIL), threads=threads,
    )  # fmt: skip
    with new_directory(out) as folder:
        tok.save(
            tokenizer,
            model,
            folder,
            [f"{tok.chat(q)}{a}" for q, a, _ in examples(template, mixed[:100], seed)],
        )
    return Hardened(
        new=len(fresh),
        beside=len(beside),
        replayed=len(old),
        steps=trained.steps,
        train_loss=trained.train_loss,
        cpu_seconds=trained.cpu_seconds,
        digest=digest_tree(out),
    )


def rarer(fresh: Sequence[JudgePair], agreed: Sequence[JudgePair], rng: random.Random) -> list[JudgePair]:
    """So many of `agreed` that both labels are equally common, those of the same instructions first.

    A judge is fooled far more often than it refuses what is right. Taught its mistakes alone it learns that most
    responses are false: acceptance of true ones fell from 98% to 85% in three rounds.
    """
    right = sum(pair.followed for pair in fresh)
    wrong = len(fresh) - right
    wanted, label = abs(right - wrong), right < wrong
    known = {_key(pair) for pair in fresh}
    known_prompts = {pair.instruction.prompt for pair in fresh}
    pool = [pair for pair in agreed if pair.followed is label and _key(pair) not in known]
    rng.shuffle(pool)
    pool.sort(key=lambda pair: pair.instruction.prompt not in known_prompts)
    return pool[:wanted]


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
