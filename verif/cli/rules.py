"""`verif rules list|show`: the constraint types that code decides, and all there is to know about one of them."""

from __future__ import annotations

import json

import typer
from rich.table import Table

from verif.system.console import Console

app = typer.Typer(help="Rules.", no_args_is_help=True)
console = Console(highlight=False, soft_wrap=True)


@app.command("list", help="Ids, where they are from, what counts.")
def list_(
    word: str = typer.Argument("", help="Only rules with this in their id, their source or what counts."),
) -> None:
    from verif.core import rules
    from verif.core.describing import about
    from verif.errors import InputError

    told = [about(rule) for _, rule in sorted(rules.rules().items())]
    told = [a for a in told if word.lower() in f"{a.id} {a.source} {a.counts}".lower()]
    if not told:
        raise InputError(
            f"no rule has {word!r} in its id, its source or what counts", hint="`verif rules list`"
        )
    table = Table()
    for column in ("rule", "from", "what counts"):
        table.add_column(column, overflow="fold")
    for rule in told:
        table.add_row(rule.id, rule.source, rule.counts)
    console.print(table)
    console.print(f"{len(told)} rules. `verif rules show ID` tells parameters, edge cases and an example.")


@app.command(
    help="One rule: parameters, what counts, edge cases, a text for prompts, an example of each verdict."
)
def show(id: str = typer.Argument(..., help="A rule's id, as in `verif rules list`.")) -> None:
    from verif.core import rules
    from verif.core.describing import about
    from verif.core.text import Doc

    rule = rules.get(id)
    told = about(rule)
    lines = [f"{told.id} ({told.source}, version {rule.version})", "", f"What counts: {told.counts}"]
    if told.edges:
        lines.append(f"Edge cases: {told.edges}")
    lines.append("Parameters:" if told.parameters else "Parameters: none")
    lines += [f"  {name}: {kind}{f' ({span})' if span else ''}" for name, kind, span in told.parameters]
    if told.asks:
        lines.append(f"In a prompt: {told.asks}")
    if told.example:
        params = rules.validate(id, told.example.params)
        lines.append(f"Example, with {json.dumps(told.example.params, ensure_ascii=False)}:")
        for text in (told.example.follows, told.example.fails):
            outcome = rules.check(rule, Doc(text), params)
            shown = json.dumps(text if len(text) <= 200 else f"{text[:200]}…", ensure_ascii=False)
            lines.append(f"  {'follows' if outcome.ok else 'does not follow'}: {shown} ({outcome.reason})")
    console.print("\n".join(lines), markup=False)
