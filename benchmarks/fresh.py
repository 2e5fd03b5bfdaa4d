"""`make bench-fresh`: ten fresh trainings of the local recipe. Does a newcomer's first run gain, on any machine?

Seeds 1 to 5, each twice: in order with one thread, then in reverse with two. Another number of threads changes the last
bits of sums, so the same seed ends elsewhere, as on another machine. Each run is a clone with caches of its own, of the commit
that was HEAD when the first run of this code began: whatever is committed meanwhile changes nothing.

Nobody has to be there: a run that fails is said and the next one begins. Killed, the same command goes on; a run that had
begun resumes where its pipeline stopped. The last line is one JSON object.

`PLANTED=1`: five runs whose judge is the old one, neither hardened nor pressed. Does training notice, and repair it?
`AT_ONCE=2`: so many runs beside each other. `FRESH=FILE`: finished runs are added to a file of JSON lines, with the machine,
and those that stand in it for the same code count as done: ten runs may be those of several machines.
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
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from threading import Lock
from typing import Any

from benchmarks.main import ROOT, git, seeds_of
from verif.errors import InputError
from verif.registry.runs.lineage import hardware
from verif.system.files import digest, write_json

HOME = ROOT / ".verif" / "bench-fresh"
SEEDS = (1, 2, 3, 4, 5)
Figures = dict[str, Any]


@dataclass(frozen=True)
class Run:
    """One training: its seed, and how many threads train the tiny models."""

    seed: int
    threads: int
    planted: bool = False

    @property
    def name(self) -> str:
        """Its folder and its key among the results."""
        return f"{'planted-' if self.planted else ''}seed-{self.seed}-threads-{self.threads}"

    @property
    def arguments(self) -> list[str]:
        """What `verif run` is told."""
        changed = PLANTED if self.planted else {}
        return [
            *seeds_of(self.seed),
            *(p for key, value in changed.items() for p in ("--set", f"{key}={value}")),
        ]


PLANTED = {
    "judge.layers": "2", "judge.harden": "null", "verifier.pressure": "null",
    "verifier.gate.min_recall_false": "0.5", "train.watch.on_alarm": "repair",
}  # fmt: skip
"""A judge as before there was any hardening, and an audit that lets it teach: what is left is the watch."""
DECIDES = ("verif", "recipes/local.yaml", "dvc.yaml", "locks/local.txt")
"""What a run's outcome depends on: results are kept for these contents, whatever else a commit changes."""
RUNS = (*(Run(seed, 1) for seed in SEEDS), *(Run(seed, 2) for seed in reversed(SEEDS)))


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


def commit_of(home: Path) -> str:
    """The commit that all runs of a code are clones of: HEAD when it is asked for first."""
    path = home / "commit"
    if not path.is_file():
        home.mkdir(parents=True, exist_ok=True)
        path.write_text(git("rev-parse", "HEAD"))
    return path.read_text()


def clone_of(run: Run, home: Path) -> Path:
    """The run's clone; one that is whole is used again."""
    clone = home / run.name
    if not clone.is_dir():
        half = home / f".{run.name}.tmp"
        shutil.rmtree(half, ignore_errors=True)
        subprocess.run(["git", "clone", "--quiet", "--no-hardlinks", str(ROOT), str(half)], check=True)
        commit = commit_of(home)
        if subprocess.run(["git", "reset", "--quiet", "--hard", commit], cwd=half, check=False).returncode:
            raise InputError(
                f"{commit[:12]} is no commit here.",
                file=home / "commit",
                hint="Without this file it is HEAD.",
            )
        half.replace(clone)
    return clone


def train(run: Run, home: Path) -> Figures:
    """`verif run` in the run's clone; `InputError` with the log's place if it fails."""
    clone = clone_of(run, home)
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
            ["verif", "run", *run.arguments], cwd=clone, env=env, stdout=stream, stderr=subprocess.STDOUT
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


def measure(
    home: Path,
    runs: Iterable[Run],
    once: Callable[[Run, Path], Figures],
    at_once: int = 1,
    tell: Callable[[dict[str, Figures]], None] | None = None,
) -> dict[str, Figures]:
    """The results of all runs that did not fail; each is kept as soon as it is there and not made again.

    `tell` gets all results after each run.
    """
    home.mkdir(parents=True, exist_ok=True)
    results, lock = known(home / "results.json"), Lock()

    def finish(number: int, run: Run) -> None:
        try:
            made = once(run, home)
        except InputError as error:
            print(f"run {number}, {run.name}: failed: {error}", flush=True)
            return
        with lock:
            results[run.name] = made
            write_json(home / "results.json", results)
            if tell:
                tell(results)
        print(f"run {number}, {run.name}: {json.dumps(made)}", flush=True)

    left = [(number, run) for number, run in enumerate(runs, 1) if run.name not in results]
    with ThreadPoolExecutor(at_once) as pool:
        list(pool.map(lambda both: finish(*both), left))
    return results


def decided() -> str:
    """A digest of what a run's outcome depends on, in HEAD."""
    return digest([git("rev-parse", f"HEAD:{name}") for name in DECIDES])[:12]


def elsewhere(file: Path, code: str) -> dict[str, Figures]:
    """Finished runs of this code that stand in a file; `InputError` with the row if it is damaged."""
    out: dict[str, Figures] = {}
    for row, line in enumerate(file.read_text("utf-8").splitlines() if file.is_file() else [], 1):
        try:
            told = json.loads(line)
            if told["code"] == code:
                out[str(told["run"])] = dict(told["figures"])
        except (ValueError, KeyError, TypeError) as error:
            raise InputError(f"no finished run: {error}", file=file, row=row) from None
    return out


def noted(file: Path, code: str, commit: str, results: dict[str, Figures]) -> None:
    """Add to the file what it does not hold yet."""
    there, day = elsewhere(file, code), datetime.now(UTC).date().isoformat()
    where = {"machine": hardware(), "commit": commit[:12]}
    with file.open("a", encoding="utf-8") as stream:
        for name, made in sorted(results.items()):
            if name not in there:
                line = {"code": code, "run": name, "date": day, **where, "figures": made}
                stream.write(json.dumps(line) + "\n")


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
    parser.add_argument("--runs", type=int, default=len(RUNS), help="how many of them, in their order")
    parser.add_argument("--planted", action="store_true", help="five runs with a judge that can be fooled")
    parser.add_argument("--at-once", type=int, default=1, help="so many runs beside each other")
    parser.add_argument("--file", type=Path, help="JSON lines of finished runs, read and added to")
    asked = parser.parse_args()
    chosen: Sequence[Run] = [Run(seed, 1, planted=True) for seed in SEEDS] if asked.planted else RUNS
    runs, code = chosen[: asked.runs], decided()
    if git("status", "--porcelain", "--", *DECIDES):
        print("what is not committed is not measured: the clones are of a commit.", flush=True)
    commit = commit_of(HOME / code)
    there = elsewhere(asked.file, code) if asked.file else {}
    tell = partial(noted, asked.file, code, commit) if asked.file else None
    own = measure(HOME / code, [run for run in runs if run.name not in there], train, asked.at_once, tell)
    results = own | there
    done = [results[run.name] for run in runs if run.name in results]
    print(json.dumps(together(done)))
    return int(len(done) < len(runs))


if __name__ == "__main__":
    sys.exit(main())
