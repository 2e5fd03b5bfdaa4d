"""The project's own stages with commands that end at once: their order, files and parameters are the real ones."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml
from support.headlines import REFUSED

PICTURE = "<svg xmlns='http://www.w3.org/2000/svg' width='40' height='20'><rect width='40' height='20' fill='teal'/></svg>"


MADE: dict[str, Any] = {
    "reports/headline.json": REFUSED.as_json(),
    "reports/registration.json": {"model": "m", "version": "3", "alias": "champion"},
    "reports/train.json": {
        "accuracy": 0.75,
        "steps": 70,
        "reward": {"first": {"value": 0.3}, "last": {"value": 0.6}},
    },
    "reports/evaluation.json": {"many": {f"n{i:03}": i for i in range(900)}, "accuracy": 0.75},
}
ALARMS = {"alarms": [{"step": 41, "message": "the oracle calls 25% of accepted rollouts false"}], "steps": []}


def makes(out: str) -> str:
    """The shell line that makes a quick stage's output."""
    if not Path(out).suffix:
        more = f" && echo '{json.dumps(ALARMS)}' > {out}/alarms.json" if out == "reports/train" else ""
        return f'mkdir -p {out} && echo "{PICTURE}" > {out}/picture.svg{more}'
    content = MADE.get(out, {"accuracy": 0.75} if out.endswith(".json") else {})
    return f"mkdir -p {Path(out).parent} && echo '{json.dumps(content)}' > {out}"


def make_quick(folder: Path) -> None:
    """Stages that end at once: a number for each report, a picture in one folder; `train` is slow if asked."""
    path = folder / "dvc.yaml"
    raw = yaml.safe_load(path.read_text())
    for name, stage in raw["stages"].items():
        parts = [makes(out) for out in (*stage.get("outs", []), *stage.get("metrics", []))]
        if name == "train":
            parts.insert(
                0,
                "if grep -q 'steps: 9999' recipes/local.yaml; then echo $$ > $VERIF_HOME/train.pid; sleep 600; fi",
            )
        stage["cmd"] = "\n".join(parts)
        stage["deps"] = [dep.replace("verifier/identity.json", "verifier") for dep in stage["deps"]]
    path.write_text(yaml.safe_dump({"stages": raw["stages"]}, sort_keys=False))
    # A team's own data, as docs/gpu.md has it: a clone beside it gets it from the cache, any other from the remote.
    (folder / "rows.jsonl").write_text("{}\n")
    store = str(folder.parent / f"{folder.name}-remote")
    for line in (["add", "-q", "rows.jsonl"], ["remote", "add", "-q", "-d", "team", store], ["push", "-q"]):
        subprocess.run([sys.executable, "-m", "dvc", *line], cwd=folder, check=True)
    subprocess.run(["git", "add", "-A"], cwd=folder, check=True)
    git = ["git", "-c", "user.name=t", "-c", "user.email=t@t", "commit", "-qam", "quick stages"]
    subprocess.run(git, cwd=folder, check=True)
