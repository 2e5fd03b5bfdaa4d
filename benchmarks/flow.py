"""`make bench-flow`: what orchestration costs over bare DVC on an up-to-date pipeline, and rendering for a cluster.

The pipeline is made of the project's own seven stages with commands that only touch their outputs, so that all of
them can be brought up to date in seconds. Last line: one JSON object with `flow_overhead_s`, `per_stage_s`, `render_s`.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[1]
FLOW = """
from verif.cli.run import through_prefect
through_prefect({"recipe": "local", "data": ""}, {}, "", "recipe")
"""
HEADLINE = json.dumps(
    {
        "alarms": 0,
        "repairs": 0,
        "gate": 1,
        "interval": [None] * 2,
        "training": [0, None],
        "reasons": [],
        "first_alarm": [],
    }
)


def quick_project(folder: Path, stages: int | None = None) -> Path:
    """A clone whose stages write a line to each output and end; the first `stages` of them, or all."""
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(folder)], check=True)
    path = folder / "dvc.yaml"
    raw = yaml.safe_load(path.read_text())
    kept = list(raw["stages"].items())[:stages]
    for _, stage in kept:
        outs = [*stage.get("outs", []), *stage.get("metrics", [])]
        stage["cmd"] = " && ".join(
            f"mkdir -p {Path(out).parent} && echo '{HEADLINE if out.endswith('headline.json') else '{}'}' > {out}"
            for out in outs
        )
        stage["deps"] = [dep.replace("verifier/identity.json", "verifier") for dep in stage["deps"]]
    path.write_text(yaml.safe_dump({"stages": dict(kept)}, sort_keys=False))
    return folder


def seconds(command: list[str], cwd: Path, env: dict[str, str], repeats: int = 3) -> float:
    """Median wall time."""
    taken = []
    for _ in range(repeats):
        begun = time.monotonic()
        subprocess.run(
            command, cwd=cwd, env=env, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        taken.append(time.monotonic() - begun)
    return statistics.median(taken)


def measure(folder: Path, stages: int | None) -> tuple[float, float]:
    """Seconds of bare DVC and of the flow on an up-to-date project."""
    project = quick_project(folder, stages)
    env = os.environ | {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PYTHONPATH": str(project),
        "DVC_NO_ANALYTICS": "1",
    }
    env.pop("PREFECT_API_URL", None)
    flow = [sys.executable, "-c", FLOW]
    subprocess.run(["dvc", "repro", "-q"], cwd=project, env=env, check=True)
    subprocess.run(
        flow, cwd=project, env=env, check=True, stdout=subprocess.DEVNULL
    )  # migrates the fresh home
    return seconds(["dvc", "repro", "-q"], project, env), seconds(flow, project, env)


def render_seconds() -> float:
    """The slowest `verif cluster render` over the recipes with cluster stages."""
    taken = []
    for recipe in sorted((ROOT / "recipes").glob("*.yaml")):
        if any(
            r.get("executor") == "kubernetes"
            for r in (yaml.safe_load(recipe.read_text()).get("resources") or {}).values()
        ):
            begun = time.monotonic()
            done = subprocess.run(
                ["verif", "cluster", "render", recipe.stem, "--cluster", "infra/cluster.example.yaml"],
                cwd=ROOT,
                capture_output=True,
                text=True,
                check=False,
            )
            taken.append(time.monotonic() - begun)
            if done.returncode:
                raise SystemExit(f"render {recipe.stem} failed: {done.stderr.strip()[-200:]}")
            print(f"render {recipe.stem}: {taken[-1]:.2f} s, {len(done.stdout.splitlines())} lines")
    return max(taken)


def main() -> None:
    """Measure and print."""
    folder = Path(tempfile.mkdtemp(prefix="verif-bench-flow-"))
    try:
        dvc_all, flow_all = measure(folder / "all", None)
        dvc_two, flow_two = measure(folder / "two", 2)
        print(
            f"seven stages: dvc {dvc_all:.2f} s, flow {flow_all:.2f} s; two stages: dvc {dvc_two:.2f} s, flow {flow_two:.2f} s"
        )
        per_stage = ((flow_all - dvc_all) - (flow_two - dvc_two)) / 5
        result = {
            "flow_overhead_s": flow_all - dvc_all,
            "per_stage_s": per_stage,
            "render_s": render_seconds(),
        }
        print(json.dumps({key: round(value, 3) for key, value in result.items()}))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
