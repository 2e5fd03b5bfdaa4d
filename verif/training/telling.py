"""What of a step's numbers goes to MLflow while the policy trains: what people look at; veRL has some hundred more.

All of them stay in the run's folder (`steps/`), and the columns of `curve.csv` in the stage's files.
"""

from __future__ import annotations

from verif.training.progress import COLUMNS, RunFolder


def told(folder: RunFolder, step: int) -> dict[str, float]:
    """A step's numbers under the names of the curve's columns, with its validation's."""
    numbers = {**folder.metrics(step), **folder.validations().get(step, {})}
    return {f"train/{name}": numbers[key] for name, key in COLUMNS.items() if key in numbers}
