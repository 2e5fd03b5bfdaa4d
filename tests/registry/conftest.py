"""A working directory as the pipeline leaves it, with outcomes that the test chooses; MLflow on SQLite."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from verif.evaluation import verdicts
from verif.evaluation.benchmarks.world import TEST
from verif.evaluation.case import Case, VerdictRow
from verif.evaluation.summary import summarise
from verif.project import Stage
from verif.recipe import parse_recipe
from verif.system.files import digest_tree, write_json
from verif.types import Instruction

RECIPE = {
    "name": "t",
    "data": {"kind": "world"},
    "policy": {"kind": "scratch"},
    "judge": {"kind": "scratch"},
    "evaluate": {"bootstrap": 400},
    "register": {"model_name": "m"},
}


def make_rows(before: float, after: float, n: int) -> list[VerdictRow]:
    base = VerdictRow(
        "world-test", "before", "t1", "", "", 0, "topic", "soft", "Write about the sea.", "", "The sea is old.",
        True, 5, "pass", "topic shown: sea", "{}", "world:truth@1", "world:truth@1",
    )  # fmt: skip
    rows = []
    for i in range(n):
        luck = (i * 7919 % n) / n  # exact shares, in mixed order
        for model, share in (("before", before), ("after", after)):
            status = "pass" if luck < share else "fail"
            rows.append(
                replace(base, model=model, id=f"p{i}", cluster=f"p{i}", prompt=f"Write {i}.", status=status)
            )
            rows.append(replace(rows[-1], index=1, family="bullets", kind="rule"))
    return rows


def fill(
    root: Path, *, before: float = 0.4, after: float = 0.6, weights: bytes = b"w1", fit: bool = True,
    attacks: float = 0.01, canary: float = 0.0, n: int = 120,
) -> None:  # fmt: skip
    """Write models/trained and the reports of a run with these accuracies."""
    rows = make_rows(before, after, n)
    cases = [Case(Instruction(id=f"p{i}", prompt=f"Write {i}.")) for i in range(n)]
    numbers = summarise(TEST, cases, rows, 400, 7)
    drop = {
        "value": canary,
        "low": canary - 0.01,
        "high": canary + 0.01,
        "n": 100,
        "p_value": 0.5,
        "effect_size": 0.0,
    }
    likelihood = {"value": 0.5, "low": 0.4, "high": 0.6, "n": 100}
    (root / "models" / "trained").mkdir(parents=True, exist_ok=True)
    (root / "models" / "trained" / "model.safetensors").write_bytes(weights)
    evaluation = {
        "benchmarks": {"world-test": numbers},
        "models": {"trained": digest_tree(root / "models" / "trained")},
        "canary": {"before": likelihood, "after": likelihood, "drop": drop},
        "warnings": [],
    }
    write_json(root / "reports" / "evaluation.json", evaluation)
    shutil.rmtree(root / "reports" / "evaluation", ignore_errors=True)
    verdicts.write(root / "reports" / "evaluation" / "verdicts.parquet", rows)
    fitness = {"identity": "v", "fit": fit, "reasons": [] if fit else ["recall too low"]}
    write_json(root / "reports" / "verifier.json", {**fitness, "attacks": {"verifier": attacks}})
    write_json(root / "models" / "verifier" / "identity.json", fitness)


@pytest.fixture(scope="session")
def empty_mlflow(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated, empty MLflow database: the migration takes seconds, copying it does not."""
    from verif.registry.runs.mlflow import client

    root = tmp_path_factory.mktemp("mlflow")
    client(root)
    return root / ".verif" / "mlflow" / "mlflow.db"


@pytest.fixture
def stage(tmp_path: Path, empty_mlflow: Path, monkeypatch: pytest.MonkeyPatch) -> Stage:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.delenv("VERIF_PARENT_RUN", raising=False)
    place = tmp_path / ".verif" / "mlflow"
    place.mkdir(parents=True)
    shutil.copyfile(empty_mlflow, place / "mlflow.db")
    fill(tmp_path)
    return Stage(tmp_path, parse_recipe(RECIPE, "test"), tmp_path / "data")


@pytest.fixture
def refill():
    return fill


@pytest.fixture
def rows_of():
    return make_rows
