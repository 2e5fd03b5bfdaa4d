"""`make bench-smollm2 [SEEDS=3] [IFEVAL=file] [RECIPE=smollm2-rules]`: does a real model learn? Once for each seed.

Each seed is a clone of HEAD with caches of its own, in a folder of this commit and recipe. Killed, the same command goes on,
in the stage and at the checkpoint where it was. A seed that fails is said, and the next one begins. The last line is one JSON
object; null stands for what was not measured. Shares are greedy and strict; with several seeds they are means, and low ends
the least.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
from pathlib import Path
from typing import Any

import yaml

from benchmarks import long_run
from benchmarks.fresh import Run, clone_of
from benchmarks.main import ROOT, git
from verif.data.packages import FOLDER, packaged_file
from verif.errors import InputError, VerifError
from verif.pipeline.run import is_running
from verif.recipe import PackageModel, load_recipe
from verif.system.files import write_json

HOME = ROOT / ".verif" / "bench-smollm2"
KEYS = {"held-back": "heldout", "ifeval": "ifeval", "ifbench": "ifbench"}
Figures = dict[str, float | bool | None]


def figures(reports: Path, runs: Path) -> Figures:
    """What one finished run showed; `InputError` with the file if a report is missing or damaged."""
    path = reports / "evaluation.json"
    try:
        evaluation = json.loads(path.read_text("utf-8"))
        benchmarks = evaluation["benchmarks"]
        out: Figures = {}
        for name, key in KEYS.items():
            scores = benchmarks.get(name)
            out[f"{key}_before"] = scores["before"]["greedy"]["value"] if scores else None
            out[f"{key}_after"] = scores["after"]["greedy"]["value"] if scores else None
            out[f"{key}_gain_low"] = scores["gain_greedy"]["low"] if scores else None
        out["control_gain"] = value(benchmarks["held-back"].get("control_gain_greedy"))
        drift = evaluation.get("drift") or {}
        out["relevance_drop"] = value((drift.get("relevance") or {}).get("drop"))
        out["likelihood_drop"] = value((drift.get("likelihood") or {}).get("drop"))
        path = reports / "registration.json"
        out["gate_passed"] = bool(json.loads(path.read_text("utf-8"))["gate"]["passed"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"cannot be read: {type(error).__name__}: {error}", file=path) from None
    del out["ifbench_gain_low"]
    return out | speeds(runs)


def value(cell: Any) -> float | None:
    """The value of an interval, or None where there is none."""
    return None if not cell else float(cell["value"])


def speeds(runs: Path) -> Figures:
    """Tokens per second of the update and of the generation, over all steps."""
    steps = sorted(runs.glob("*/steps/step_*.json"), key=lambda path: path.stat().st_mtime)
    numbers = [json.loads(path.read_text("utf-8")) for path in steps]
    said: Figures = {}
    for key, seconds, tokens in (
        ("tokens_per_s_train", "timing_s/update_actor", "perf/total_num_tokens"),
        ("tokens_per_s_generate", "timing_s/gen", "response_length/mean"),
    ):
        whole = [n for n in numbers if seconds in n and tokens in n]
        count = sum(n[tokens] * (n["verif/rollouts"] if key.endswith("generate") else 1) for n in whole)
        said[key] = round(count / sum(n[seconds] for n in whole), 1) if whole else None
    return said


def train(seed: int, recipe: str, ifeval: Path | None, home: Path) -> Figures:
    """`verif run` in the seed's clone, for as long as it still takes."""
    run = Run(seed, len(os.sched_getaffinity(0)))
    clone = clone_of(run, home)
    if is_running(clone):
        raise InputError(
            "a run of this seed still goes on.", file=clone, hint="Wait for it, or end its process."
        )
    env = os.environ | {
        "PYTHONPATH": str(clone),
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }
    for name in ("MLFLOW_TRACKING_URI", "PREFECT_API_URL"):
        env.pop(name, None)
    line = ["verif", "run", "--recipe", recipe, "--set", f"train.seed={seed}", "--set", f"seed={seed}"]
    if ifeval:
        folder = clone / "benchmark-files"
        folder.mkdir(exist_ok=True)
        (folder / "ifeval.jsonl").write_bytes(ifeval.read_bytes())
        line += ["--set", f"evaluate.benchmarks={with_ifeval(clone, recipe)}"]
    log, spent = home / f"{run.name}.log", long_run.Spent(home / f"{run.name}.spent.json")
    print(f"seed {seed}: {' '.join(line[:4])} in {clone}; log {log}", flush=True)
    long_run.run(line, clone, env, f"seed {seed}", log, spent)
    return {
        **figures(clone / "reports", clone / ".verif" / "runs"),
        "minutes": round(spent.minutes, 1),
        "peak_gb": round(spent.gigabytes, 1),
    }


def with_ifeval(clone: Path, name: str) -> str:
    """The recipe's benchmarks and IFEval's prompts, as a value of `--set`."""
    recipe = yaml.safe_load((clone / "recipes" / f"{name}.yaml").read_text("utf-8"))
    return json.dumps(
        [*recipe["evaluate"]["benchmarks"], {"name": "ifeval", "path": "benchmark-files/ifeval.jsonl"}]
    )


def joined(results: list[Figures]) -> Figures:
    """Means over the seeds; of the low ends, of time, of memory and of the gate what is worst."""
    worst: dict[str, Any] = {"minutes": max, "peak_gb": max, "gate_passed": all}
    out: Figures = {}
    for key in results[0]:
        values = [result[key] for result in results]
        known = [value for value in values if value is not None]
        join = worst.get(key, min if key.endswith("_low") else statistics.fmean)
        out[key] = join(known) if len(known) == len(values) else None
    return out


def check(recipe: str, ifeval: Path | None) -> str:
    """What would otherwise fail after minutes is said now; gives the commit that is measured, and whether more was changed."""
    loaded = load_recipe(recipe, ROOT / "recipes")
    os.environ.setdefault(FOLDER, str(ROOT / ".packages"))
    sources = [*loaded.evaluate.benchmarks]
    if isinstance(loaded.policy, PackageModel):
        policy = loaded.policy
        packaged_file(policy.distribution, policy.version, policy.file, policy.sha256, ROOT)
    for source in sources:
        if source.distribution:
            packaged_file(source.distribution, source.version, source.path, source.sha256, ROOT)
    if ifeval and not ifeval.is_file():
        raise InputError("there is no such file of IFEval's prompts.", file=ifeval)
    if git("status", "--porcelain"):
        print("what is not committed is not measured: the clones are of HEAD.", flush=True)
    return git("rev-parse", "HEAD")


def main() -> int:
    """Train each seed that has no result yet; 1 if one failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--ifeval", type=Path, help="IFEval's prompts, as its authors publish them")
    parser.add_argument("--recipe", default="smollm2")
    asked = parser.parse_args()
    try:
        commit = check(asked.recipe, asked.ifeval)
    except VerifError as error:
        parser.exit(2, f"{error}\n")
    home = HOME / f"{commit[:12]}-{asked.recipe}"
    home.mkdir(parents=True, exist_ok=True)
    results = []
    for seed in range(1, asked.seeds + 1):
        path = home / f"seed-{seed}.json"
        try:
            if not path.is_file():
                write_json(path, train(seed, asked.recipe, asked.ifeval, home))
        except InputError as error:
            print(f"seed {seed}: failed: {error}", flush=True)
            continue
        results.append(json.loads(path.read_text("utf-8")))
        print(f"seed {seed}: {json.dumps(results[-1])}", flush=True)
    print(json.dumps({"seeds": len(results), **(joined(results) if results else {})}))
    return int(len(results) < asked.seeds)


if __name__ == "__main__":
    sys.exit(main())
