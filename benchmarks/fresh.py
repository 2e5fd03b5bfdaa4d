"""`make bench-fresh`: ten fresh trainings of the local recipe. Does a newcomer's first run gain, on any machine?

Seeds 1 to 5, each twice: in order with two threads, then in reverse with one. Another number of threads changes the last
bits of sums, so the same seed ends elsewhere, as on another machine. Each run is a clone of HEAD with caches of its own.

Nobody has to be there: a run that fails is said and the next one begins. Killed, the same command goes on; a run that had
begun resumes where its pipeline stopped. The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.main import ROOT, seeds_of
from verif.errors import InputError
from verif.system.files import write_json

HOME = ROOT / ".verif" / "bench-fresh"
SEEDS = (1, 2, 3, 4, 5)
Figures = dict[str, Any]


@dataclass(frozen=True)
class Run:
    """One training: its seed, and how many threads train the tiny models."""

    seed: int
    threads: int

    @property
    def name(self) -> str:
        """Its folder and its key among the results."""
        return f"seed-{self.seed}-threads-{self.threads}"


RUNS = (*(Run(seed, 2) for seed in SEEDS), *(Run(seed, 1) for seed in reversed(SEEDS)))


def figures(clone: Path) -> Figures:
    """What one finished run showed; `InputError` with the file if a report lacks something."""
    reports: dict[str, Any] = {}
    for name in ("evaluation", "registration", "train"):
        path = clone / "reports" / f"{name}.json"
        try:
            reports[name] = json.loads(path.read_text("utf-8"))
        except (OSError, ValueError) as error:
            raise InputError(f"no report: {error}", file=path) from None
    try:
        headline = reports["evaluation"]["benchmarks"]["world-test"]
        before, after = (headline[model]["grammatical"]["value"] for model in ("before", "after"))
        return {
            "gain": round(100 * headline["gain"]["value"], 1),
            "gain_low": round(100 * headline["gain"]["low"], 1),
            "greedy": round(100 * headline["gain_greedy"]["value"], 1),
            "grammar_drop": round(100 * (before - after), 1),
            "false_accepted": reports["train"]["false_accepted_max"],
            "repairs": len(reports["train"]["teachers"]) - 1,
            "exported": reports["train"]["exported"]["step"],
            "ended": reports["train"]["ended"],
            "gate_passed": bool(reports["registration"]["gate"]["passed"]),
        }
    except (KeyError, TypeError) as error:
        raise InputError(f"the reports lack {error}", file=clone / "reports") from None


def clone_of_head(run: Run, home: Path) -> Path:
    """The run's clone; one that is whole is used again."""
    clone = home / run.name
    if not clone.is_dir():
        half = home / f".{run.name}.tmp"
        shutil.rmtree(half, ignore_errors=True)
        subprocess.run(["git", "clone", "--quiet", "--no-hardlinks", str(ROOT), str(half)], check=True)
        half.replace(clone)
    return clone


def train(run: Run, home: Path) -> Figures:
    """`verif run` in the run's clone; `InputError` with the log's place if it fails."""
    clone = clone_of_head(run, home)
    env = os.environ | {
        "PYTHONPATH": str(clone),
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "VERIF_THREADS": str(run.threads),
    }
    for name in ("MLFLOW_TRACKING_URI", "PREFECT_API_URL"):
        env.pop(name, None)
    log, began = home / f"{run.name}.log", time.monotonic()
    with log.open("ab") as stream:
        done = subprocess.run(
            ["verif", "run", *seeds_of(run.seed)], cwd=clone, env=env, stdout=stream, stderr=subprocess.STDOUT
        )
    if done.returncode:
        raise InputError(f"verif run ended with {done.returncode}.", file=log)
    return {**figures(clone), "seconds": round(time.monotonic() - began)}


def known(path: Path) -> dict[str, Figures]:
    """The results so far; `InputError` if the file is damaged."""
    try:
        kept: dict[str, Figures] = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise InputError(f"not JSON: {error}", file=path, hint="Remove it to begin again.") from None
    return kept


def measure(home: Path, runs: Iterable[Run], once: Callable[[Run, Path], Figures]) -> dict[str, Figures]:
    """The results of all runs that did not fail; each is kept as soon as it is there and not made again."""
    home.mkdir(parents=True, exist_ok=True)
    results = known(home / "results.json")
    for number, run in enumerate(runs, 1):
        if run.name in results:
            continue
        try:
            results[run.name] = once(run, home)
        except InputError as error:
            print(f"run {number}, {run.name}: failed: {error}", flush=True)
            continue
        write_json(home / "results.json", results)
        print(f"run {number}, {run.name}: {json.dumps(results[run.name])}", flush=True)
    return results


def together(results: Iterable[Figures]) -> dict[str, Any]:
    """One object over all runs: points are of 100; `gained` counts gains whose interval lies above 0."""
    rows = list(results)
    if not rows:
        return {"runs": 0}
    return {
        "runs": len(rows),
        "gained": sum(row["gain_low"] > 0 for row in rows),
        "worst_gain": min(row["gain"] for row in rows),
        "median_gain": statistics.median(row["gain"] for row in rows),
        "worst_greedy": min(row["greedy"] for row in rows),
        "median_greedy": statistics.median(row["greedy"] for row in rows),
        "worst_grammar_drop": max(row["grammar_drop"] for row in rows),
        "false_accepted_max": max(row["false_accepted"] for row in rows),
        "repairs": sum(row["repairs"] for row in rows),
        "gate_passed": sum(row["gate_passed"] for row in rows),
    }


def main() -> int:
    """All runs, or the first `--runs` of them; 1 if one failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=len(RUNS), help="how many of the ten, in their order")
    runs = RUNS[: parser.parse_args().runs]
    commit = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.strip()
    results = measure(HOME / commit[:12], runs, train)
    done = [results[run.name] for run in runs if run.name in results]
    print(json.dumps(together(done)))
    return int(len(done) < len(runs))


if __name__ == "__main__":
    sys.exit(main())
