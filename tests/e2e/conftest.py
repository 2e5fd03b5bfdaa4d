"""A fresh clone of the project, with this environment's packages and nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def clone(tmp_path_factory: pytest.TempPathFactory, root: Path) -> Path:
    """The committed state; no cache, no registry, no model."""
    folder = tmp_path_factory.mktemp("clone") / "verif"
    subprocess.run(["git", "clone", "--quiet", "--no-hardlinks", str(root), str(folder)], check=True)
    return folder


@pytest.fixture(scope="session")
def env(clone: Path) -> dict[str, str]:
    """This environment's commands on the clone's code."""
    kept = {
        k: v
        for k, v in os.environ.items()
        if k not in ("MLFLOW_TRACKING_URI", "PREFECT_API_URL", "VERIF_RUN")
    }
    return kept | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(clone),
        "DVC_NO_ANALYTICS": "1",
    }
