"""What a stage made, as Prefect artifacts: a table of its numbers, its pictures, and where the rest is."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from prefect.artifacts import create_link_artifact, create_markdown_artifact, create_table_artifact

from verif.pipeline import files_of

MAX_PICTURE = 400_000  # bytes; artifacts travel through Prefect's database
MIME = {".png": "image/png", ".svg": "image/svg+xml"}


def flat(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """The scalars of nested JSON, by dotted name; long lists are left to the report."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from flat(item, f"{name}.{key}" if name else str(key))
    elif not isinstance(value, list):
        yield name, value


def metrics_table(root: Path, stage: str, limit: int = 200) -> None:
    """One table artifact `<stage>-metrics` with the stage's numbers."""
    rows = [
        {"metric": name, "value": f"{value:.4g}" if isinstance(value, float) else str(value)}
        for path in files_of(root, stage).metrics
        for name, value in flat(json.loads(path.read_text("utf-8")))
    ]
    if rows:
        create_table_artifact(
            table=rows[:limit], key=f"{stage}-metrics", description=f"Numbers of stage {stage}"
        )


def pictures(root: Path, stage: str) -> None:
    """One markdown artifact `<stage>-pictures`; the pictures travel inside it."""
    parts = []
    for path in files_of(root, stage).pictures:
        data = path.read_bytes()
        if len(data) <= MAX_PICTURE:
            parts.append(
                f"### {path.stem}\n\n![{path.stem}](data:{MIME[path.suffix]};base64,{base64.b64encode(data).decode()})"
            )
    if parts:
        create_markdown_artifact(
            markdown="\n\n".join(parts), key=f"{stage}-pictures", description=f"Pictures of stage {stage}"
        )


def publish(root: Path, stage: str) -> None:
    """All artifacts of a stage."""
    metrics_table(root, stage)
    pictures(root, stage)


def links(root: Path) -> None:
    """Where the report and MLflow are."""
    import os

    report = root / "reports" / "index.html"
    if report.is_file():
        create_link_artifact(
            link=report.resolve().as_uri(), key="report", link_text="The report page", description=str(report)
        )
    tracking = os.environ.get("MLFLOW_TRACKING_URI", "")
    if tracking.startswith("http"):
        create_link_artifact(link=tracking, key="mlflow", link_text="Runs and models in MLflow")
