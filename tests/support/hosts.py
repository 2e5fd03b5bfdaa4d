"""Other people's libraries, each in the environment that `scripts/hosts.sh` made for it; without it a test skips."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = ROOT / "tests" / "support" / "host_programs"


def environment(name: str) -> Path:
    """The folder of a host library's environment."""
    folder = ROOT / ".hosts" / name
    if not folder.is_dir():
        pytest.skip(f"{name} is not installed in {folder.relative_to(ROOT)}: scripts/hosts.sh {name}")
    return folder


def run(name: str, *line: object, timeout: float = 300, **env: str) -> str:
    """What a program prints in the last line, run with a host library: beside the lock's packages, or on its own."""
    folder = environment(name) if name else Path()
    own = folder / "bin" / "python"
    path = [ROOT, ROOT / "examples", *([] if not name or own.exists() else [folder])]
    done = subprocess.run(
        [str(own) if name and own.exists() else sys.executable, *map(str, line)],
        cwd=ROOT,
        env={
            **os.environ, "PYTHONPATH": os.pathsep.join(map(str, path)), "HF_HUB_OFFLINE": "1",
            "OMP_NUM_THREADS": "1", "VERIF_VERIFIER_URL": "", **env,
        },
        capture_output=True, text=True, timeout=timeout, check=False,
    )  # fmt: skip
    assert done.returncode == 0, f"{done.stdout[-1500:]}\n{done.stderr[-3000:]}"
    return done.stdout.strip()


def seen(name: str, program: str, *line: object, **options: Any) -> Any:
    """The JSON in the last line that a program of `tests/support/host_programs/` prints."""
    return json.loads(run(name, PROGRAMS / program, *line, **options).splitlines()[-1])
