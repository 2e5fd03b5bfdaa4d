"""Makes locks/gpu.txt: the whole stack on one NVIDIA GPU, by veRL's own pins (Python 3.12). `make gpu-lock`.

The pins' hashes go into locks/hashes.txt. Packages that the laptop's lock has in another version are shown: results of the
two are then compared with care.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LOCKS = ROOT / "locks"
WANTED = "verl[vllm]==0.9.1\n"
TITLE = "# The stack of one NVIDIA GPU, Python 3.12, by veRL's own pins: `make gpu-lock`. Not for .venv, which is the laptop's.\n"


def compiled() -> str:
    """What uv resolves for Linux x86-64, with hashes."""
    with tempfile.TemporaryDirectory() as folder:
        extra, out = Path(folder, "extra.in"), Path(folder, "gpu.txt")
        extra.write_text(WANTED)
        line = [str(ROOT / ".venv/bin/uv"), "pip", "compile", str(ROOT / "pyproject.toml"), str(extra)]
        line += ["--extra", "train", "--extra", "pipeline", "--python-version", "3.12", "--generate-hashes"]
        line += ["--python-platform", "x86_64-manylinux_2_31", "--no-header", "--no-annotate", "--quiet"]
        subprocess.run([*line, "--output-file", str(out)], check=True, cwd=ROOT)
        return out.read_text()


def pins(text: str) -> dict[str, str]:
    """Pin to its hashes, from uv's lines that end in a backslash."""
    out = {}
    for line in text.replace("\\\n", " ").splitlines():
        pin, *rest = line.split()
        if "==" in pin:
            out[pin] = " ".join(part for part in rest if part.startswith("--hash="))
    return out


def with_hashes(known: str, new: dict[str, str]) -> str:
    """locks/hashes.txt with these pins too; a pin that stands there keeps its line."""
    lines = {line.split(" ", 1)[0]: line for line in known.splitlines()}
    for pin, hashes in new.items():
        lines.setdefault(pin, f"{pin} {hashes}")
    return "\n".join(sorted(lines.values())) + "\n"


def drift(local: list[str], other: list[str]) -> list[str]:
    """Packages of both locks in different versions, as "name: here, there"."""
    versions = [
        dict(pin.split("==", 1) for pin in lock if "==" in pin and pin[0] != "#") for lock in (local, other)
    ]
    both = sorted(versions[0].keys() & versions[1].keys())
    return [
        f"{name}: {versions[0][name]}, {versions[1][name]}"
        for name in both
        if versions[0][name] != versions[1][name]
    ]


def main() -> None:
    """Write both files, and say how the locks differ."""
    new = pins(compiled())
    (LOCKS / "gpu.txt").write_text(TITLE + "".join(f"{pin}\n" for pin in sorted(new)))
    hashes = LOCKS / "hashes.txt"
    hashes.write_text(with_hashes(hashes.read_text(), new))
    local = (LOCKS / "local.txt").read_text().splitlines()
    sys.stdout.write("local.txt and gpu.txt differ in\n" + "\n".join(drift(local, sorted(new))) + "\n")


if __name__ == "__main__":
    main()
