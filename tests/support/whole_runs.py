"""`verif run` in a clone, as a person types it."""

from __future__ import annotations

import subprocess
from pathlib import Path


def run(
    clone: Path, env: dict[str, str], *arguments: str, timeout: float = 1500
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["verif", "run", *arguments],
        cwd=clone,
        env=env,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
