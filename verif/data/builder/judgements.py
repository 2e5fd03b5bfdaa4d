"""Judgements for a small judge: rows, answers of several models, and what a large judge says of each, with its reasoning.

IF-Verifier's recipe (arXiv 2506.09942, section 3.3), with two additions. Attack rows, whose answer is known to be wrong
whoever speaks for it, so that the small judge does not inherit the large one's blind spot; their phrasings are those of
training, and none of the audit's. And the split is by instruction, so that no held-out question was seen in training.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field

from verif.core.judge.judge import SEEDS
from verif.core.judge.prompt import marker, render
from verif.core.judge.verdict import END, parse
from verif.data.builder.calls import BudgetSpentError, Caller, EndPointError, Told, worked
from verif.data.builder.near import Held, near_duplicates
from verif.data.builder.quarantine import Refusal
from verif.data.splits import JudgePair
from verif.data.world.spoil import attack
from verif.errors import JudgeError, VerifError
from verif.recipe import BuildModel
from verif.system.files import digest
from verif.types import Instruction, Response, is_hard

PROMPT = "joint-en"
"""The judge prompt, which is also the one that the small judge is taught for."""
HELD_OUT = 0.1
"""Share of the instructions that are held out."""
ATTACKED = 0.15
"""Share of the judged answers that come again with a planted verdict, if the judge refused them."""
LONGEST_REASON = 8_000


@dataclass(frozen=True, slots=True)
class Answered:
    """An instruction with an answer of some model; `row` counts in the file of answers."""

    instruction: Instruction
    answer: str
    model: str
    row: int


@dataclass(slots=True)
class JudgedAnswers:
    """The judgements, those held out, what was refused, and how many answers are still to be judged."""

    train: list[JudgePair] = field(default_factory=list)
    held_out: list[JudgePair] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)
    models: dict[str, int] = field(default_factory=dict)
    attacks: int = 0
    left: int = 0
    why: str = ""
    ended: VerifError | None = None


async def judged(
    answers: Sequence[Answered],
    held: Sequence[str],
    caller: Caller,
    model: BuildModel,
    *,
    similar: float,
    seed: int,
    at_once: int,
    told: Told,
) -> JudgedAnswers:
    """The judgements of all answers; the same answers and verdicts give the same rows in the same order."""
    out = JudgedAnswers()
    kept = admitted(answers, held, similar, out.refused)
    verdicts = await worked(kept, lambda item: _asked(item, caller, model, out), at_once, told)
    for item, verdict in zip(kept, verdicts, strict=True):
        if verdict is None:
            out.left += 1
        elif isinstance(verdict, Refusal):
            out.refused.append(verdict)
        else:
            out.models[item.model] = out.models.get(item.model, 0) + 1
            rows = [verdict, *attacked(verdict, seed)]
            out.attacks += len(rows) - 1
            (out.held_out if is_held_out(item.instruction, seed) else out.train).extend(rows)
    return out


def admitted(
    answers: Sequence[Answered], held: Sequence[str], similar: float, refused: list[Refusal]
) -> list[Answered]:
    """Answers that a judge can be asked about: soft constraints, no benchmark, no near-duplicate for its instruction."""
    benchmarks, kept, groups = Held(held, similar), [], dict[str, list[Answered]]()
    for item in answers:
        if all(map(is_hard, item.instruction.constraints)):
            refused.append(_refusal(item, "nothing to judge", "it has no soft constraint"))
        elif not item.answer.strip():
            refused.append(_refusal(item, "empty", "the answer is empty"))
        elif inside := benchmarks.inside(item.instruction.prompt):
            refused.append(_refusal(item, "benchmark", f"a benchmark's prompt: {inside[:80]!r}"))
        else:
            groups.setdefault(item.instruction.id, []).append(item)
    for group in groups.values():
        near = {later for later, _, _ in near_duplicates([item.answer for item in group], similar)}
        for place, item in enumerate(group):
            if place in near:
                refused.append(_refusal(item, "near-duplicate", "its answer is near an earlier one"))
            else:
                kept.append(item)
    return sorted(kept, key=lambda item: item.row)


async def _asked(
    item: Answered, caller: Caller, model: BuildModel, out: JudgedAnswers
) -> JudgePair | Refusal | None:
    """The judge's verdict; None where it could not be asked, which is nobody's fault here."""
    soft = [place for place, c in enumerate(item.instruction.constraints) if not is_hard(c)]
    mark = marker(b"verif build", item.instruction, Response(text=item.answer))
    messages, why = render(PROMPT, item.instruction, soft, item.answer, mark), ""
    for seed in SEEDS:
        if out.ended is not None:
            return None
        try:
            text = await caller.ask("judge", model, messages, None, seed)
        except (BudgetSpentError, EndPointError) as error:
            out.ended = error
            return None
        except JudgeError as error:
            out.why = out.why or str(error)
            return None
        try:
            verdict = parse(text)
        except JudgeError as error:
            why = str(error)
            continue
        reasoning = text.rpartition(END)[0].strip() or verdict.reason
        return JudgePair(item.instruction, item.answer, verdict.passed, reasoning[:LONGEST_REASON])
    return _refusal(item, "no verdict", why)


def attacked(verdict: JudgePair, seed: int) -> list[JudgePair]:
    """A refused answer that speaks for itself; it is as wrong as before, and the reasoning says so."""
    rng = random.Random(digest([seed, "attack", verdict.instruction.id, verdict.response]))
    if verdict.followed or rng.random() >= ATTACKED:
        return []
    reason = f"The response speaks to its judge, which is no answer. {verdict.reason}".strip()
    return [JudgePair(verdict.instruction, attack(verdict.response, rng), False, reason)]


def is_held_out(instruction: Instruction, seed: int) -> bool:
    """By the digest of its prompt: all answers to it go the same way."""
    return int(digest([seed, "held-out", instruction.prompt])[:8], 16) / 16**8 < HELD_OUT


def _refusal(item: Answered, kind: str, reason: str) -> Refusal:
    return Refusal("judgements", item.instruction.id, item.row, kind, reason)
