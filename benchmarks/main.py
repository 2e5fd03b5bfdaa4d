"""`make bench`: the main job from nothing, its memory, the run after it, the share of waiting, the gain.

Works in a clone of HEAD with caches of its own, so that nothing is restored. The last line is one JSON object:
`main_job_s`, `peak_gb`, `noop_s`, `reward_wait_share`, `gain_points` (the worst seed known for this commit).
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.memory import Peak

ROOT = Path(__file__).resolve().parents[1]
HOME = ROOT / ".verif" / "bench"


def fresh_clone(seed: int) -> Path:
    """A clone of HEAD without caches."""
    clone = HOME / f"seed-{seed}"
    shutil.rmtree(clone, ignore_errors=True)
    subprocess.run(["git", "clone", "--quiet", "--no-hardlinks", str(ROOT), str(clone)], check=True)
    return clone


def verif_run(clone: Path, *arguments: str) -> tuple[float, Peak]:
    """Seconds and memory of one `verif run` in the clone; ends this program if it fails."""
    env = os.environ | {
        "PYTHONPATH": str(clone),
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }
    env.pop("MLFLOW_TRACKING_URI", None)
    env.pop("PREFECT_API_URL", None)
    begun = time.monotonic()
    process = subprocess.Popen(["verif", "run", *arguments], cwd=clone, env=env)
    with Peak(f"{clone}|", process.pid) as peak:
        code = process.wait()
    if code != 0:
        sys.exit(f"verif run in {clone} ended with {code}")
    return time.monotonic() - begun, peak


def seeds_of(seed: int) -> list[str]:
    """The local recipe's seeds, all moved."""
    keys = ("seed", "policy.seed", "judge.seed", "train.seed")
    return [part for key in keys for part in ("--set", f"{key}={seed}")]


def git(*arguments: str) -> str:
    """What git says of this repository."""
    return subprocess.run(
        ["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.strip()


def remember(seed: int, gain: float) -> float:
    """The worst gain among the seeds measured for this commit."""
    commit = git("rev-parse", "HEAD")
    path = HOME / "gains.json"
    known: dict[str, dict[str, float]] = json.loads(path.read_text()) if path.is_file() else {}
    known.setdefault(commit, {})[str(seed)] = gain
    path.write_text(json.dumps(known, indent=2))
    return min(known[commit].values())


def show(clone: Path, seed: int) -> dict[str, Any]:
    """Print before and after with intervals; returns the evaluation."""
    evaluation: dict[str, Any] = json.loads((clone / "reports" / "evaluation.json").read_text())
    for name, numbers in evaluation["benchmarks"].items():
        print(f"seed {seed}, {name}, n = {numbers['n']}")
        for model in ("before", "after", "control"):
            if model in numbers:
                line = "  ".join(
                    f"{k} {numbers[model][k]['value']:.3f}"
                    for k in ("strict", "greedy")
                    if k in numbers[model]
                )
                form = [
                    f"{k} {numbers[model][k]['value']:.3f}"
                    for k in ("grammatical", "length", "unfinished")
                    if k in numbers[model]
                ]
                print(f"  {model:8} {line}  {'  '.join(form)}")
        for key in ("gain", "gain_greedy", "control_gain", "gain_over_control"):
            if key in numbers:
                cell = numbers[key]
                print(
                    f"  {key:18} {100 * cell['value']:+.1f} points [{100 * cell['low']:+.1f}, {100 * cell['high']:+.1f}]"
                )
    return evaluation


def main_job(seed: int) -> dict[str, float]:
    """One seed from nothing."""
    clone = fresh_clone(seed)
    seconds, peak = verif_run(clone, *seeds_of(seed))
    again, _ = verif_run(clone, *seeds_of(seed))
    evaluation = show(clone, seed)
    print("memory at the peak:")
    for name, size in sorted(peak.by_name.items(), key=lambda item: -item[1])[:12]:
        print(f"  {size:6.2f} GB  {name}")
    wait = json.loads((clone / "reports" / "train.json").read_text())["reward_wait_share"]["mean"]
    return {
        "main_job_s": round(seconds, 1),
        "peak_gb": round(peak.gb, 2),
        "noop_s": round(again, 1),
        "reward_wait_share": wait,
        "gain_points": round(remember(seed, float(evaluation["gain_points"])), 2),
    }


def main() -> None:
    """One seed, or several."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=1, help="how many, one after the other")
    parser.add_argument("--first", type=int, default=1, help="the first seed")
    arguments = parser.parse_args()
    HOME.mkdir(parents=True, exist_ok=True)
    seeds = range(arguments.first, arguments.first + arguments.seeds)
    results = [main_job(seed) for seed in seeds]
    for seed, result in zip(seeds[:-1], results, strict=False):
        print(f"seed {seed}: {json.dumps(result)}")
    print(json.dumps(results[-1] if len(results) == 1 else worst(results)))


def worst(results: list[dict[str, float]]) -> dict[str, float]:
    """Each key's worst value over the seeds."""
    return {key: (min if key == "gain_points" else max)(r[key] for r in results) for key in results[0]}


if __name__ == "__main__":
    main()
