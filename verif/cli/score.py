"""`verif score` and `verif explain`: verify a file of responses, and see why."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, nullcontext
from pathlib import Path
from typing import Any

import typer
from rich.progress import Progress, SpinnerColumn, TimeElapsedColumn

from verif.cli.scored import explained, report, tell
from verif.core import score as engine
from verif.core.row_files import Coverage, join, read_rows
from verif.core.rows import Row
from verif.core.score import Scored
from verif.core.summary import Summary
from verif.errors import InputError
from verif.system import plugins
from verif.system.console import Console, described
from verif.system.files import new_file
from verif.types import Reasoning

_SHOWN_PROBLEMS = 20
_EVERY_S = 10.0

FILE = typer.Argument(
    help="Rows in any form: JSON lines or list, CSV, parquet, arrow, a folder; packed or not; - for standard input."
)
PLUGIN = typer.Option(
    [], "--plugin", help="Module that registers rules, in ./plugins or installed; may be repeated."
)
REASONING = typer.Option(
    "auto", "--reasoning", help="How the policy marks its reasoning; a named format is demanded."
)
RESPONSES = typer.Option(None, "--responses", help="Responses to join with FILE by prompt.")


class _Bad:
    """Bad rows: shown up to a number, and counted."""

    def __init__(self, console: Console) -> None:
        self.console, self.count = console, 0

    def __call__(self, error: InputError) -> None:
        self.count += 1
        if self.count <= _SHOWN_PROBLEMS:
            self.console.print(f"skipped: {error}", soft_wrap=True, markup=False)


def score(
    file: str = FILE,
    responses: str | None = RESPONSES,
    loose: bool = typer.Option(
        False, "--loose/--strict", help="Loose: one of eight variants of a response may pass."
    ),
    out: Path | None = typer.Option(None, "--out", help="Write every verdict to this JSONL file."),
    skip_bad: bool = typer.Option(False, "--skip-bad", help="Report bad rows and go on."),
    workers: int = typer.Option(2, min=1, help="Sandbox processes for model-written checkers."),
    plugin: list[str] = PLUGIN,
    reasoning: Reasoning = REASONING,
    strict_coverage: bool = typer.Option(
        False, "--strict-coverage", help="Fail if an instruction has no response."
    ),
    strict_types: bool = typer.Option(
        False,
        "--strict-types",
        help="A constraint of an unknown type makes a bad row (default: an error verdict).",
    ),
) -> None:
    plugins.load(plugin)
    errors = Console(stderr=True, highlight=False)
    bad, coverage = _Bad(errors), Coverage()
    on_bad = bad if skip_bad else None
    rows = (
        join(file, responses, on_bad, coverage=coverage, strict_types=strict_types)
        if responses
        else read_rows(file, on_bad, strict_types=strict_types)
    )
    summary = Summary()
    started = time.perf_counter()
    with ExitStack() as stack:
        sandbox = stack.enter_context(_sandbox(workers))
        target = stack.enter_context(new_file(out) if out else nullcontext(None))
        scored = engine.score(
            engine.scorable(rows, on_bad, None if responses else coverage),
            loose=loose,
            sandbox=sandbox,
            reasoning=reasoning,
        )
        for item in _watched(scored, errors):
            summary.add(item)
            if target is not None:
                target.write(engine.line(item))
        _require_some(summary, file, responses, bad, coverage)
    report(summary, "loose" if loose else "strict")
    took = time.perf_counter() - started
    skipped = f", {bad.count} bad lines skipped" if bad.count else ""
    errors.print(f"{summary.rows} responses in {took:.1f} s{skipped}")
    tell(summary, coverage, errors)
    if out:
        errors.print(f"verdicts: {out}", soft_wrap=True)
    if strict_coverage and coverage.missing:
        raise InputError(
            f"{coverage.missing} instructions have no response, the first at {coverage.first}",
            file=responses or file,
            hint="Leave out --strict-coverage to score the others.",
        )


def _require_some(summary: Summary, file: str, responses: str | None, bad: _Bad, coverage: Coverage) -> None:
    """A file of which nothing could be scored is a failure; a model that answered nothing has empty responses."""
    if summary.rows:
        return
    if coverage.missing:
        hint = (
            "Give the file of responses with --responses."
            if responses is None
            else "Are the prompts the same?"
        )
        raise InputError(
            f"none of {coverage.missing} instructions has a response", file=responses or file, hint=hint
        )
    what = f"all {bad.count} rows are bad" if bad.count else "there are no rows"
    raise InputError(what, file=responses or file)


def explain(
    file: str = FILE,
    row: int = typer.Option(
        ..., "--row", min=1, help="Row of FILE (of the responses' file, if there is one)."
    ),
    responses: str | None = RESPONSES,
    plugin: list[str] = PLUGIN,
    reasoning: Reasoning = REASONING,
) -> None:
    plugins.load(plugin)

    def ignore(error: InputError) -> None:
        if error.row == row:
            raise error

    rows = (
        join(file, responses, ignore, strict_types=False)
        if responses
        else read_rows(file, ignore, strict_types=False)
    )
    chosen = [item for item in _until(rows, row) if item.where.row == row]
    if not chosen:
        raise InputError("there is no such row", file=responses or file, row=row)
    console = Console(highlight=False)
    with _sandbox(1) as sandbox:
        for item in engine.scorable(chosen):
            strict, loose = (
                next(iter(engine.score([item], loose=mode, sandbox=sandbox, reasoning=reasoning)))
                for mode in (False, True)
            )
            explained(console, strict, loose)


def _until(rows: Iterable[Row], row: int) -> Iterator[Row]:
    for item in rows:
        if item.where.row > row:
            return
        yield item


def _sandbox(workers: int) -> Any:
    """The checker sandbox; its workers start when the first checker comes."""
    from verif.core.sandbox.sandbox import Sandbox

    return Sandbox(workers=workers)


def _watched(scored: Iterator[Scored], console: Console) -> Iterator[Scored]:
    """Progress: a bar on a terminal, a line every ten seconds elsewhere."""
    started = last = time.perf_counter()
    bar = Progress(
        SpinnerColumn(),
        described(),
        TimeElapsedColumn(),
        console=console,
        transient=True,
    )
    with bar if console.is_terminal else nullcontext():
        task = bar.add_task("reading")
        for count, item in enumerate(scored, 1):
            yield item
            if count % 64 == 0:
                now = time.perf_counter()
                if now - last >= (0.2 if console.is_terminal else _EVERY_S):
                    last = now
                    state = f"{count} responses, {count / (now - started):.0f} per second"
                    if console.is_terminal:
                        bar.update(task, description=state)
                    else:
                        print(state, file=sys.stderr, flush=True)
