"""A project of its own, driven through `verif stage`, whose models and runs are small."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import yaml

RECIPE: dict[str, Any] = {
    "name": "tiny",
    "seed": 1,
    "data": {
        "kind": "world", "train": 200, "validation": 8, "test": 8, "unseen": 8, "golden": 20,
        "policy_pairs": 4000, "judge_pairs": 4000,
    },
    "policy": {"kind": "scratch", "steps": 250},
    "judge": {"kind": "scratch", "steps": 400, "seed": 1},
    "verifier": {"formula": "average", "prompt": "local", "judge_deadline_s": 6},
    "train": {
        "steps": 4, "prompts_per_step": 6, "rollouts_per_prompt": 4, "save_every": 2, "validate_every": 4,
        "step_timeout_s": 240, "max_error_share": 1.0, "seed": 3,
        "watch": {"on_alarm": "warn"},  # so small a judge is fooled by anything
    },
}  # fmt: skip


class Project:
    """A project folder of its own, driven through `verif stage`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.env = {
            **os.environ,
            "VERIF_IDLE_S": "20",
            "HF_HUB_OFFLINE": "1",
            "OMP_NUM_THREADS": "1",
        }
        self.env.pop("MLFLOW_TRACKING_URI", None)

    def recipe(self, **train: Any) -> None:
        (self.root / "recipes").mkdir(exist_ok=True)
        text = yaml.safe_dump({**RECIPE, "train": {**RECIPE["train"], **train}})
        (self.root / "recipes" / "tiny.yaml").write_text(text)
        (self.root / "params.yaml").write_text("recipe: tiny\ndata: none\n")

    def start(self, stage: str) -> subprocess.Popen[str]:
        log = (self.root / f"{stage}.log").open("w")
        line = [sys.executable, "-c", "from verif.cli.app import main; main()", "stage", stage]
        return subprocess.Popen(
            line,
            cwd=self.root,
            env=self.env,
            stdout=log,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def run(self, stage: str, seconds: float = 600) -> str:
        assert self.start(stage).wait(seconds) == 0, self.log(stage)
        return self.log(stage)

    def log(self, stage: str) -> str:
        return (self.root / f"{stage}.log").read_text()[-4000:]

    @property
    def runs(self) -> list[Path]:
        return sorted((self.root / ".verif" / "runs").glob("*"), key=lambda path: path.stat().st_mtime)

    def reached(self, step: int) -> bool:
        """Whether an unfinished run has done a step."""
        return any(
            (run / "steps" / f"step_{step:06d}.json").is_file() and not (run / "finished.json").is_file()
            for run in self.runs
        )

    def wait(self, process: subprocess.Popen[str], until: Callable[[], Any], seconds: float = 400) -> None:
        end = time.monotonic() + seconds
        while not until():
            assert process.poll() is None, self.log("train")
            assert time.monotonic() < end, self.log("train")
            time.sleep(0.05)

    def served(self) -> int:
        """Rollouts that the verifier service has verified, by its own metrics."""
        (lease,) = self.root.rglob("lease.json")
        with urllib.request.urlopen(f"{json.loads(lease.read_text())['url']}/metrics") as answer:
            lines = answer.read().decode().splitlines()
        return sum(
            int(float(line.split()[-1])) for line in lines if line.startswith("verif_verifications_total")
        )

    def judges(self) -> list[psutil.Process]:
        """vLLM processes that serve the judge."""
        folder = str(self.root / "models" / "judge")
        return [process for process in self.processes() if folder in _command(process)]

    def trainers(self) -> list[psutil.Process]:
        """veRL's processes."""
        return [process for process in self.processes() if "verl" in _command(process)]

    def processes(self) -> list[psutil.Process]:
        """Whatever runs with this project's folder in its command line or environment."""
        found = []
        for process in psutil.process_iter():
            try:
                text = " ".join(process.cmdline()) + process.environ().get("VERIF_RUN_FOLDER", "")
            except (psutil.Error, OSError):
                continue
            if str(self.root) in text and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        return found


def _command(process: psutil.Process) -> str:
    """Its command line; nothing of one that has ended meanwhile."""
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""
