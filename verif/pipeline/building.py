"""What `verif build` and its flow run: files and addresses in, rows, quarantine and card out.

Beside ROWS.jsonl lie `ROWS.quarantine.jsonl`, `ROWS.card.json`, and `ROWS.calls.jsonl`, the ledger, which only its owner
reads. The builder itself (`verif.data.builder`) knows neither the audit's edits nor a server's address; it gets them here.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from verif.audit.mutations.generate import mutator
from verif.core.row_files import raw_rows
from verif.core.rows import parts
from verif.core.sandbox.sandbox import Sandbox
from verif.core.score import dumps
from verif.data.builder.build import Builder, Built
from verif.data.builder.calls import Caller, Spending, priced
from verif.data.builder.card import card
from verif.data.builder.ledger import Ledger
from verif.data.builder.pairs import read_pairs
from verif.data.builder.prove import Proof
from verif.data.builder.reply import LONGEST_TEXT
from verif.errors import VerifError
from verif.pipeline.addresses import connected
from verif.recipe import BuildRecipe
from verif.system.files import digest, digest_path, output, write_bytes, write_json
from verif.types import RuleConstraint

SANDBOX_WORKERS = 2
PROMPT_BYTES = 2_500
"""Of each of the builder's own prompts with the schema of its reply and a server's template, rounded up."""
CONSTRAINT_BYTES = 4 * LONGEST_TEXT

Progress = Callable[[int, int, Spending], None]
"""Told of pairs done, of all pairs, and of what was spent."""


@dataclass(frozen=True, slots=True)
class BuildFiles:
    """Where a build writes, all beside its rows."""

    rows: Path

    def beside(self, ending: str) -> Path:
        """`rows.jsonl` to `rows.ENDING`."""
        return self.rows.with_name(f"{self.rows.name.removesuffix('.jsonl')}.{ending}")

    @property
    def calls(self) -> Path:
        """The ledger."""
        return self.beside("calls.jsonl")

    def all(self) -> tuple[Path, ...]:
        """Every file that is written."""
        return self.rows, self.calls, self.beside("quarantine.jsonl"), self.beside("card.json")


@dataclass(slots=True)
class BuildOutcome:
    """What came of a build: its card, what this run spent, how many calls the ledger held, why it ended early.

    `why` is what the first call failed at whose pair is left.
    """

    card: dict[str, Any]
    spending: Spending = field(default_factory=Spending)
    spared: int = 0
    ended: VerifError | None = None
    why: str = ""


def build_rows(
    pairs_file: Path,
    out: Path,
    recipe: BuildRecipe,
    told: Progress,
    urls: tuple[str, ...] = (),
    budget: float | None = None,
) -> BuildOutcome:
    """Read, build, write. What was made before an end in the middle is written, too."""
    files = BuildFiles(out)
    for path in files.all():
        output(path, "--out", (pairs_file, *recipe.pairs.benchmarks))
    digests = {"pairs": digest_path(pairs_file), "recipe": digest(recipe.model_dump(mode="json"))}
    pairs, refused = read_pairs(pairs_file, recipe.pairs)
    held = benchmark_prompts(recipe.pairs.benchmarks)
    writers = [model for model in (recipe.first, recipe.second) if model is not None]
    connect = connected(urls, recipe, writers) if writers else None
    with Ledger(files.calls) as ledger, Sandbox(workers=SANDBOX_WORKERS) as sandbox:
        caller = Caller(ledger, connect, budget) if connect else None
        spending = caller.spending if caller else Spending()

        async def run() -> Built:
            try:
                builder = Builder(recipe, caller, sandbox, edges)
                return await builder.build(pairs, held, lambda done, of: told(done, of, spending))
            finally:
                if caller is not None:
                    await caller.close()

        built = asyncio.run(run())
        built.refused[:0] = refused
        made = _write(files, built, ledger, digests)
        return BuildOutcome(made, spending, ledger.kept, built.ended, built.why)


def expected(pairs_file: Path, recipe: BuildRecipe) -> str:
    """How many pairs there are, and what their calls can cost at the most, in one sentence."""
    pairs, refused = read_pairs(pairs_file, recipe.pairs)
    said = f"{len(pairs)} pairs, {len(refused)} refused before any call"
    if recipe.first is None or recipe.second is None:
        return f"{said}; no model is asked."
    most, checked = 0.0, int(recipe.soft.checked)
    # Names of dimensions stand in the prompt and in the schema of its reply.
    named = 4 * sum(len(name.encode()) + 4 for name in recipe.soft.dimensions)
    for pair in pairs:
        size = len((pair.question + pair.answer).encode("utf-8", "replace")) + PROMPT_BYTES + named
        for model, calls, asked in (
            (recipe.first, 1, size), (recipe.second, checked, size + recipe.soft.most * CONSTRAINT_BYTES),
            (recipe.first, recipe.proof.written, PROMPT_BYTES + CONSTRAINT_BYTES),
            (recipe.second, recipe.proof.written, PROMPT_BYTES + CONSTRAINT_BYTES),
        ):  # fmt: skip
            most += calls * priced(model, asked, model.max_tokens)
    calls = len(pairs) * (1 + checked + 2 * recipe.proof.written)
    return f"{said}; at most {calls} calls for {most:.2f}, without repeats."


def _write(files: BuildFiles, built: Built, ledger: Ledger, digests: dict[str, str]) -> dict[str, Any]:
    """Rows, quarantine and card; the card last, since it speaks of the others."""
    lines = [
        {**row.model_dump(mode="json"), "response": answer}
        for row, answer in zip(built.rows, built.answers, strict=True)
    ]
    write_bytes(files.rows, b"".join(map(dumps, lines)))
    order = sorted(built.refused, key=lambda refusal: (refusal.row, refusal.step))
    write_bytes(files.beside("quarantine.jsonl"), b"".join(dumps(refusal.shown()) for refusal in order))
    digests = {**digests, "rows": digest_path(files.rows)}
    made = card(
        built.rows, built.refused, ledger.calls.values(), digests,
        proof=proofs(built.proofs), left=built.left, complete=not built.left,
    )  # fmt: skip
    write_json(files.beside("card.json"), made)
    return made


def proofs(made: list[Proof]) -> dict[str, Any]:
    """How many checkers were written for, and what came of them."""
    refused = Counter(proven.kind for proven in made if proven.how == "refused")
    return {
        "written": len(made),
        **{how: sum(p.how == how for p in made) for how in ("accepted", "translated", "repaired", "refused")},
        "why_refused": dict(sorted(refused.items())),
    }


def benchmark_prompts(files: tuple[str, ...]) -> list[str]:
    """The prompts of benchmark files in any form that verif reads, every turn of them."""
    prompts = [
        parsed.asked.prompt for file in files for where, raw in raw_rows(file) for parsed in parts(raw, where)
    ]
    return list(dict.fromkeys(prompts))


def edges(rule: RuleConstraint, text: str, rng: random.Random) -> list[str]:
    """A text on each side of a rule's edge, by the audit's own edits; none where a rule brings none or the text is too odd."""
    edits = mutator(rule.rule)
    if edits is None:
        return []
    try:
        kept = edits.repair(rng, text, rule.params)
        return [kept, edits.break_(rng, kept, rule.params)]
    except (IndexError, ValueError, KeyError):  # nothing to edit in it
        return []
