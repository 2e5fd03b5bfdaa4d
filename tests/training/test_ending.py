"""Told to end on a cluster: a checkpoint if the time is enough for it, and otherwise the end at once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from verif.training.ending import grace, seconds_needed
from verif.training.progress import RunFolder


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    return RunFolder(tmp_path / "run")


def test_the_time_needed_is_the_rest_of_the_step_and_the_saving(folder: RunFolder) -> None:
    assert seconds_needed(folder, time.time()) is None
    folder.beat("step 1")
    assert seconds_needed(folder, time.time()) is None, "no step has shown how long it takes"
    folder.write_step(1, {"verif/step_s": 40.0, "timing_s/save_checkpoint": 8.0})
    folder.write_step(2, {"verif/step_s": 30.0})
    folder.beat("step 3")
    begun = folder.heartbeat()[1]
    assert seconds_needed(folder, begun) == pytest.approx(48)
    assert seconds_needed(folder, begun + 30) == pytest.approx(18)
    assert seconds_needed(folder, begun + 90) == pytest.approx(8)
    folder.beat("validation")
    assert seconds_needed(folder, begun) is None


def test_on_one_machine_nobody_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VERIF_GRACE_S", raising=False)
    assert grace() == 0


SUPERVISOR = """
import sys; from pathlib import Path
from verif.training import supervise; from verif.training.command import CommandLine
from verif.training.progress import RunFolder
folder = RunFolder(Path({path!r}))
code = '''
import sys, time
from pathlib import Path
from verif.errors import TrainingError
from verif.training.progress import RunFolder
folder = RunFolder(Path.cwd())
for n in range(1, 999):
    folder.beat(f"step {{n}}")
    time.sleep({takes} if n > 2 else 0.3)
    folder.write_step(n, {{"verif/step_s": {takes}}})
    if folder.asked_to_end():
        Path("saved").write_text(str(n))
        folder.fail(TrainingError("told to end"))
        sys.exit(1)
'''
job = CommandLine(("-c", code), {{"PYTHONPATH": {here!r}}})
with supervise.claim(folder):
    supervise.run(lambda _: job, folder, steps=999, step_timeout_s=60)
"""


@pytest.mark.slow
@pytest.mark.parametrize(("takes", "saves"), [(0.5, True), (300.0, False)])
def test_sigterm_brings_a_checkpoint_where_there_is_time(
    folder: RunFolder, tmp_path: Path, takes: float, saves: bool
) -> None:
    script = tmp_path / "supervise.py"
    script.write_text(SUPERVISOR.format(path=str(folder.path), takes=takes, here=str(Path.cwd())))
    env = os.environ | {"VERIF_GRACE_S": "20"}
    process = subprocess.Popen([sys.executable, str(script)], env=env, stdout=subprocess.PIPE, text=True)
    end = time.monotonic() + 60
    while len(folder.done()) < 2 and time.monotonic() < end:
        time.sleep(0.05)
    time.sleep(0.5)  # a third step has begun
    process.send_signal(signal.SIGTERM)
    began = time.monotonic()
    out, _ = process.communicate(timeout=60)
    assert process.returncode != 0
    assert (folder.path / "saved").exists() == saves
    assert ("a checkpoint first" in out) == saves
    if not saves:
        assert time.monotonic() - began < 15, "it waited for a step that cannot end in time"
    assert not (folder.path / "holder.json").exists(), "its successor would wait for it"
    folder.clear_failure()
    assert not folder.asked_to_end(), "the next attempt would end after its first step"
