"""`make bench-smollm2 [SEEDS=3] [IFEVAL=file]`: does a real model learn? The recipe `smollm2`, once for each seed.

Each seed is a clone of HEAD with caches of its own. Killed, the same command goes on. The last line is one JSON object;
null stands for what was not measured. Shares are greedy and strict; with several seeds they are means, and low ends the least.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil

from benchmarks.fresh import Run, clone_of_head
from benchmarks.main import ROOT
from verif.errors import InputError
from verif.system.files import write_json

HOME = ROOT / ".verif" / "bench-smollm2"
KEYS = {"held-back": "heldout", "ifeval": "ifeval", "ifbench": "ifbench"}
LOOK_S = 5.0
"""Seconds between two looks at what all processes of a run hold in memory."""
Figures = dict[str, float | None]


def figures(reports: Path, runs: Path) -> Figures:
    """What one finished run showed; `InputError` with the file if a report is missing or damaged."""
    path = reports / "evaluation.json"
    try:
        benchmarks = json.loads(path.read_text("utf-8"))["benchmarks"]
        out: Figures = {}
        for name, key in KEYS.items():
            scores = benchmarks.get(name)
            out[f"{key}_before"] = scores["before"]["greedy"]["value"] if scores else None
            out[f"{key}_after"] = scores["after"]["greedy"]["value"] if scores else None
            out[f"{key}_gain_low"] = scores["gain_greedy"]["low"] if scores else None
        control = benchmarks["held-back"].get("control_gain")
        out["control_gain"] = control["value"] if control else None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"cannot be read: {type(error).__name__}: {error}", file=path) from None
    out["relevance_drop"] = None  # no judge of relevance teaches or measures yet
    del out["ifbench_gain_low"]
    return out | speeds(runs)


def speeds(runs: Path) -> Figures:
    """Tokens per second of the update and of the generation, over all steps of the newest run."""
    steps = sorted(runs.glob("*/steps/step_*.json"), key=lambda path: path.stat().st_mtime)
    numbers = [json.loads(path.read_text("utf-8")) for path in steps]
    said = {}
    for key, seconds, tokens in (
        ("tokens_per_s_train", "timing_s/update_actor", "perf/total_num_tokens"),
        ("tokens_per_s_generate", "timing_s/gen", "response_length/mean"),
    ):
        whole = [n for n in numbers if seconds in n and tokens in n]
        count = sum(n[tokens] * (n["verif/rollouts"] if key.endswith("generate") else 1) for n in whole)
        said[key] = round(count / sum(n[seconds] for n in whole), 1) if whole else None
    return said


class TreePeak(threading.Thread):
    """The most that a process and all below it have held at a look, in GB (resident, shared pages counted once each)."""

    def __init__(self, process: psutil.Process) -> None:
        super().__init__(daemon=True)
        self.process, self.gigabytes, self.over = process, 0.0, threading.Event()

    def run(self) -> None:
        """Look until told to stop."""
        while not self.over.wait(LOOK_S):
            total = 0
            try:
                below = [self.process, *self.process.children(recursive=True)]
            except psutil.NoSuchProcess:
                return
            for process in below:
                try:
                    total += process.memory_full_info().pss
                except (psutil.NoSuchProcess, psutil.AccessDenied):
                    continue
            self.gigabytes = max(self.gigabytes, total / 1e9)


def train(run: Run, ifeval: Path | None, home: Path) -> Figures:
    """`verif run` in the run's clone; `InputError` with the log's place if it fails."""
    clone = clone_of_head(run, home)
    env = os.environ | {
        "PYTHONPATH": str(clone),
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }
    for name in ("MLFLOW_TRACKING_URI", "PREFECT_API_URL"):
        env.pop(name, None)
    line = [
        "verif",
        "run",
        "--recipe",
        "smollm2",
        "--set",
        f"train.seed={run.seed}",
        "--set",
        f"seed={run.seed}",
    ]
    if ifeval:
        benchmarks = clone / "benchmark-files"
        benchmarks.mkdir(exist_ok=True)
        (benchmarks / "ifeval.jsonl").write_bytes(ifeval.read_bytes())
        line += ["--set", f"evaluate.benchmarks={with_ifeval(clone)}"]
    log, began = home / f"{run.name}.log", time.monotonic()
    with log.open("ab") as stream:
        process = subprocess.Popen(line, cwd=clone, env=env, stdout=stream, stderr=subprocess.STDOUT)
        peak = TreePeak(psutil.Process(process.pid))
        peak.start()
        code = process.wait()
        peak.over.set()
    if code:
        raise InputError(f"verif run ended with {code}.", file=log)
    shown = figures(clone / "reports", clone / ".verif" / "runs")
    return {
        **shown,
        "minutes": round((time.monotonic() - began) / 60, 1),
        "peak_gb": round(peak.gigabytes, 1),
    }


def with_ifeval(clone: Path) -> str:
    """The recipe's benchmarks and IFEval's prompts, as a value of `--set`."""
    import yaml

    recipe = yaml.safe_load((clone / "recipes" / "smollm2.yaml").read_text("utf-8"))
    return json.dumps(
        [*recipe["evaluate"]["benchmarks"], {"name": "ifeval", "path": "benchmark-files/ifeval.jsonl"}]
    )


def joined(results: list[Figures]) -> Figures:
    """Means over the seeds; of the low ends, of time and of memory what is worst."""
    worst = {"minutes": max, "peak_gb": max}
    out: Figures = {}
    for key in results[0]:
        values = [result[key] for result in results]
        known = [value for value in values if value is not None]
        join = worst.get(key, min if key.endswith("_low") else statistics.fmean)
        out[key] = join(known) if len(known) == len(values) else None
    return out


def main() -> None:
    """Train each seed that has no result yet."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--ifeval", type=Path, help="IFEval's prompts, as its authors publish them")
    asked = parser.parse_args()
    HOME.mkdir(parents=True, exist_ok=True)
    results = []
    for seed in range(1, asked.seeds + 1):
        path = HOME / f"seed-{seed}.json"
        if not path.is_file():
            write_json(path, train(Run(seed, len(os.sched_getaffinity(0))), asked.ifeval, HOME))
        results.append(json.loads(path.read_text("utf-8")))
        print(f"seed {seed}: {results[-1]}", flush=True)
    print(json.dumps({"seeds": len(results), **joined(results)}))


if __name__ == "__main__":
    main()
