"""`verif gc` names what may go, removes it only when told to, and never what a run or a service still holds."""

import fcntl
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from verif.cli.app import app
from verif.pipeline import leftovers as module
from verif.pipeline.leftovers import Policy, leftovers, remove
from verif.service import users

LONG_AGO = time.time() - 100 * 86400


def age(path: Path, when: float) -> None:
    for one in [*path.rglob("*"), path]:
        os.utime(one, (when, when), follow_symlinks=False)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Four finished runs and a stopped one, answers, a fetched model, a lease: all long ago."""
    monkeypatch.setattr(module, "_in_use", list)
    root = tmp_path / "project"
    root.mkdir()
    (root / "params.yaml").write_text("recipe: local\ndata: verif/data/world\n")
    state = root / ".verif"
    for number in range(5):
        run = state / "runs" / f"run{number}"
        (run / "checkpoints").mkdir(parents=True)
        (run / "checkpoints" / "weights").write_bytes(b"w" * 1000)
        (run / "lock").touch()
        if number < 4:
            (run / "finished.json").write_text("{}")
        age(run, LONG_AGO + number)
    for name in (
        "evaluate/answers-1.jsonl",
        "served/0123/model",
        "leases/0123/service.log",
        "logs/train.log",
    ):
        path = state / name
        path.parent.mkdir(parents=True)
        path.write_bytes(b"x" * 10)
    (state / "verdicts").mkdir()
    (state / "verdicts" / "store").write_bytes(b"v")
    age(state, LONG_AGO)
    for number in range(5):
        age(state / "runs" / f"run{number}", LONG_AGO + number)
    return root


def going(root: Path, **policy: float) -> set[str]:
    found = leftovers(root, Policy(**policy), root / "no-tmp")  # type: ignore[arg-type]
    return {one.path.relative_to(root / ".verif").as_posix() for one in found if one.goes}


def test_the_newest_finished_runs_stay_and_what_is_old_may_go(project: Path) -> None:
    rest = {"runs/run4", "evaluate/answers-1.jsonl", "leases/0123", "logs/train.log"}
    assert going(project) == {"runs/run0", "runs/run1", *rest}
    assert going(project, keep=1) == {"runs/run0", "runs/run1", "runs/run2", *rest}
    assert "runs/run3" not in going(project, keep=0, days=0)  # the newest finished one never goes
    assert going(project, days=1000) == set()


def test_what_a_living_run_service_or_server_holds_stays(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = project / ".verif"
    users.add(state / "leases" / "0123" / "users")
    age(state / "leases", LONG_AGO)
    with (state / "runs" / "run0" / "lock").open("a") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        assert going(project) == {"runs/run1", "runs/run4", "evaluate/answers-1.jsonl", "logs/train.log"}
        (held,) = [one for one in leftovers(project, Policy()) if one.path.name == "run0"]
        assert not remove(held)  # taken between look and removal
        assert (state / "runs" / "run0" / "checkpoints" / "weights").is_file()
    (state / "served" / "4567").mkdir()
    age(state / "served" / "4567", LONG_AGO + 9)
    assert "served/0123" in going(project, keep=1)
    monkeypatch.setattr(module, "_in_use", lambda: [f"vllm\0serve\0{(state / 'served' / '0123').resolve()}"])
    assert "served/0123" not in going(project, keep=1)


def test_while_a_pipeline_runs_only_training_runs_that_nobody_holds_may_go(project: Path) -> None:
    with (project / ".verif" / "run.lock").open("a") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        assert going(project) == {"runs/run0", "runs/run1", "runs/run4"}


def test_half_written_files_of_killed_writers_go_and_those_of_living_ones_stay(project: Path) -> None:
    done = subprocess.Popen([sys.executable, "-c", ""])
    done.wait()
    (project / "models").mkdir()
    for pid in (done.pid, os.getpid()):
        (project / "models" / f".trained.{pid}.tmp").mkdir()
    ray = project / "no-tmp" / "vrabcd1234" / "session_latest"
    ray.mkdir(parents=True)
    (project / "no-tmp" / "vrother").mkdir()
    found = {
        one.path.name for one in leftovers(project, Policy(), project / "no-tmp") if one.kind == "temporary"
    }
    assert found == {f".trained.{done.pid}.tmp"}  # a young folder of Ray is perhaps one that starts
    age(ray.parent, LONG_AGO)
    found = {
        one.path.name for one in leftovers(project, Policy(), project / "no-tmp") if one.kind == "temporary"
    }
    assert found == {f".trained.{done.pid}.tmp", "vrabcd1234"}


def test_nothing_is_touched_unless_told_to(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project)
    monkeypatch.setattr(module, "_rays", lambda *_: [])
    runs = project / ".verif" / "runs"
    shown = CliRunner().invoke(app("gc"), ["--each"])
    assert shown.exit_code == 0, shown.output
    assert "may go" in shown.output
    assert str(runs / "run0") in shown.output.replace("\n", "")
    assert len(list(runs.iterdir())) == 5
    done = CliRunner().invoke(app("gc"), ["--delete"])
    assert "bytes removed" in done.output
    assert sorted(path.name for path in runs.iterdir()) == ["run2", "run3"]
    assert (project / ".verif" / "verdicts" / "store").is_file()
    assert (project / ".verif" / "served" / "0123" / "model").is_file()
