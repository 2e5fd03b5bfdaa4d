"""`verif label`: people say which responses keep which constraints; their labels audit a judge (docs/label.md)."""

from __future__ import annotations

import signal
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from verif.core.row_files import join, read_rows
from verif.errors import InputError
from verif.pipeline.labelling import export as exporting
from verif.pipeline.labelling.agreement import TwoLabellers, compare
from verif.pipeline.labelling.labels import Label, label_file, named, read_labels
from verif.pipeline.labelling.questions import ToLabel, read_questions, shown
from verif.pipeline.labelling.session import Labelling
from verif.system.console import Console
from verif.system.files import output
from verif.types import Reasoning

if TYPE_CHECKING:
    from verif.stats import Interval

MOST_SHOWN = 20
console = Console(highlight=False, soft_wrap=True, markup=False)


def label(
    file: str = typer.Argument(
        ..., metavar="ROWS", help="Instructions with constraints and responses, in any form."
    ),
    labeller: str = typer.Option("", "--as", help="Who labels: opens the page."),
    responses: str | None = typer.Option(
        None, "--responses", help="Responses in a file of their own, joined by prompt."
    ),
    folder: Path | None = typer.Option(
        None, "--labels", help="Where labels are kept (default: ROWS.labels beside it)."
    ),
    hard: bool = typer.Option(False, "--hard", help="Ask about hard constraints, too."),
    seed: int = typer.Option(0, "--seed", help="Another number, another order of the responses."),
    port: int = typer.Option(0, "--port", min=0, max=65_535, help="Port on 127.0.0.1 (0: a free one)."),
    out: Path | None = typer.Option(
        None, "--export", help="Write the labelled rows for `data.labelled` of a recipe."
    ),
    reasoning: Reasoning = typer.Option("auto", "--reasoning", help="How responses mark their reasoning."),
) -> None:
    if out is not None:
        output(out, "--export", (name for name in (file, responses) if name))
    rows = join(file, responses) if responses else read_rows(file)
    to_label = read_questions(rows, responses or file, hard=hard, reasoning=reasoning)
    folder = folder or _beside(responses or file)
    for reason, count in to_label.left_out.items():
        console.print(f"left out: {count} responses: {reason}")
    if labeller:
        _serve(to_label, folder, named(labeller), seed, port)
    labels = read_labels(folder)
    _tell(to_label, labels, folder)
    if out is not None:
        _export(to_label, labels, out)


def _beside(file: str) -> Path:
    if file == "-":
        raise InputError("rows from a pipe have no folder beside them.", hint="Name one with --labels.")
    path = Path(file)
    return path.with_name(f"{path.name}.labels")


def _serve(to_label: ToLabel, folder: Path, labeller: str, seed: int, port: int) -> None:
    """Until Ctrl-C or SIGTERM."""
    from verif.pipeline.labelling.server import serving

    stop = threading.Event()
    with label_file(folder, labeller) as kept:
        labelling = Labelling(to_label.ordered(seed, labeller), kept)
        with serving(labelling, port) as server:
            console.print(
                f"{labelling.done} of {len(labelling.questions)} questions have a label of {labeller}."
            )
            console.print(f"Open {server.address}")
            console.print("The address opens once. Ctrl-C ends; the same command goes on.")
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, lambda *_: stop.set())
            while not stop.wait(1.0):
                pass


def _tell(to_label: ToLabel, labels: Mapping[str, Mapping[str, Label]], folder: Path) -> None:
    """How far each labeller is, and how far two of them agree."""
    questions = to_label.questions()
    keys = {question.key for question in questions}
    for name, given in labels.items():
        strange = len(given.keys() - keys)
        rest = f"; {strange} of the labels belong to no question of these rows" if strange else ""
        console.print(f"{name}: {len(given.keys() & keys)} of {len(keys)} questions{rest}")
        for answered in sorted(key for key, answer in given.items() if answer.note and key in keys)[
            :MOST_SHOWN
        ]:
            console.print(f"  note: {shown(given[answered].note)}")
    if not labels:
        console.print(f"no labels in {folder} yet: verif label ROWS --as NAME")
    for pair in compare(questions, labels):
        _agreement(pair)


def _agreement(pair: TwoLabellers) -> None:
    first, second = pair.names
    if not pair.alike:
        console.print(f"{first} and {second} have decided no question in common")
        return
    kappa = "not defined: both always say the same word" if pair.kappa is None else _short(pair.kappa)
    console.print(
        f"{first} and {second}: agreement {_short(pair.share)}, Cohen's kappa {kappa}, "
        f"n={len(pair.alike)}; {pair.unsaid} where one could not say"
    )
    for question in pair.differ[:MOST_SHOWN]:
        instruction = question.judged.instruction
        text = shown(instruction.constraints[question.constraint].text).replace("\n", " ")
        console.print(
            f"  they differ: {shown(instruction.id)}, constraint {question.constraint + 1}: {text[:100]}"
        )
    if len(pair.differ) > MOST_SHOWN:
        console.print(f"  and {len(pair.differ) - MOST_SHOWN} more")


def _short(interval: Interval) -> str:
    return f"{interval.value:.2f} [{interval.low:.2f}, {interval.high:.2f}]"


def _export(to_label: ToLabel, labels: Mapping[str, Mapping[str, Label]], out: Path) -> None:
    told = exporting.export(to_label, labels, out)
    console.print(
        f"{out}: {told.rows} responses, {told.kept} keep all soft constraints, {told.failed} do not; "
        f"{told.true} constraints true, {told.false} false, null: {told.differ} where labellers differ, "
        f"{told.unsaid} where one could not say"
    )
    if told.undecided:
        console.print(f"left out: {told.undecided} responses of which nothing is decided")
    if told.single:
        console.print(f"{told.single} labels are one person's; an audit should rest on two people's")
