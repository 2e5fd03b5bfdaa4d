"""What `verif score` and `verif explain` show: the table, what must be known beside it, one response in detail."""

from __future__ import annotations

import sys

from rich.table import Table

from verif.core.row_files import Coverage
from verif.core.score import Scored
from verif.core.summary import Summary
from verif.system.console import Console
from verif.types import Status, type_names


def tell(summary: Summary, coverage: Coverage, console: Console) -> None:
    """What a reader of the table must know beside it."""

    def say(text: str) -> None:
        console.print(text, soft_wrap=True, markup=False)

    if coverage.missing:
        total = coverage.answered + coverage.missing
        say(
            f"{coverage.answered} of {total} instructions have a response; the first without: {coverage.first}"
        )
    for note, count in summary.notes.most_common(10):
        what = "left out of what was judged" if note.startswith("reasoning") else "judged as it stands"
        say(f"{note}: {count} of {summary.rows} responses, {what}")
    for reason, count in summary.hopeless.most_common():
        say(f"unscorable: {count} of {summary.rows}: {reason}")
    summary.sampled.finish()
    if summary.sampled.rows:
        k = summary.sampled.samples
        name = f"pass@{k}" if k > 0 else "one of them"
        say(
            f"instructions with several responses: mean {summary.sampled.mean}, {name} {summary.sampled.best}"
        )


def report(summary: Summary, mode: str) -> None:
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


def explained(console: Console, strict: Scored, loose: Scored) -> None:
    item = strict.row
    console.print(f"{item.where.file}, row {item.where.row}, id {item.id}", markup=False, soft_wrap=True)
    console.print(f"prompt:   {_short(item.prompt)}", markup=False, soft_wrap=True)
    console.print(f"response: {_short(item.response or '')}", markup=False, soft_wrap=True)
    if strict.answer.note:
        console.print(
            f"{strict.answer.note}; judged: {_short(strict.answer.text)}", markup=False, soft_wrap=True
        )
    assert item.instruction is not None
    names = type_names(item.instruction)
    for index, (constraint, when_strict, when_loose) in enumerate(
        zip(item.instruction.constraints, strict.verdicts, loose.verdicts, strict=True)
    ):
        console.print(
            f"\n{index + 1}. {names[index]}: strict {when_strict.status}, loose {when_loose.status}",
            markup=False,
            soft_wrap=True,
        )
        if constraint.text != names[index]:
            console.print(f"   asked:    {_short(constraint.text)}", markup=False, soft_wrap=True)
        for key, value in getattr(constraint, "params", {}).items():
            console.print(f"   {key}: {_short(str(value))}", markup=False, soft_wrap=True)
        console.print(f"   reason:   {_short(when_strict.reason)}", markup=False, soft_wrap=True)
        if when_strict.evidence:
            console.print(f"   evidence: {_short(str(when_strict.evidence))}", markup=False, soft_wrap=True)
    console.print(f"\nall: strict {strict.followed}, loose {loose.followed}", markup=False)


def _short(text: str, width: int = 400) -> str:
    """One line, without control characters that could act on a terminal."""
    flat = "".join(c if c.isprintable() else " " for c in text[: width * 2])
    flat = " ".join(flat.split())
    return flat if len(flat) <= width else flat[: width - 1] + "…"
