"""`verif build`: question and answer pairs in, instructions with proven checkers out."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from verif.data.builder.calls import Spending
from verif.errors import InputError
from verif.recipe import load_build
from verif.system.console import visible

EVERY_S = 2.0


class ProgressLine:
    """One line on standard error, written over where that is a terminal: pairs, calls, tokens, price, seconds left."""

    def __init__(self) -> None:
        self.begun, self.last = time.monotonic(), 0.0

    def __call__(self, done: int, of: int, spending: Spending) -> None:
        """Say where the build stands, every two seconds and at the end."""
        now = time.monotonic()
        if done < of and now - self.last < EVERY_S:
            return
        self.last = now
        left = (now - self.begun) / max(1, done) * (of - done)
        tokens = spending.prompt_tokens + spending.completion_tokens
        line = (
            f"{done}/{of} pairs, {spending.calls} calls ({spending.failed} failed), {tokens:,} tokens,"
            f" price {spending.price:.4f}, {left:.0f} s left"
        )
        print(
            line.ljust(100),
            end="\r" if sys.stderr.isatty() and done < of else "\n",
            file=sys.stderr,
            flush=True,
        )


def build(
    out: Annotated[
        Path, typer.Option(help="The rows to write, ROWS.jsonl; card, quarantine and ledger lie beside it.")
    ],
    pairs: Annotated[
        Path | None, typer.Option(help="Questions with answers, in any form that verif reads.")
    ] = None,
    recipe: Annotated[
        Path | None, typer.Option(help="A build recipe, as in recipes/builds/; without one, rules only.")
    ] = None,
    url: Annotated[
        list[str],
        typer.Option(
            help="Base URL of the models' end point, ending in /v1; NAME=URL for one model; may be repeated."
        ),
    ] = [],  # noqa: B006
    budget: Annotated[
        float | None, typer.Option(min=0, help="The most that all calls may cost, by the recipe's prices.")
    ] = None,
    licence: Annotated[str, typer.Option(help="Of pairs that name none.")] = "",
    judgements: Annotated[
        Path | None,
        typer.Option(
            help="Rows whose answers a judge is asked about, instead of --pairs; --out is a folder then."
        ),
    ] = None,
    answers: Annotated[
        list[Path], typer.Option(help="With --judgements: a model's responses, a file each; may be repeated.")
    ] = [],  # noqa: B006
) -> None:
    from verif.pipeline.building import build_rows
    from verif.pipeline.judging import build_judgements

    section = load_build(recipe)
    if licence:
        section = section.model_copy(update={"pairs": section.pairs.model_copy(update={"licence": licence})})
    if (pairs is None) == (judgements is None):
        hint = "Give a file of questions with answers, or rows for --judgements."
        raise InputError("exactly this or --judgements is wanted", field="--pairs", hint=hint)
    if judgements is not None:
        outcome = build_judgements(judgements, answers, out, section, ProgressLine(), tuple(url), budget)
        show_judgements(outcome.card, out)
    elif pairs is not None:
        outcome = build_rows(pairs, out, section, ProgressLine(), tuple(url), budget)
        show(outcome.card, out)
    lost = outcome.spending.lost
    print(
        f"{outcome.spending.calls} calls{f' and {lost} without an answer' if lost else ''}, price {outcome.spending.price:.4f};"
        f" {outcome.spared} calls of earlier runs were in the ledger"
    )
    if outcome.ended is not None:
        raise outcome.ended
    if left := outcome.card["left"]:
        print(
            f"verif: {left} are left to do ({visible(outcome.why)}); the same command goes on.",
            file=sys.stderr,
        )
        raise SystemExit(1)


def show(card: dict[str, Any], out: Path) -> None:
    """The card in a few lines."""
    constraints = card["constraints"]
    print(
        f"{card['rows']} rows, {constraints['hard']} hard and {constraints['soft']} soft constraints: {out}"
    )
    proven = card["proof"]
    if proven["written"]:
        print(
            f"{proven['written']} checkers written for: {proven['accepted']} accepted, {proven['translated']} translated"
            f" into rules, {proven['repaired']} repaired by a rule, {proven['refused']} refused"
        )
    show_refused(card)


def show_judgements(card: dict[str, Any], out: Path) -> None:
    """The card of judgements in a few lines."""
    for name, counts in card["judgements"].items():
        print(
            f"{name}: {counts['rows']} judgements of {counts['instructions']} instructions,"
            f" {counts['followed']} followed"
        )
    print(f"{card['attacks']} of them are attacks that are known to be wrong: {out}")
    show_refused(card)


def show_refused(card: dict[str, Any]) -> None:
    """What was refused, by step."""
    for step, kinds in card["refused"].items():
        print(f"refused, {step}: " + ", ".join(f"{count} {visible(kind)}" for kind, count in kinds.items()))
