"""One build: pairs in, proven rows out. What is known by content is not asked or paid for again.

Each pair is worked on by itself, many at a time; then rows are combined one after the other in the order of the file. So
neither speed nor chance changes what comes out. A pair whose calls failed, or for which nothing is left of the budget,
is *left*: it is neither refused nor built, and the same command takes it up again.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass, field

from verif.core.sandbox.sandbox import Sandbox
from verif.data.builder.calls import BudgetSpentError, Caller, EndPointError, Told, worked
from verif.data.builder.combine import Mixture, combined
from verif.data.builder.fields import chosen
from verif.data.builder.hard import synthesised
from verif.data.builder.near import Held, near_duplicates
from verif.data.builder.pairs import SourcePair
from verif.data.builder.probes import Edges
from verif.data.builder.prove import Proof, proof
from verif.data.builder.quarantine import Refusal
from verif.data.builder.reply import Proposal, UnreadableError
from verif.data.builder.soft import proposed
from verif.data.builder.write import written
from verif.data.screening.repair import apply, by_row
from verif.data.screening.screen import screen
from verif.errors import JudgeError, VerifError
from verif.recipe import BuildRecipe
from verif.system.files import digest
from verif.types import Constraint, Instruction, SoftConstraint


@dataclass(slots=True)
class Worked:
    """What one pair gave. `left`: why it has to be taken up again."""

    constraints: list[Constraint] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)
    proofs: list[Proof] = field(default_factory=list)
    left: str = ""


@dataclass(slots=True)
class Built:
    """A build's result. `answers[i]` is the answer that row i was made from.

    `left` counts pairs still to be done, and `why` says why the first of them is.
    """

    rows: list[Instruction] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)
    proofs: list[Proof] = field(default_factory=list)
    left: int = 0
    why: str = ""
    ended: VerifError | None = None


class Builder:
    """A build's means: whom to ask, where checkers run, how a rule's edges are found."""

    def __init__(self, recipe: BuildRecipe, caller: Caller | None, sandbox: Sandbox, edges: Edges) -> None:
        self.recipe, self.caller, self.sandbox, self.edges = recipe, caller, sandbox, edges
        self.rules = chosen(recipe.hard.rules)
        self._ended: VerifError | None = None

    async def build(self, pairs: Sequence[SourcePair], held: Sequence[str], told: Told) -> Built:
        """Rows of all pairs that are kept."""
        kept, refused = distinct(pairs, held, self.recipe.pairs.similar)
        works = await worked(kept, self._work, self.recipe.at_once, told)
        built = Built(refused=refused, ended=self._ended)
        mixture = Mixture()
        rows: list[tuple[SourcePair, Instruction]] = []
        for pair, each in zip(kept, works, strict=True):
            built.refused += each.refused
            built.proofs += each.proofs
            if each.left:
                built.left, built.why = built.left + 1, built.why or each.left
                continue
            row = combined(pair, each.constraints, self.recipe.combine, mixture, self.recipe.seed)
            if isinstance(row, Refusal):
                built.refused.append(row)
            else:
                rows.append((pair, row))
        self._screen(rows, built)
        return built

    async def _work(self, pair: SourcePair) -> Worked:
        out = Worked()
        rng = random.Random(digest([self.recipe.seed, "hard", pair.id]))
        first, second = self.recipe.first, self.recipe.second
        if first is not None and second is not None and self.caller is not None:
            if self._ended is not None:
                return Worked(left=str(self._ended))
            try:
                asked = await proposed(pair, self.caller, first, second, self.recipe.soft)
                out.refused += asked.refused
                out.constraints += [SoftConstraint(text=p.text, dimension=p.dimension) for p in asked.soft]
                for proposal in asked.code[: self.recipe.proof.written]:
                    await self._prove(pair, proposal, out)
            except (BudgetSpentError, EndPointError) as error:
                self._ended = self._ended or error
                return Worked(left=str(error))
            except JudgeError as error:
                return Worked(left=str(error))
        rules = await asyncio.to_thread(synthesised, pair.prompt, pair.answer, self.rules, rng)
        out.constraints += rng.sample(rules, min(self.recipe.hard.most, len(rules)))
        return out

    async def _prove(self, pair: SourcePair, proposal: Proposal, out: Worked) -> None:
        """Have the checker written twice, and prove it."""
        first, second, section = self.recipe.first, self.recipe.second, self.recipe.proof
        assert first is not None
        assert second is not None
        assert self.caller is not None
        try:
            replies = await written(proposal.text, self.caller, first, second, section.cases)
        except UnreadableError as error:
            out.refused.append(
                Refusal("write", pair.id, pair.row, "no reply of the schema", str(error), proposal.text)
            )
            return
        proven = await asyncio.to_thread(
            proof, pair.prompt, pair.answer, proposal.text, replies, self.rules, self.sandbox, self.edges,
            section.agreement,
        )  # fmt: skip
        out.proofs.append(proven)
        if proven.constraint is not None:
            out.constraints.append(proven.constraint)
        else:
            out.refused.append(
                Refusal(
                    "proof", pair.id, pair.row, proven.kind, proven.reason, proposal.text, proven.evidence
                )
            )

    def _screen(self, rows: Sequence[tuple[SourcePair, Instruction]], built: Built) -> None:
        """As `prepare` does, with a row dropped for any defect: nothing of ours may have one."""
        findings = screen([(pair.row, row) for pair, row in rows], self.sandbox)
        grouped = by_row(findings)
        for pair, row in rows:
            outcome = apply("drop-row", row, grouped.get((pair.row, row.id), []))
            if outcome.instruction is None:
                built.refused.append(Refusal("screening", pair.id, pair.row, "defect", outcome.reason))
            else:
                built.rows.append(outcome.instruction)
                built.answers.append(pair.answer)


def distinct(
    pairs: Sequence[SourcePair], held: Sequence[str], similar: float
) -> tuple[list[SourcePair], list[Refusal]]:
    """The pairs without near-duplicates of an earlier answer and without benchmarks' prompts."""
    benchmarks = Held(held, similar)
    refused: list[Refusal] = []
    kept: list[SourcePair] = []
    for pair in pairs:
        spoken = [turn["content"] for turn in pair.history if turn["role"] == "user"]
        if inside := next(filter(None, map(benchmarks.inside, (pair.prompt, *spoken))), ""):
            reason = f"a benchmark's prompt: {inside[:80]!r}"
            refused.append(Refusal("near", pair.id, pair.row, "benchmark", reason))
        else:
            kept.append(pair)
    gone = set()
    for later, earlier, similarity in near_duplicates([pair.answer for pair in kept], similar):
        gone.add(later)
        reason = f"its answer shares {similarity:.0%} of its word pairs with that of row {kept[earlier].row}"
        refused.append(Refusal("near", kept[later].id, kept[later].row, "near-duplicate", reason))
    return [pair for place, pair in enumerate(kept) if place not in gone], refused
