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
from rich.table import Table

from verif.core import score as engine
from verif.core.row_files import join, read_rows
from verif.core.rows import Row
from verif.core.score import Scored, Summary
from verif.errors import InputError
from verif.system import plugins
from verif.system.console import Console, described
from verif.system.files import new_file
from verif.types import Status, type_names

_SHOWN_PROBLEMS = 20
_EVERY_S = 10.0

FILE = typer.Argument(help="JSONL (plain, gzip, or - for standard input) or parquet.")
PLUGIN = typer.Option(
    [], "--plugin", help="Module that registers rules, in ./plugins or installed; may be repeated."
)
THINKS = typer.Option(False, "--policy-thinks", help="A response without </think> holds no answer.")
RESPONSES = typer.Option(None, "--responses", help="Responses to join with FILE by prompt.")


def score(
    file: str = FILE,
    responses: str | None = RESPONSES,
    loose: bool = typer.Option(
        False, "--loose/--strict", help="Loose: one of eight variants of a response may pass."
    ),
    out: Path | None = typer.Option(None, "--out", help="Write every verdict to this JSONL file."),
    skip_bad: bool = typer.Option(False, "--skip-bad", help="Report bad lines and go on."),
    workers: int = typer.Option(2, min=1, help="Sandbox processes for model-written checkers."),
    plugin: list[str] = PLUGIN,
    policy_thinks: bool = THINKS,
) -> None:
    plugins.load(plugin)
    errors = Console(stderr=True, highlight=False)
    bad = 0

    def on_bad(error: InputError) -> None:
        nonlocal bad
        bad += 1
        if bad <= _SHOWN_PROBLEMS:
            errors.print(f"skipped: {error}", soft_wrap=True, markup=False)

    rows = (
        join(file, responses, on_bad if skip_bad else None)
        if responses
        else read_rows(file, on_bad if skip_bad else None)
    )
    summary = Summary()
    started = time.perf_counter()
    with ExitStack() as stack:
        sandbox = stack.enter_context(_sandbox(workers))
        target = stack.enter_context(new_file(out) if out else nullcontext(None))
        scored = engine.score(
            engine.scorable(rows, on_bad if skip_bad else None),
            loose=loose,
            sandbox=sandbox,
            policy_thinks=policy_thinks,
        )
        for item in _watched(scored, errors):
            summary.add(item)
            if target is not None:
                target.write(engine.line(item))
    _report(summary, "loose" if loose else "strict")
    took = time.perf_counter() - started
    errors.print(f"{summary.rows} responses in {took:.1f} s" + (f", {bad} bad lines skipped" if bad else ""))
    if out:
        errors.print(f"verdicts: {out}", soft_wrap=True)


def explain(
    file: str = FILE,
    row: int = typer.Option(
        ..., "--row", min=1, help="Line of FILE (of the responses' file, if there is one)."
    ),
    responses: str | None = RESPONSES,
    plugin: list[str] = PLUGIN,
    policy_thinks: bool = THINKS,
) -> None:
    plugins.load(plugin)

    def ignore(error: InputError) -> None:
        if error.row == row:
            raise error

    rows = join(file, responses, ignore) if responses else read_rows(file, ignore)
    chosen = [item for item in _until(rows, row) if item.where.row == row]
    if not chosen:
        raise InputError("there is no such row", file=responses or file, row=row)
    console = Console(highlight=False)
    with _sandbox(1) as sandbox:
        for item in engine.scorable(chosen):
            strict, loose = (
                next(iter(engine.score([item], loose=mode, sandbox=sandbox, policy_thinks=policy_thinks)))
                for mode in (False, True)
            )
            _explain(console, strict, loose)


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


def _report(summary: Summary, mode: str) -> None:
    table = Table(
        title=f"{mode}: share that passed, of the decided ones, with 95% Wilson interval",
        title_justify="left",
    )
    table.add_column("constraint")
    for name in ("decided", "passed", "share", "interval", "errors", "skipped"):
        table.add_column(name, justify="right")
    lines = [(name, summary.by_type[name]) for name in sorted(summary.by_type)]
    for name, counts in [*lines, ("all constraints", summary.total())]:
        passed = counts[Status.PASS]
        decided = passed + counts[Status.FAIL] + counts[Status.UNSCORABLE]
        _add(table, name, passed, decided, counts[Status.ERROR], counts[Status.SKIPPED])
    # With unknown responses the rest is no sample: only failures are known without a judge.
    unknown, followed = summary.followed[None], summary.followed[True]
    table.add_section()
    name = "responses, all constraints followed"
    if unknown:
        decided = followed + summary.followed[False]
        table.add_row(name, str(decided), str(followed), "-", "-", "", f"{unknown} unknown")
    else:
        _add(table, name, followed, summary.rows, 0, 0)
    Console(highlight=False, width=None if sys.stdout.isatty() else 140).print(table)


def _add(table: Table, name: str, passed: int, decided: int, errors: int, skipped: int) -> None:
    from verif.stats import proportion

    share = proportion(passed, decided)
    shown = (f"{share.value:.3f}", f"[{share.low:.3f}, {share.high:.3f}]") if decided else ("-", "-")
    table.add_row(name, str(decided), str(passed), *shown, str(errors or ""), str(skipped or ""))


def _explain(console: Console, strict: Scored, loose: Scored) -> None:
    item = strict.row
    console.print(f"{item.where.file}, row {item.where.row}, id {item.id}", markup=False, soft_wrap=True)
    console.print(f"prompt:   {_short(item.prompt)}", markup=False, soft_wrap=True)
    console.print(f"response: {_short(item.response or '')}", markup=False, soft_wrap=True)
    assert item.instruction is not None
    names = type_names(item.instruction)
    for index, (constraint, one, two) in enumerate(
        zip(item.instruction.constraints, strict.verdicts, loose.verdicts, strict=True)
    ):
        console.print(
            f"\n{index + 1}. {names[index]}: strict {one.status}, loose {two.status}",
            markup=False,
            soft_wrap=True,
        )
        if constraint.text != names[index]:
            console.print(f"   asked:    {_short(constraint.text)}", markup=False, soft_wrap=True)
        for key, value in getattr(constraint, "params", {}).items():
            console.print(f"   {key}: {_short(str(value))}", markup=False, soft_wrap=True)
        console.print(f"   reason:   {_short(one.reason)}", markup=False, soft_wrap=True)
        if one.evidence:
            console.print(f"   evidence: {_short(str(one.evidence))}", markup=False, soft_wrap=True)
    console.print(f"\nall: strict {strict.followed}, loose {loose.followed}", markup=False)


def _short(text: str, width: int = 400) -> str:
    """One line, without control characters that could act on a terminal."""
    flat = "".join(c if c.isprintable() else " " for c in text[: width * 2])
    flat = " ".join(flat.split())
    return flat if len(flat) <= width else flat[: width - 1] + "…"
