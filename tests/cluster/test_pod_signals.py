"""A stage's pod that is told to end: process 1 passes SIGTERM on, everything ends, and well within the grace."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from verif.cluster.config import Cluster
from verif.cluster.jobs import job
from verif.cluster.pod_signals import CHECKPOINT_S, END_S, run_group
from verif.cluster.request import StageRequest

ROOT = Path(__file__).resolve().parents[2]
CHILD = """
import signal, sys, time
from pathlib import Path
def end(*_):
    Path("told").write_text("SIGTERM")
    sys.exit(0)
signal.signal(signal.SIGTERM, end)
Path("ready").touch()
time.sleep(600)
"""
POD = """
import sys
from pathlib import Path
from verif.cluster import inside_pod
inside_pod.read_assignment = lambda _: None
inside_pod.run = lambda _: inside_pod._run("sh", "-c", f'"{sys.executable}" child.py; true', cwd=Path.cwd())
inside_pod.main()
"""


def wait_for(path: Path) -> None:
    end = time.monotonic() + 60
    while not path.exists():
        assert time.monotonic() < end, f"{path.name} never appeared"
        time.sleep(0.05)


def as_process_1() -> list[str]:
    """A prefix that runs a command as process 1 of its own process namespace, as a container does."""
    line = ["bwrap", "--unshare-pid", "--as-pid-1", "--bind", "/", "/", "--dev", "/dev", "--proc", "/proc"]
    if (
        not shutil.which("bwrap")
        or subprocess.run([*line, "true"], check=False, capture_output=True).returncode
    ):
        pytest.skip("bubblewrap is not installed or not allowed here")
    return line


@pytest.mark.slow
def test_process_1_passes_sigterm_on_and_ends(tmp_path: Path) -> None:
    (tmp_path / "child.py").write_text(CHILD)
    pod = subprocess.Popen(
        [*as_process_1(), sys.executable, "-c", POD], cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(ROOT)},
        stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    wait_for(tmp_path / "ready")
    inside = psutil.Process(pod.pid).children(recursive=True)
    first = next(p for p in inside if p.ppid() == pod.pid)
    began = time.monotonic()
    first.send_signal(signal.SIGTERM)
    _, said = pod.communicate(timeout=30)
    assert time.monotonic() - began < 20
    assert (tmp_path / "told").read_text() == "SIGTERM"
    assert pod.returncode == 143
    assert said.strip().splitlines()[-1].startswith("verif: the pod was told to end (SIGTERM)")
    assert not any(p.is_running() and p.status() != psutil.STATUS_ZOMBIE for p in inside)


@pytest.mark.slow
def test_who_does_not_listen_is_killed_when_the_time_is_over(tmp_path: Path) -> None:
    stubborn = "import signal, time, pathlib; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
    stubborn += "pathlib.Path('ready').touch(); time.sleep(600)"
    outer = (
        "import sys; from pathlib import Path; from verif.cluster.pod_signals import *\n"
        "with endable(): run_group([sys.executable, '-c', sys.argv[1]], Path.cwd(), None, 1.0)"
    )
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(
        [sys.executable, "-c", outer, stubborn], cwd=tmp_path, env=env, stderr=subprocess.DEVNULL
    )
    wait_for(tmp_path / "ready")
    (child,) = psutil.Process(process.pid).children()
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) != 0
    assert not child.is_running()


def test_the_last_line_becomes_the_reason_and_all_are_passed_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, last = run_group(["sh", "-c", "echo first >&2; echo verif: no data >&2; exit 2"], tmp_path)
    assert (code, last) == (2, "verif: no data")
    assert capsys.readouterr().err == "first\nverif: no data\n"


def test_the_times_fit_into_the_pods_grace(request_: StageRequest, cluster: Cluster) -> None:
    grace = job(request_, cluster)["spec"]["template"]["spec"]["terminationGracePeriodSeconds"]
    assert CHECKPOINT_S + 20 < END_S
    assert grace > END_S + 15
