"""The supervisor against runs that fail in the ways veRL's do; the commands stand in for veRL's only."""

from __future__ import annotations

import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from verif.errors import BusyError, TrainingError
from verif.training import supervise
from verif.training.command import CommandLine
from verif.training.progress import RunFolder

HEAD = """
import sys, time
from pathlib import Path
from verif.errors import TrainingError
from verif.training.progress import RunFolder
folder = RunFolder(Path.cwd())
folder.beat("starting")
def step(n):
    folder.beat(f"step {n}")
    folder.write_step(n, {"verif/step_s": 1.5, "verif/reward_mean": 0.5})
"""


def run(folder: RunFolder, code: str, steps: int = 2, timeout: float = 60) -> None:
    job = CommandLine(("-c", HEAD + textwrap.dedent(code)), {"PYTHONPATH": str(Path.cwd())})
    with supervise.claim(folder):
        supervise.run(lambda _: job, folder, steps=steps, step_timeout_s=timeout)


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    return RunFolder(tmp_path / "run")


@pytest.mark.slow
def test_a_good_run_shows_step_reward_and_seconds_left(
    folder: RunFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    run(folder, "step(1); time.sleep(0.6); step(2); time.sleep(0.6)")
    out = capsys.readouterr().out
    assert "step 1/2 reward 0.50 2 s left" in out
    assert "step 2/2 reward 0.50 0 s left" in out


@pytest.mark.slow
def test_a_run_that_hangs_ends_within_its_time_with_the_phase_and_the_log(
    folder: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervise, "START_S", 60.0)
    began = time.monotonic()
    with pytest.raises(TrainingError, match=r"hangs: nothing has happened for 1 s \(last: step 1\)") as error:
        run(folder, "step(1); time.sleep(600)", timeout=1)
    assert time.monotonic() - began < 60
    assert str(folder.log) in str(error.value)


@pytest.mark.slow
def test_the_trainers_own_error_is_the_message(folder: RunFolder) -> None:
    with pytest.raises(TrainingError, match=r"31% have no reward. Repair the judge"):
        run(folder, "folder.fail(TrainingError('31% have no reward.', 'Repair the judge.')); sys.exit(1)")


@pytest.mark.slow
def test_a_crash_shows_its_last_exception_and_where_to_resume(folder: RunFolder) -> None:
    with pytest.raises(TrainingError, match=r"exit code 1 .*ValueError: no such layer.*resumes from step 0"):
        run(folder, "raise ValueError('no such layer')")


@pytest.mark.slow
def test_an_early_end_without_an_error_is_an_error(folder: RunFolder) -> None:
    with pytest.raises(TrainingError, match=r"ended with exit code 0"):
        run(folder, "step(1)")


def test_only_one_process_trains_in_a_folder(folder: RunFolder) -> None:
    with supervise.claim(folder), pytest.raises(BusyError, match="another process is training"):
        run(folder, "step(1)")


@pytest.mark.slow
def test_sigterm_ends_the_run_before_the_supervisor(folder: RunFolder, tmp_path: Path) -> None:
    script = tmp_path / "supervise.py"
    script.write_text(
        "import sys; from pathlib import Path\n"
        "from verif.training import supervise; from verif.training.command import CommandLine\n"
        "from verif.training.progress import RunFolder\n"
        f"folder = RunFolder(Path({str(folder.path)!r}))\n"
        f"job = CommandLine(('-c', {HEAD + 'step(1); time.sleep(600)'!r}), {{'PYTHONPATH': {str(Path.cwd())!r}}})\n"
        "with supervise.claim(folder):\n"
        "    supervise.run(lambda _: job, folder, steps=2, step_timeout_s=60)\n"
    )
    process = subprocess.Popen([sys.executable, str(script)], stderr=subprocess.PIPE)
    end = time.monotonic() + 30
    while not folder.done() and time.monotonic() < end:
        time.sleep(0.05)
    marker = (folder.path / "attempt").read_text().splitlines()[0]
    assert supervise.guard.marked(marker)
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) != 0
    assert supervise.guard.marked(marker) == []
    assert not (folder.path / "attempt").exists()


def test_the_cause_is_found_in_rays_output() -> None:
    name = "\x1b[36m(TaskRunnerV1 pid=1)\x1b[0m"
    log = f"{name} Traceback\n{name} OSError: No space left on device\nbye\n"
    assert supervise.cause(log) == "OSError: No space left on device"
    assert supervise.cause("") == "no output"


@pytest.mark.slow
def test_each_attempt_has_a_token_that_only_its_owner_reads_and_that_goes_with_it(folder: RunFolder) -> None:
    seen = folder.path.parent / "seen"
    code = f"""
    import os
    token = Path("ray-token")
    key = os.environ["VLLM_API_KEY"]
    with open({str(seen)!r}, "a") as stream:
        print(oct(token.stat().st_mode & 0o777), oct(Path(".").stat().st_mode & 0o777), token.read_text(), key, file=stream)
    step(1); step(2)
    """
    for _ in range(2):
        run(folder, code)
        assert not (folder.path / "ray-token").exists()
    (one, two) = [line.split() for line in seen.read_text().splitlines()]
    assert one[:2] == two[:2] == ["0o600", "0o700"]
    assert len({*one[2:], *two[2:]}) == 4
    assert min(len(secret) for secret in one[2:]) >= 40
