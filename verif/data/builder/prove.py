"""The proof of a written checker. What is not proven is refused, with its kind, and never taught.

In this order: it runs on every probe in the sandbox; it accepts the source answer; it refuses the empty one and some
mutation; the writers' cases are filtered by majority (a case that both functions contradict is wrong itself), and it is
right on those that are left; it agrees with the other writer's on the share of probes that the recipe asks for; nothing
that screening knows speaks against it. Where a registered rule says the same of every probe, the rule takes its place; if
that takes a value which the constraint does not name, both writers made the same slip, and the checker is refused. Where
the writers differ, and a rule sides with one of them on every probe, that writer is believed (`repaired`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from verif.core.sandbox.sandbox import Sandbox
from verif.core.text import Doc
from verif.data.builder.probes import Edges, Probes, probes
from verif.data.builder.reply import WrittenChecker
from verif.data.builder.translate import candidates, equal, unnamed
from verif.data.screening.claims import read
from verif.data.screening.screen import check_one
from verif.types import CheckerConstraint, Constraint, Status

How = Literal["accepted", "translated", "repaired", "refused"]
SHOWN = 160


@dataclass(frozen=True, slots=True)
class Proof:
    """`constraint` is what may teach, None where it was refused; `kind` and `reason` say why, `evidence` what was seen."""

    how: How
    constraint: Constraint | None = None
    kind: str = ""
    reason: str = ""
    evidence: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Opinion:
    """What one writer's function says of every probe; `fault` names what speaks against it by itself."""

    source: str
    says: tuple[bool, ...] = ()
    fault: tuple[str, str] | None = None


def proof(
    prompt: str,
    answer: str,
    text: str,
    written: tuple[WrittenChecker, WrittenChecker],
    names: Sequence[str],
    sandbox: Sandbox,
    edges: Edges,
    agreement: float,
) -> Proof:
    """The proof of one constraint's checkers. `names`: rules that may take their place."""
    rules = candidates(text, names, Doc(answer))
    asked = probes(answer, text, written, rules, edges)
    docs = [Doc(probe) for probe in asked.texts]
    opinions = [_opinion(prompt, reply.code, asked, sandbox) for reply in written]
    sound = [opinion for opinion in opinions if opinion.fault is None]
    if not sound:
        fault = opinions[0].fault or ("", "")
        return Proof("refused", None, *fault)
    alike = [[rule for rule in rules if equal(rule, docs, opinion.says)] for opinion in sound]
    if len(sound) == 2 and sound[0].says == sound[1].says:
        if alike[0]:
            return Proof("translated", alike[0][0])
        if slip := unnamed(sound[0].source, text, names, docs[0], docs, sound[0].says):
            reason = f"both functions are about {slip!r}, which the constraint does not name"
            return Proof("refused", None, "says something else", reason)
        return _believed(prompt, text, sound[0], sandbox)
    backed = [same[0] for same in alike if same]
    if len(backed) == 1:
        return Proof("repaired", backed[0], evidence=_difference(opinions, asked))
    if len(sound) == 1:
        other = next(opinion for opinion in opinions if opinion.fault)
        assert other.fault is not None
        return Proof("refused", None, other.fault[0], f"one of two writers: {other.fault[1]}")
    return _between(prompt, text, sound, asked, sandbox, agreement)


def _opinion(prompt: str, source: str, asked: Probes, sandbox: Sandbox) -> _Opinion:
    """The function on all probes; on the first alone before, since one that never ends takes its whole time on each."""
    results = [row[0] for row in sandbox.check_group(prompt, [source], asked.texts[:1])]
    if results[0].status is not Status.ERROR:
        results += [row[0] for row in sandbox.check_group(prompt, [source], asked.texts[1:])]
    broken = [result.reason for result in results if result.status is Status.ERROR]
    if broken:
        reason = f"ends in an error on {len(broken)} of {len(results)} probes: {broken[0][:SHOWN]}"
        return _Opinion(source, fault=("does not run", reason))
    says = tuple(result.status is Status.PASS for result in results)
    if not says[0]:
        return _Opinion(
            source, says, ("refuses its answer", "the answer that it was written for does not keep it")
        )
    if says[1]:
        return _Opinion(source, says, ("accepts the empty answer", "the empty text keeps it"))
    if all(says[place] for place in asked.changed[1:]):
        return _Opinion(source, says, ("accepts everything", "no mutation of the answer breaks it"))
    return _Opinion(source, says)


def _between(
    prompt: str, text: str, sound: Sequence[_Opinion], asked: Probes, sandbox: Sandbox, agreement: float
) -> Proof:
    """Two sound functions that differ somewhere, and no rule beside one of them."""
    first, second = (opinion.says for opinion in sound)
    same = sum(a is b for a, b in zip(first, second, strict=True))
    share = same / len(first)
    evidence = _difference(sound, asked)
    if share < agreement:
        reason = f"the writers agree on {share:.0%} of {len(first)} probes, {agreement:.0%} are asked for"
        return Proof("refused", None, "writers disagree", reason, evidence)
    # the majority of both functions and the case's own label
    cases = [(place, label) for place, label in asked.cases if label in (first[place], second[place])]
    right = [o for o in sound if all(o.says[place] is label for place, label in cases)]
    if not right:
        return Proof(
            "refused", None, "wrong on cases", "both functions fail cases that the other passes", evidence
        )
    return _believed(prompt, text, right[0], sandbox)


def _believed(prompt: str, text: str, opinion: _Opinion, sandbox: Sandbox) -> Proof:
    """The function, unless screening knows better."""
    constraint = CheckerConstraint(text=text, source=opinion.source)
    for kind, detail, evidence in check_one(prompt, constraint, read(text), sandbox):
        if kind not in ("vacuous on empty", "not probed"):
            return Proof("refused", None, kind, detail, evidence)
    return Proof("accepted", constraint)


def _difference(opinions: Sequence[_Opinion], asked: Probes) -> dict[str, Any]:
    """The first probe on which two functions differ."""
    if any(len(opinion.says) != len(asked.texts) for opinion in opinions):
        return {}
    pairs = zip(asked.texts, opinions[0].says, opinions[-1].says, strict=True)
    differing = [(text, first) for text, first, second in pairs if first is not second]
    return {"probe": differing[0][0][:SHOWN], "first": differing[0][1]} if differing else {}
