"""Flow runs in clones: what they get from the directory they start from, and what becomes of the clones."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from flows.workspace import KEEP, forget_old, newest_run, workspace
from verif.errors import ClusterError, InputError
from verif.pipeline.run import only_run, run_stage
from verif.system.dvc import changed, stage_names
from verif.system.processes import MARKER, marker
from verif.system.run_cache import restore_missing

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def base(project: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The directory that flows start from; its stages tell what ran."""
    text = (project / "dvc.yaml").read_text()
    (project / "dvc.yaml").write_text(
        text.replace("cmd: ", f"cmd: echo ran >> {project.parent / 'ran.log'} && ")
    )
    git(project, "commit", "-qam", "log")
    monkeypatch.chdir(project)
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    return project


def git(folder: Path, *arguments: str) -> None:
    subprocess.run(["git", "-c", "user.name=t", "-c", "user.email=t@t", *arguments], cwd=folder, check=True)


def ran(base: Path) -> int:
    log = base.parent / "ran.log"
    return len(log.read_text().splitlines()) if log.is_file() else 0


def test_a_run_from_a_stage_on_gets_the_others_back_and_runs_none_of_them(base: Path) -> None:
    with workspace(None, "local", "", {}) as place:
        assert [run_stage(place.root, name, place.run_id).ran for name in stage_names(place.root)] == [
            True
        ] * 3
    overrides = {"train.steps": 3}
    with workspace(None, "local", "", overrides) as place:
        restore_missing(place.root, ["first"])
        assert not changed(place.root, "first")
        assert run_stage(place.root, "second", place.run_id).ran
    assert ran(base) == 4
    # a result that nobody has is one error; nothing runs
    (base / "verif" / "data" / "world").write_text("c\n")
    git(base, "commit", "-qam", "another world")
    with (
        workspace(None, "local", "", {}) as place,
        pytest.raises(
            ClusterError, match="no result of stage 'first' for these inputs, here or on the remote"
        ),
    ):
        restore_missing(place.root, ["first", "second"])
    assert ran(base) == 4


def test_a_clone_has_what_dvc_add_tracks(base: Path) -> None:
    (base / "rows.jsonl").write_text("{}\n")
    subprocess.run(["dvc", "add", "-q", "rows.jsonl"], cwd=base, check=True)
    git(base, "add", "-A")
    git(base, "commit", "-qm", "dvc add")
    with workspace(None, "verinstruct-tiny", "rows.jsonl", {}) as place:
        assert run_stage(place.root, "first", place.run_id).ran
        assert (place.root / "reports" / "first.txt").read_text() == "{}\n"
    (base / "rows.jsonl").write_text("{}\n{}\n")
    subprocess.run(["dvc", "add", "-q", "--no-commit", "rows.jsonl"], cwd=base, check=True)
    git(base, "commit", "-qam", "not in the cache")
    with (
        pytest.raises(ClusterError, match=r"`dvc pull rows\.jsonl` ended .*`dvc push` them"),
        workspace(None, "verinstruct-tiny", "rows.jsonl", {}),
    ):
        pass


def place_clones(base: Path, count: int) -> list[Path]:
    clones = [base / ".verif" / "clones" / str(number) for number in range(count)]
    for number, clone in enumerate(clones):
        (clone / ".verif").mkdir(parents=True)
        (clone / "reports" / "train").mkdir(parents=True)
        for folder in (clone / "reports" / "train", clone):
            os.utime(folder, (number, number))
    return clones


def test_clones_of_killed_runs_go_with_what_they_left_and_running_ones_stay(base: Path) -> None:
    killed, running, *rest = place_clones(base, KEEP + 2)
    (killed / ".verif" / "run.lock").write_text("process 1, since 00:00:00")
    os.utime(killed, (0, 0))
    orphan = subprocess.Popen(["sleep", "600"], env=os.environ | {MARKER: marker(killed, "x")})
    hold = "import sys, time; from pathlib import Path; from verif.pipeline.run import only_run\n"
    hold += "with only_run(Path(sys.argv[1]), 'y'): print('held', flush=True); time.sleep(600)"
    holder = subprocess.Popen([sys.executable, "-c", hold, str(running)], stdout=subprocess.PIPE)
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        os.utime(running, (1, 1))
        forget_old(base)
        assert sorted((base / ".verif" / "clones").iterdir()) == [running, *rest]
        orphan.wait(10)
    finally:
        holder.kill()
        holder.wait()
        orphan.kill()


def test_stored_rollouts_are_those_of_the_newest_run_that_has_ended(base: Path) -> None:
    with pytest.raises(InputError, match=r"reports/train: neither .* holds it. Run the pipeline first"):
        newest_run(base, "reports/train")
    old, new = place_clones(base, 2)
    assert newest_run(base, "reports/train") == new
    with only_run(new, "r"):
        assert newest_run(base, "reports/train") == old
    assert newest_run(base, str(old / "reports" / "train")) == base  # a full path is what it is
    (base / "reports" / "train").mkdir(parents=True)
    assert newest_run(base, "reports/train") == base
