"""The GPU's lock: made from what uv says, with a hash for each pin, and its differences from the laptop's are told."""

from __future__ import annotations

import runpy
from pathlib import Path

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
