"""`make bench-consoles`: what the three consoles show of the run that lies here, and whether they say the same.

Needs a finished run in this directory (`make run`). Nothing is trained; a local Prefect API is started for the tables,
and vLLM for the answers. Last line: one JSON object with `dvc_columns`, `mlflow_parent_metrics`,
`mlflow_stage_metrics_max`, `mlflow_stage_params_max`, `version_tags`, `prefect_rows_max`, `headline_equal`,
`pyfunc_equal`, `noop_flow_s`.
"""

from __future__ import annotations

import asyncio
import csv
import io
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from verif.errors import VerifError
from verif.project import Stage, load_stage
from verif.registry import headline

PROMPTS = 20
TOKENS = 64
EXPERIMENTS = (
    "exp",
    "show",
    "--only-changed",
    "--drop",
    "[/.](py|parquet|json|csv)|^(verif|models|reports|data)",
    "--csv",
)
"""As docs/operations.md has it: what differs between experiments, without the digests of files."""


def dvc(root: Path, *arguments: str) -> str:
    """Output of a DVC command in the project."""
    done = subprocess.run(
        [sys.executable, "-m", "dvc", *arguments], cwd=root, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise VerifError(f"`dvc {' '.join(arguments[:2])}` failed: {done.stderr.strip()[-200:]}")
    return done.stdout


def of_dvc(root: Path) -> tuple[int, dict[str, float]]:
    """The widest table's columns, and the headline as DVC has it."""
    table = csv.reader(io.StringIO(dvc(root, *EXPERIMENTS)))
    shown = json.loads(dvc(root, "metrics", "show", "--json"))
    files = shown[""]["data"] if "" in shown else next(iter(shown.values()))["data"]
    values = {k: v for k, v in files[f"reports/{headline.FILE}"]["data"].items() if not isinstance(v, list)}
    return max(len(next(table)), len(values) + 1), values


def of_mlflow(stage: Stage) -> dict[str, Any]:
    """Counts over the newest finished pipeline run, all stages' runs and the registered versions; its metrics."""
    from verif.registry.runs.mlflow import client, experiment
    from verif.registry.store import open_registry

    mlflow = client(stage.root)
    where = [experiment(mlflow, stage)]
    ended = "status = 'FINISHED' and metrics.steps > 0 and run_name != 'register'"
    parents = [run for run in mlflow.search_runs(where, ended) if "mlflow.parentRunId" not in run.data.tags]
    if not parents:
        raise VerifError("MLflow has no finished pipeline run with a headline.", "`make run` makes one.")
    below = mlflow.search_runs(where, "tags.`verif.stage` != ''", max_results=1000)
    versions = open_registry(stage).versions()
    return {
        "metrics": dict(parents[0].data.metrics),
        "mlflow_stage_metrics_max": max((len(run.data.metrics) for run in below), default=0),
        "mlflow_stage_params_max": max((len(run.data.params) for run in below), default=0),
        "version_tags": max((len(version.tags) for version in versions), default=0),
    }


def of_prefect(root: Path) -> tuple[int, dict[str, float]]:
    """The rows of the longest table that a run of all stages publishes, and the headline on Prefect's page."""
    from verif.cli.run import prefect_environment

    os.environ |= prefect_environment(root)
    os.environ.pop("PREFECT_API_URL", None)
    from flows.api import RunApi

    api = RunApi(root)
    api.wait()
    from prefect import flow, get_client

    from flows import artifacts
    from verif.pipeline.telling import FILES

    @flow(name="bench-consoles", persist_result=False)
    def publish() -> None:
        for name in FILES:
            artifacts.metrics_table(root, name)

    publish()

    async def tables() -> list[Any]:
        async with get_client() as client:
            return [artifact for artifact in await client.read_artifacts() if artifact.type == "table"]

    rows = {artifact.key: json.loads(artifact.data) for artifact in asyncio.run(tables())}
    api.stop()
    said = {row["metric"]: float(row["value"]) for row in rows["register-metrics"]}
    return max(len(table) for table in rows.values()), said


def answers(stage: Stage) -> int:
    """Of twenty prompts, those that the newest version answers as an MLflow model as it does behind `verif serve`."""
    import mlflow

    from verif.cli.serve import ask, served
    from verif.core.instruction_files import read_instructions
    from verif.registry.runs.mlflow import client
    from verif.registry.store import open_registry

    client(stage.root)
    registry = open_registry(stage)
    newest = registry.versions()[-1].number
    mlflow.set_tracking_uri(registry.uri)
    mlflow.set_registry_uri(registry.uri)
    model = mlflow.pyfunc.load_model(f"models:/{registry.name}/{newest}")
    asked = [row.prompt for row in read_instructions(stage.data / "test.parquet")][:PROMPTS]
    equal = 0
    with served(newest, 0, 0) as (url, name):
        for prompt in asked:
            turn = [{"role": "user", "content": prompt}]
            (reply,) = model.predict({"messages": turn, "max_tokens": TOKENS})
            text = reply["choices"][0]["message"]["content"]
            equal += text.strip() == ask(url, name, turn, 0.0, TOKENS).strip()
    return equal


def noop_seconds(root: Path) -> float:
    """Median of three flow runs in which nothing has changed."""
    from benchmarks.flow import FLOW

    env = os.environ | {"PYTHONPATH": str(root), "DVC_NO_ANALYTICS": "1"}
    env.pop("PREFECT_API_URL", None)
    taken = []
    for _ in range(3):
        begun = time.monotonic()
        subprocess.run([sys.executable, "-c", FLOW], cwd=root, env=env, check=True, stdout=subprocess.DEVNULL)
        taken.append(time.monotonic() - begun)
    return statistics.median(taken)


def same(first: dict[str, float], second: dict[str, float], digits: int = 4) -> bool:
    """Equal wherever both say something, as far as a page shows digits, and neither is empty."""
    both = first.keys() & second.keys()
    return bool(both) and all(f"{first[name]:.{digits}g}" == f"{second[name]:.{digits}g}" for name in both)


def main() -> None:
    """Measure and print."""
    root = Path.cwd()
    stage = load_stage(root)
    said = headline.read(root)
    if said is None:
        raise SystemExit("verif: there is no finished run here. `make run` makes one.")
    numbers = said.numbers()
    seconds = noop_seconds(root)
    columns, of_metrics = of_dvc(root)
    tracked = of_mlflow(stage)
    rows, of_page = of_prefect(root)
    kept = tracked.pop("metrics")
    pages = {"dvc": of_metrics, "mlflow": kept, "prefect": of_page}
    differ = [name for name, said in pages.items() if not same(numbers, said)]
    print(f"headline: {'the same everywhere' if not differ else 'differs in ' + ', '.join(differ)}")
    result = {
        "dvc_columns": columns, "mlflow_parent_metrics": len(kept), **tracked, "prefect_rows_max": rows,
        "headline_equal": not differ, "pyfunc_equal": answers(stage), "noop_flow_s": round(seconds, 2),
    }  # fmt: skip
    print(json.dumps(result))


if __name__ == "__main__":
    main()
