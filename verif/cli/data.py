"""`verif data`: what verif reads in a file of rows, before it is scored or trained with."""

from __future__ import annotations

from itertools import islice

import typer
from rich.table import Table

from verif.core.row_files import read_rows
from verif.core.rows import Row
from verif.data.contents import Contents
from verif.errors import InputError
from verif.system import plugins
from verif.system.console import Console
from verif.types import RuleConstraint, type_names

app = typer.Typer(add_completion=False, no_args_is_help=True)

MOST_SHOWN = 600
"""Characters of a prompt or a response that `head` shows."""
MOST_TYPES = 60
FILE = typer.Argument(..., metavar="FILE", help="Rows in any form that verif reads; - is standard input.")
PLUGIN = typer.Option([], "--plugin", help="Module that registers rules; may be repeated.")


@app.command()
def head(
    file: str = FILE,
    count: int = typer.Option(3, "-n", "--count", min=1, max=1_000, help="So many rows."),
    plugin: list[str] = PLUGIN,
) -> None:
    """Show the first rows as verif reads them: prompt, constraints with their parameters, response."""
    plugins.load(plugin)
    rows = list(islice(read_rows(file, strict_types=False), count))
    if not rows:
        raise InputError("holds no rows", file=file)
    console = _console()
    for row in rows:
        for line in _row(row):
            console.print(line)
        console.print()


def _row(row: Row) -> list[str]:
    lines = [f"row {row.where.row}, id {_cut(row.id)}"]
    instruction = row.instruction
    if instruction is None:
        lines.append("  no instruction: a response that is joined by its prompt")
    elif instruction.system:
        lines.append(f"  system: {_cut(instruction.system)}")
    earlier = len(instruction.meta.get("history", [])) if instruction else 0
    lines.append(f"  prompt: {_cut(row.prompt)}" + (f" (after {earlier} earlier turns)" if earlier else ""))
    if instruction is not None:
        known = zip(instruction.constraints, type_names(instruction), row.params, strict=True)
        for number, (constraint, name, params) in enumerate(known, 1):
            said = ""
            if isinstance(constraint, RuleConstraint):
                said = " (a rule that verif does not know)" if params is None else _given(constraint)
            text = f": {_cut(constraint.text)}" if constraint.text not in ("", name) else ""
            lines.append(f"  {number}. {_cut(name)}{said}{text}")
        if not instruction.constraints:
            lines.append("  no constraint")
    if row.response is not None:
        of = f" {row.sample + 1} of {row.samples}" if row.samples > 1 else ""
        cut_off = "" if row.finished else " (cut off)"
        lines.append(f"  response{of}{cut_off}: {_cut(row.response)}")
    return lines


def _given(constraint: RuleConstraint) -> str:
    given = {name: value for name, value in constraint.params.items() if value is not None}
    return (
        " " + _cut(", ".join(f"{name}={value!r}" for name, value in sorted(given.items()))) if given else ""
    )


@app.command()
def stats(
    file: str = FILE,
    skip_bad: bool = typer.Option(False, "--skip-bad", help="Count rows that cannot be read, and go on."),
    plugin: list[str] = PLUGIN,
) -> None:
    """Count what a file holds: instructions, responses, constraints by type, lengths, repeats."""
    plugins.load(plugin)
    contents, bad = Contents(), list[InputError]()

    def passed_over(error: InputError) -> None:
        contents.bad += 1
        if not bad:
            bad.append(error)

    for row in read_rows(file, passed_over if skip_bad else None, strict_types=False):
        contents.add(row)
    if not contents.instructions and not contents.responses:
        first = f"; the first of {contents.bad} that cannot be read: {bad[0]}" if bad else ""
        raise InputError(f"holds no rows{first}", file=file)
    console = _console()
    for line in _summary(contents):
        console.print(line)
    if bad:
        console.print(f"cannot be read: {contents.bad} rows; the first: {bad[0]}")
    if contents.constraints:
        console.print(_types(contents))
    left = len(contents.constraints) - MOST_TYPES
    if left > 0:
        console.print(f"and {left} more types")
    if contents.unknown:
        names = ", ".join(_cut(name) for name in sorted(contents.unknown)[:10])
        console.print(
            f"{len(contents.unknown)} types that verif does not know, as {names}: scored, they are errors."
        )


def _summary(contents: Contents) -> list[str]:
    instructions = contents.instructions
    lines = [f"instructions: {instructions:,}; responses: {contents.responses:,}"]
    if contents.unfinished:
        lines.append(f"responses that were cut off: {contents.unfinished:,}")
    if instructions:
        total = sum(contents.constraints.values())
        lines.append(f"constraints: {total:,}, {total / instructions:.2f} an instruction")
        half, most, longest = (contents.length(share) for share in (0.5, 0.95, 1.0))
        lines.append(f"characters of a prompt: {half:,} in the middle, {most:,} at 95%, {longest:,} at most")
    for count, what in (
        (contents.bare, "without a constraint"),
        (contents.conversations, "with a system message or earlier turns"),
        (contents.repeated, "whose prompt stood before"),
    ):
        if count:
            lines.append(f"instructions {what}: {count:,}")
    return lines


def _types(contents: Contents) -> Table:
    table = Table(title="constraints by type", title_justify="left")
    table.add_column("type")
    for name in ("constraints", "instructions", "share of them"):
        table.add_column(name, justify="right")
    ordered = sorted(contents.constraints.items(), key=lambda item: (-item[1], item[0]))
    for name, count in ordered[:MOST_TYPES]:
        used_by = contents.used_by[name]
        table.add_row(_cut(name), f"{count:,}", f"{used_by:,}", f"{used_by / contents.instructions:.1%}")
    return table


def _cut(text: str) -> str:
    """On one line, cut where it is long; what acts on a terminal is the console's."""
    ending = "..." if len(text) > MOST_SHOWN else ""
    return text[:MOST_SHOWN].replace("\r", "").replace("\n", "\\n") + ending


def _console() -> Console:
    return Console(highlight=False, soft_wrap=True, markup=False)
