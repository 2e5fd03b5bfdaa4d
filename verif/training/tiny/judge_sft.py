"""The tiny judge: supervised on judgements whose truth is known, in the very form that it will be asked in.

Each example is a prompt of `verif.core.judge.prompt` with a random marker, and an answer: what is seen of each
constraint and whether it fits, `</think>`, then the verdict as JSON. Naming what is seen before judging it
is what makes so small a model accurate (yes or no alone: 68%).
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from verif.core.judge.prompt import render
from verif.data.judgements.answers import CLOSE, FAIL, PASS
from verif.data.splits import JudgePair
from verif.recipe import ScratchModel
from verif.training.tiny.batching import Text
from verif.training.tiny.inference import load, sample
from verif.training.tiny.judge_policy import PROMPT_WEIGHT, WHOLE
from verif.training.tiny.pretrain import Trained, from_scratch
from verif.types import Instruction, is_hard


@dataclass(frozen=True)
class Scores:
    """How a judge does on judgements with known truth; `readable` is the share of verdicts in the required form."""

    n: int
    accuracy: float
    accept_true: float
    recall_false: float
    readable: float


def question(template: str, item: Instruction, response: str, marker: str) -> str:
    """The judge's user turn about all soft constraints of an instruction."""
    soft = [index for index, constraint in enumerate(item.constraints) if not is_hard(constraint)]
    return "\n".join(turn["content"] for turn in render(template, item, soft, response, marker))


def answer(pair: JudgePair) -> str:
    """What the judge should write: without a reason the verdict alone."""
    verdict = PASS if pair.followed else FAIL
    return f"{pair.reason}{CLOSE}{verdict}" if pair.reason else verdict


def without_reasons(pairs: Sequence[JudgePair]) -> list[JudgePair]:
    """The same judgements for a judge that says nothing but its verdict (`judge.reasons: false`)."""
    return [replace(pair, reason="") for pair in pairs]


def examples(template: str, pairs: Sequence[JudgePair], seed: int) -> list[Text]:
    """Question and answer with a fresh random marker each, and where the response that is asked about breaks."""
    rng, out = random.Random(seed), []
    for pair in pairs:
        asked = question(template, pair.instruction, pair.response, f"{rng.getrandbits(32):08x}")
        out.append(Text(asked, answer(pair), _broken(asked, pair)))
    return out


def _broken(asked: str, pair: JudgePair) -> int | None:
    """The character of the question at which the response breaks; None where it does not, or stands there otherwise."""
    if pair.broken is None:
        return None
    start = max(asked.rfind(pair.response), asked.rfind(pair.response.lower()))
    return start + pair.broken if pair.response and start >= 0 else None


def train_judge(
    section: ScratchModel, template: str, pairs: Sequence[JudgePair], folder: Path, threads: int = 1
) -> Trained:
    """Train from scratch and write the model to `folder`."""
    texts = examples(template, pairs, section.seed)
    return from_scratch(section, texts, folder, "judge", PROMPT_WEIGHT, threads, WHOLE, FAIL)


def scores(folder: Path, template: str, pairs: Sequence[JudgePair], seed: int = 1) -> Scores:
    """Greedy verdicts on judgements with known truth; an unreadable verdict is neither pass nor fail."""
    texts = sample(
        load(folder), [text.prompt for text in examples(template, pairs, seed)], temperature=0.0, tokens=48
    )
    verdicts = [text.partition(CLOSE)[2] if CLOSE in text else text for text in texts]
    said = [True if v == PASS else False if v == FAIL else None for v in verdicts]
    true = [s for s, p in zip(said, pairs, strict=True) if p.followed]
    false = [s for s, p in zip(said, pairs, strict=True) if not p.followed]
    n = len(pairs)
    return Scores(
        n=n,
        accuracy=round(sum(s is p.followed for s, p in zip(said, pairs, strict=True)) / max(n, 1), 4),
        accept_true=round(sum(s is True for s in true) / max(len(true), 1), 4),
        recall_false=round(sum(s is False for s in false) / max(len(false), 1), 4),
        readable=round(sum(s is not None for s in said) / max(n, 1), 4),
    )
