"""IFEval's four totals for responses that exist already, with the counts that papers and forks print."""

from __future__ import annotations

from pathlib import Path

from verif.core.row_files import read_rows
from verif.errors import InputError
from verif.evaluation import judging
from verif.evaluation.benchmarks import ifeval
from verif.evaluation.case import Generation, VerdictRow
from verif.evaluation.scores import instruction_level, outcomes, prompt_level
from verif.stats import Interval
from verif.types import Reasoning, Status


def stored_rows(
    prompts: Path, responses: Path, *, leave_out: bool = False, reasoning: Reasoning = "auto"
) -> list[VerdictRow]:
    """Verdicts on responses matched to prompts by the prompt's text; each must come once, and be known.

    With `leave_out` a response to an unknown prompt is passed over (published files differ in a prompt or two).
    """
    cases = {case.instruction.prompt: case for case in ifeval.load(prompts)}
    rows: list[VerdictRow] = []
    seen: set[str] = set()
    for item in read_rows(responses, strict_types=False):
        prompt, number = item.prompt, item.where.row
        if item.response is None:
            raise item.where.error("has no response", "response")
        if prompt not in cases and leave_out:
            continue
        if prompt not in cases:
            raise InputError(
                "the prompt is not one of the benchmark", file=responses, row=number, field="prompt"
            )
        if prompt in seen:
            raise InputError(
                "a second response to the same prompt", file=responses, row=number, field="prompt"
            )
        seen.add(prompt)
        answer = Generation(item.response, finished=item.finished)
        rows += judging.by_rules(
            judging.blank("ifeval", "stored", "t1", cases[prompt], answer),
            cases[prompt],
            answer,
            reasoning=reasoning,
        )
    return rows


def score_stored(
    prompts: Path,
    responses: Path,
    samples: int = 10_000,
    *,
    leave_out: bool = False,
    reasoning: Reasoning = "auto",
) -> dict[str, tuple[int, int, Interval]]:
    """(passed, total, interval) at prompt and instruction level, strict and loose."""
    rows = stored_rows(prompts, responses, leave_out=leave_out, reasoning=reasoning)
    out = {}
    for variant in ("strict", "loose"):
        own = [row for row in rows if row.variant == variant]
        results = outcomes(own, variant)
        passed = sum(outcome.followed for outcome in results)
        out[f"prompt_{variant}"] = (int(passed), len(results), prompt_level(rows, samples, 0, variant))
        single = sum(row.status == Status.PASS for row in own)
        out[f"instruction_{variant}"] = (single, len(own), instruction_level(rows, samples, 0, variant))
    return out
