"""What a stage made, as Prefect artifacts: a table of its numbers, its pictures, and where the rest is."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterable
from pathlib import Path

from prefect.artifacts import create_link_artifact, create_markdown_artifact, create_table_artifact

from verif.pipeline.telling import FILES
from verif.registry import headline, sentences
from verif.registry.runs.numbers import numbers
from verif.system.disclosure.masking import without_user
from verif.system.dvc import pictures_of

MAX_ROWS = 20
MAX_PICTURE = 400_000  # bytes; artifacts travel through Prefect's database
MIME = {".png": "image/png", ".svg": "image/svg+xml"}


def metrics_table(root: Path, stage: str) -> None:
    """One table artifact `<stage>-metrics`: what people look at first; its description says where the rest is."""
    path = root / "reports" / FILES[stage]
    if not path.is_file():
        return
    said = headline.read(root) if stage == "register" else None
    values = said.numbers() if said else numbers(json.loads(path.read_text("utf-8")))
    rows = [{"metric": name, "value": f"{value:.4g}"} for name, value in values.items()]
    left = len(rows) - MAX_ROWS
    more = f"; {left} more in `{path}`" if left > 0 else ""
    if rows:
        create_table_artifact(
            table=rows[:MAX_ROWS], key=f"{stage}-metrics", description=f"Numbers of stage {stage}{more}"
        )


def inlined(paths: Iterable[Path]) -> list[str]:
    """Pictures as Markdown that holds them."""
    parts = []
    for path in paths:
        data = path.read_bytes()
        if len(data) <= MAX_PICTURE:
            parts.append(
                f"### {path.stem}\n\n![{path.stem}](data:{MIME[path.suffix]};base64,{base64.b64encode(data).decode()})"
            )
    return parts


def pictures(root: Path, stage: str) -> None:
    """One markdown artifact `<stage>-pictures`; the pictures travel inside it."""
    if parts := inlined(pictures_of(root, stage)):
        create_markdown_artifact(
            markdown="\n\n".join(parts), key=f"{stage}-pictures", description=f"Pictures of stage {stage}"
        )


def publish(root: Path, stage: str) -> None:
    """All artifacts of a stage."""
    metrics_table(root, stage)
    pictures(root, stage)


def report(root: Path) -> None:
    """The run's report as one markdown artifact `report`: the model card, the pictures, and where the whole page is."""
    folder, tracking = root / "reports", tracking_page()
    if not (folder / "card.md").is_file():
        return
    registration = json.loads((folder / "registration.json").read_text("utf-8"))
    where = f"The whole page: `{(folder / 'index.html').resolve()}`"
    if tracking:
        link = f"{tracking}/#/models/{registration['model']}/versions/{registration['version']}"
        where += f", and in MLflow behind [version {registration['version']}]({link})"
    shown = [path for part in ("train", "evaluation") for path in sorted((folder / part).glob("*.svg"))]
    state = f"Version {registration['version']}, {registration['alias'] or 'no alias'}."
    if said := headline.read(root):
        state = f"{state} {sentences.summary(said)}"
    create_markdown_artifact(
        markdown="\n\n".join(
            [f"**{state}** {where}.", (folder / "card.md").read_text("utf-8"), *inlined(shown)]
        ),
        key="report",
        description=state,
    )


def tracking_page() -> str:
    """Where MLflow's pages are, if a browser can reach them."""
    uri = os.environ.get("MLFLOW_TRACKING_URI", "")
    return without_user(uri).rstrip("/") if uri.startswith("http") else ""


def links(root: Path) -> None:
    """The report and where MLflow is."""
    report(root)
    if tracking := tracking_page():
        create_link_artifact(link=tracking, key="mlflow", link_text="Runs and models in MLflow")
