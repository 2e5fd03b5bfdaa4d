"""`verif conform`: anybody's checker against published verdicts."""

from __future__ import annotations

import sys
from contextlib import closing, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import orjson
import typer
from rich.table import Table

from verif.core.answer import scrub
from verif.errors import InputError
from verif.system.console import Console
from verif.system.files import new_file

if TYPE_CHECKING:
    from verif.audit.conform.compare import ComparedCase, Tally

_SHOWN_PROBLEMS = 20
_WIDTH = 300


def conform(
    target: str = typer.Argument(
        help="The checker: MODULE:FUNCTION, a command that reads JSON lines (quoted), or a URL. It runs with your rights."
    ),
    files: list[str] = typer.Argument(
        help="Published verdicts: IFEval's result files, or lm-eval's samples; packed or not."
    ),
    instructions: str | None = typer.Option(
        None, "--instructions", help="Where the parameters of result files stand; joined by prompt."
    ),
    loose: bool = typer.Option(
        False, "--loose/--strict", help="Which verdicts the files hold; loose ones are made of variants here."
    ),
    timeout: float = typer.Option(10.0, min=0.1, help="Seconds for one answer; two minutes for the first."),
    show: int = typer.Option(1, min=0, help="Cases to show of each rule that differs."),
    out: Path | None = typer.Option(
        None, "--out", help="Write every case that is not equal to this JSONL file."
    ),
    skip_bad: bool = typer.Option(False, "--skip-bad", help="Report bad rows and go on."),
) -> None:
    from verif.audit.conform.compare import Tally, cases
    from verif.audit.conform.published import questions
    from verif.audit.conform.targets import opened

    errors = Console(stderr=True, highlight=False)
    bad: list[str] = []
    by_rule: dict[str, Tally] = {}
    total = Tally()
    first: dict[str, list[ComparedCase]] = {}

    def skipped(error: InputError) -> None:
        bad.append(error.problem)
        if len(bad) <= _SHOWN_PROBLEMS:
            errors.print(f"skipped: {error}", soft_wrap=True, markup=False)

    asked = questions(files, instructions, loose=loose, on_bad=skipped if skip_bad else None)
    with closing(opened(target, timeout)) as checker, new_file(out) if out else nullcontext(None) as kept:
        for case in cases(asked, checker, loose=loose):
            rule = case.question.rule
            by_rule.setdefault(rule, Tally()).add(case)
            total.add(case)
            if case.wrong or not case.said.decided:
                if case.said.kind != "not asked" and len(first.setdefault(rule, [])) < show:
                    first[rule].append(case)
                if kept is not None:
                    kept.write(orjson.dumps(scrub(case.as_dict())) + b"\n")
    if not total.asked:
        raise InputError("there are no published verdicts", file=", ".join(files))
    screen = Console(highlight=False, width=None if sys.stdout.isatty() else 140)
    screen.print(_table(by_rule, total, "loose" if loose else "strict"))
    for rule in sorted(first):
        for case in first[rule]:
            screen.print(_told(case), markup=False, soft_wrap=True)
    if checker.printed:
        errors.print(f"the checker printed {checker.printed} lines that are no answers")
    if total.kinds["not asked"]:
        errors.print(f"{total.kinds['not asked']} were not asked: the checker hung or ended too often")
    if bad:
        errors.print(f"{len(bad)} bad rows skipped")


def _table(by_rule: dict[str, Tally], total: Tally, mode: str) -> Table:
    """By rule, the ones with the most wrong verdicts first."""
    table = Table(
        title=f"{mode}: verdicts unlike the published ones, of those that the checker gave, with 95% Wilson interval",
        title_justify="left",
    )
    table.add_column("rule", overflow="fold")
    for name in ("asked", "wrong", "share", "interval", "raised", "hung", "ended", "unknown"):
        table.add_column(name, justify="right")
    ordered = sorted(by_rule, key=lambda rule: (-by_rule[rule].wrong, rule))
    for name, tally in (*((rule, by_rule[rule]) for rule in ordered), ("all", total)):
        if name == "all":
            table.add_section()
        share = tally.share
        shown = (f"{share.value:.3f}", f"[{share.low:.3f}, {share.high:.3f}]") if share.n else ("-", "-")
        failures = (str(tally.kinds[kind] or "") for kind in ("raised", "hung", "ended", "unknown"))
        table.add_row(name, str(tally.asked), str(tally.wrong), *shown, *failures)
    return table


def _told(case: ComparedCase) -> str:
    """A case in two lines, without control characters that could act on a terminal."""
    question = case.question
    published = "followed" if question.followed else "not followed"
    detail = f" ({case.said.detail})" if case.said.detail else ""
    lines = (
        f"{question.rule}: {question.where.file}, row {question.where.row}, {question.params or 'no parameters'}: "
        f"published {published}, the checker: {case.said.kind}{detail}",
        f"  {question.response}",
    )
    return "\n".join(_flat(line) for line in lines)


def _flat(line: str) -> str:
    shown = "".join(c if c.isprintable() else " " for c in line[:_WIDTH])
    return shown if len(line) <= _WIDTH else f"{shown}…"
