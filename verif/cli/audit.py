"""`verif audit`: audit the recipe's verifier, or measure a judge on preference pairs."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer
from rich.table import Table

from verif.errors import JudgeError, RecipeError, UnfitVerifierError
from verif.system.console import Console

if TYPE_CHECKING:
    from verif.audit.pairs import Pairwise
    from verif.types import Preference


def audit(
    pairs: Path = typer.Option(
        None, help="Preference pairs (IFBench-RM JSON, or JSON lines): pairwise accuracy only."
    ),
    judge_url: str = typer.Option(
        "", help="OpenAI-compatible base URL of a judge, ending in /v1; several, with commas."
    ),
    judge_model: str = typer.Option("judge", help="The model's name on that server."),
    prompt: str = typer.Option("joint-en", help="Judge prompt: joint-en, joint-zh, each-en, each-zh, local."),
    reasoning_parser: str = typer.Option(
        "", help="The judge server's --reasoning-parser; with it, verdicts are asked for by schema."
    ),
    max_tokens: int = typer.Option(4096, min=8, help="Longest judge answer."),
    deadline: float = typer.Option(600, min=1, help="Seconds for one judgement, retries included."),
    limit: int = typer.Option(0, min=0, help="Only the first N pairs; 0 takes all."),
    out: Path = typer.Option(None, help="Also write the numbers of the pairs as JSON."),
    check: bool = typer.Option(False, "--check", help="Exit with an error if the verifier is not fit."),
) -> None:
    """Audit the verifier of this project's recipe; with --pairs, a judge or that verifier on preference pairs."""
    if pairs is not None:
        _pairs(pairs, judge_url, judge_model, prompt, max_tokens, deadline, limit, out, reasoning_parser)
        return
    if judge_url:
        raise RecipeError("--judge-url goes with --pairs.", "The recipe says which judge an audit uses.")
    from verif.audit import report, tables
    from verif.audit.run import audit as run
    from verif.pipeline.rollouts import under_pressure
    from verif.project import load_stage
    from verif.service import lease

    stage = load_stage()
    section = stage.recipe.verifier.pressure
    drawn = under_pressure(stage, section) if section else []
    with lease.verifier(stage) as endpoint:
        outcome = run(stage, endpoint, drawn=drawn)
    report.write(outcome, stage.reports, stage.recipe.verifier.gate.max_attack_success)
    tables.show(outcome, Console())
    if check and not outcome.fit:
        raise UnfitVerifierError(f"the verifier is not fit to teach: {'; '.join(outcome.detailed)}.")


def _pairs(
    path: Path,
    url: str,
    model: str,
    prompt: str,
    max_tokens: int,
    deadline: float,
    limit: int,
    out: Path | None,
    parser: str = "",
) -> None:
    from verif.audit import pairs
    from verif.system.files import write_json

    rows = pairs.load(path)
    rows = rows[: limit or len(rows)]
    if url:
        pairwise = asyncio.run(_judge_pairs(rows, url, model, prompt, parser, max_tokens, deadline))
    else:
        pairwise = asyncio.run(_service_pairs(rows))
    table = Table(title=f"{len(rows)} pairs of {path.name}", title_justify="left")
    for head in ("", "right", "wrong", "ties", "errors", "accuracy (ties not right)", "without ties"):
        table.add_column(head, justify="left" if not head else "right")
    for name, p in pairwise.items():
        counts = (str(value) for value in (p.right, p.wrong, p.ties, p.errors))
        table.add_row(name, *counts, str(p.accuracy), str(p.without_ties))
    Console().print(table)
    if pairwise["all"].errors == len(rows):
        raise JudgeError(f"not one pair could be judged: {pairwise['all'].why}")
    if why := pairwise["all"].why:
        Console().print(f"errors: {why}", markup=False, highlight=False)
    if out is not None:
        write_json(out, {name: p.as_dict() for name, p in pairwise.items()})


async def _judge_pairs(
    rows: Sequence[Preference],
    url: str,
    model: str,
    prompt: str,
    parser: str,
    max_tokens: int,
    deadline: float,
) -> dict[str, Pairwise]:
    from verif.audit import pairs
    from verif.core.judge.client import JudgeClient
    from verif.core.judge.judge import Judge, sampling
    from verif.core.verifier import Verifier

    parameters = sampling(prompt, max_tokens, parser)
    client = JudgeClient(url.split(","), model, parameters=parameters, deadline_s=deadline)
    judge = Judge(client, template=prompt, model_digest=model, parameters=parameters, parser=parser)
    verifier = Verifier(formula="soft-only", judge=judge)
    try:
        return await pairs.measure(verifier, rows, "soft-only", reasoning="auto")
    finally:
        await verifier.close()


async def _service_pairs(rows: Sequence[Preference]) -> dict[str, Pairwise]:
    from verif.audit import pairs
    from verif.project import load_stage
    from verif.service import lease
    from verif.service.client import VerifierClient
    from verif.service.config import TOKEN_VARIABLE

    stage = load_stage()
    with lease.verifier(stage) as endpoint:
        async with VerifierClient(endpoint.url, os.environ.get(TOKEN_VARIABLE)) as client:
            section = stage.recipe.verifier
            return await pairs.measure(client, rows, section.formula, reasoning=section.reasoning)
