"""The GPU's lock: made from what uv says, with a hash for each pin, and its differences from the laptop's are told."""

from __future__ import annotations

import runpy
import subprocess
import sys
from pathlib import Path

import pytest

MADE = runpy.run_path(str(Path(__file__).resolve().parents[2] / "scripts" / "gpu_lock.py"))
drift, pins, with_hashes = MADE["drift"], MADE["pins"], MADE["with_hashes"]

SAID = (
    "idna==3.20 \\\n    --hash=sha256:aa \\\n    --hash=sha256:bb\ntorch==2.11.0 \\\n    --hash=sha256:cc\n"
)


def test_pins_and_hashes_are_told_apart() -> None:
    new = pins(SAID)
    assert new == {"idna==3.20": "--hash=sha256:aa --hash=sha256:bb", "torch==2.11.0": "--hash=sha256:cc"}
    kept = with_hashes("idna==3.20 --hash=sha256:old\n", new)
    assert kept == "idna==3.20 --hash=sha256:old\ntorch==2.11.0 --hash=sha256:cc\n"


def test_a_package_in_two_versions_is_named() -> None:
    assert drift(["# idna==1", "idna==3.20", "torch==2.13.0+cpu"], ["idna==3.20", "torch==2.11.0"]) == [
        "torch: 2.13.0+cpu, 2.11.0"
    ]


def test_the_lock_holds_what_verl_pins(root: Path) -> None:
    lines = set((root / "locks" / "gpu.txt").read_text().split())
    assert {"verl==0.9.1", "torch==2.11.0", "vllm==0.24.0"} <= lines


@pytest.mark.slow
def test_the_lock_can_be_installed_with_its_hashes(root: Path, tmp_path: Path) -> None:
    """uv resolves every pin for the card's Python and downloads nothing; where no index is reachable nothing is known."""
    locked = tmp_path / "locked.txt"
    with locked.open("w") as out:
        subprocess.run([root / "scripts" / "locked.sh", root / "locks" / "gpu.txt"], stdout=out, check=True)
    line = [
        Path(sys.executable).with_name("uv"),
        "pip",
        "install",
        "--dry-run",
        "--no-deps",
        "--require-hashes",
    ]
    line += [
        "--python",
        sys.executable,
        "--python-version",
        "3.12",
        "--python-platform",
        "x86_64-manylinux_2_31",
    ]
    line += ["--target", tmp_path / "site", "-r", locked]
    done = subprocess.run(line, capture_output=True, text=True, timeout=300, check=False)
    if any(word in done.stderr for word in ("Failed to fetch", "error sending request", "dns error")):
        pytest.skip("no package index is reachable")
    assert done.returncode == 0, done.stderr
    pins = len(locked.read_text().splitlines())
    assert f"Would install {pins} packages" in done.stderr
    installed = [path.name for path in (tmp_path / "site").glob("*/METADATA")]
    assert not installed, "a dry run downloads and installs nothing"
