"""Soft constraints back-translated from the answer: one call proposes, one call of the second model checks them.

VerIF's way (arXiv 2506.09942, section 3.2). What could be decided by code comes back among the proposals and goes to the
writers. A constraint that quotes the answer gives it away, and is refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from verif.data.builder.calls import Caller
from verif.data.builder.near import elements, jaccard, words
from verif.data.builder.pairs import SourcePair
from verif.data.builder.prompts import render
from verif.data.builder.quarantine import Refusal
from verif.data.builder.reply import KeptReply, Proposal, Proposals, UnreadableError, asked
from verif.recipe import BuildModel, SoftSection

ALIKE = 0.6
"""Two constraints that share this much of their word pairs say the same."""
QUOTED = 6
"""Words in a row of the answer that a constraint may not hold."""


@dataclass(frozen=True, slots=True)
class Proposed:
    """What the models say an answer keeps: for a judge, and for a checker that is still to be written."""

    soft: tuple[Proposal, ...] = ()
    code: tuple[Proposal, ...] = ()
    refused: tuple[Refusal, ...] = ()


async def proposed(
    pair: SourcePair, caller: Caller, first: BuildModel, second: BuildModel, section: SoftSection
) -> Proposed:
    """The constraints of one pair; `JudgeError` where the models could not be asked."""
    texts = {"question": pair.question, "answer": pair.answer}
    messages = render("soft", texts, dimensions=section.dimensions, most=section.most)
    try:
        reply = await asked(caller, "soft", first, messages, Proposals)
    except UnreadableError as error:
        return Proposed(refused=(_refusal(pair, "no reply of the schema", str(error)),))
    kept, refused = admitted(pair, reply.constraints, section)
    soft, code = [p for p in kept if not p.code], tuple(p for p in kept if p.code)
    if section.checked and soft:
        try:
            soft, failed = await _checked(pair, caller, second, soft)
        except UnreadableError as error:
            return Proposed(
                code=code, refused=(*refused, _refusal(pair, "no reply of the schema", str(error)))
            )
        refused += failed
    return Proposed(tuple(soft), code, tuple(refused))


def admitted(
    pair: SourcePair, proposals: Sequence[Proposal], section: SoftSection
) -> tuple[list[Proposal], list[Refusal]]:
    """The proposals that can be asked for, each once; the rest with its reason."""
    kept: list[Proposal] = []
    refused: list[Refusal] = []
    answer = " ".join(words(pair.answer))
    for proposal in proposals:
        why = _unfit(proposal, kept, answer, section)
        if why:
            refused.append(_refusal(pair, *why, proposal.text))
        else:
            kept.append(proposal)
    return kept, refused


def _unfit(
    proposal: Proposal, kept: Sequence[Proposal], answer: str, section: SoftSection
) -> tuple[str, str] | None:
    if not proposal.code and proposal.dimension not in section.dimensions:
        return "unknown dimension", f"{proposal.dimension!r} is no dimension that was asked for"
    if not proposal.text.isprintable():
        return "unprintable", "holds control characters or line ends"
    own = elements(proposal.text)
    limit = 1.0 if proposal.code else ALIKE  # "at least 5 words" and "at least 9 words" differ
    if any(jaccard(own, elements(k.text)) >= limit for k in kept if k.code == proposal.code):
        return "repeats its sibling", "an earlier constraint of this answer says the same"
    spoken = words(proposal.text)
    runs = [" ".join(spoken[i : i + QUOTED]) for i in range(len(spoken) - QUOTED + 1)]
    if any(f" {run} " in f" {answer} " for run in runs):
        return "quotes the answer", f"holds {QUOTED} words in a row of the answer"
    return None


async def _checked(
    pair: SourcePair, caller: Caller, model: BuildModel, soft: Sequence[Proposal]
) -> tuple[list[Proposal], list[Refusal]]:
    texts = {
        "question": pair.question,
        "answer": pair.answer,
        "constraints": "\n".join(f"{number}. {p.text}" for number, p in enumerate(soft, 1)),
    }
    reply = await asked(caller, "check", model, render("check", texts), KeptReply)
    if len(reply.kept) != len(soft):
        raise UnreadableError(f"{len(reply.kept)} values for {len(soft)} constraints")
    refused = [
        _refusal(pair, "not kept", "the second model says that the answer does not keep it", p.text)
        for p, kept in zip(soft, reply.kept, strict=True)
        if not kept
    ]
    return [p for p, kept in zip(soft, reply.kept, strict=True) if kept], refused


def _refusal(pair: SourcePair, kind: str, reason: str, text: str = "") -> Refusal:
    return Refusal("soft", pair.id, pair.row, kind, reason, text)
