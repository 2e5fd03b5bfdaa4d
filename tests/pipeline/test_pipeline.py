"""The pipeline without Prefect: what runs, what does not, and what is left when it is stopped."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from verif.errors import BusyError, RecipeError, StageError
from verif.pipeline.run import is_running, only_run, run_stage, select
from verif.pipeline.telling import told
from verif.system.dvc import changed, stage_names
from verif.system.processes import MARKER, marked, marker

pytestmark = pytest.mark.slow

RUN = """
import sys
from pathlib import Path
from verif.pipeline.run import only_run, run_stage
from verif.system.processes import terminable
root = Path(sys.argv[1])
with terminable(), only_run(root, "x"):
    run_stage(root, "third", "x")
"""


def prepare(project: Path) -> None:
    for stage in ("first", "second"):
        run_stage(project, stage, "r")


def wait_for(condition: object, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


def sleeping_project(project: Path) -> Path:
    """The third stage starts a detached child and waits; both pids are written."""
    (project / "third.sh").write_text(
        "setsid sleep 600 & echo $! > child.pid\necho $$ > own.pid\nsleep 600\necho done > reports/third.txt\n"
    )
    prepare(project)
    return project


def pids(project: Path) -> list[int]:
    return [int((project / name).read_text()) for name in ("child.pid", "own.pid")]


def alive(pid: int) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


def start_third(project: Path) -> subprocess.Popen[bytes]:
    process = subprocess.Popen([sys.executable, "-c", RUN, str(project)], start_new_session=True)
    wait_for(lambda: (project / "own.pid").is_file() and (project / "own.pid").read_text().strip())
    return process


def test_stages_come_in_the_order_of_the_graph(project: Path) -> None:
    assert stage_names(project) == ["first", "second", "third"]
    assert select(stage_names(project), "second") == ["second", "third"]
    with pytest.raises(RecipeError, match="Stages: first, second, third"):
        select(stage_names(project), "forth")


def test_a_file_of_dvc_add_is_no_stage(project: Path) -> None:
    env = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    (project / "rows.jsonl").write_text("{}\n")
    subprocess.run(["dvc", "add", "-q", "rows.jsonl"], cwd=project, env=env, check=True)
    (project / "params.yaml").write_text("recipe: local\ndata: rows.jsonl\n")
    assert stage_names(project) == ["first", "second", "third"]
    assert [run_stage(project, name, "r").ran for name in stage_names(project)] == [True, True, True]
    assert (project / "reports" / "first.txt").read_text() == "{}\n"
    assert (project / "reports" / "second.json").is_file()


def test_a_change_runs_what_it_touches_and_nothing_else(project: Path) -> None:
    outcomes = [run_stage(project, name, "r") for name in stage_names(project)]
    assert [(o.ran, o.restored) for o in outcomes] == [(True, False)] * 3
    (project / "reports" / "second.json").unlink()
    again = run_stage(project, "second", "r")
    assert (again.ran, again.restored) == (True, True)
    assert told(project, again).startswith("Restored from the cache")
    assert [run_stage(project, name, "r").ran for name in stage_names(project)] == [False, False, False]
    recipe = project / "recipes" / "local.yaml"
    recipe.write_text(
        recipe.read_text().replace("algorithm: grpo", "algorithm: grpo\n  learning_rate: 0.002")
    )
    assert not changed(project, "first")
    assert changed(project, "second")
    assert (project / "reports" / "second.json").is_file()


def test_bare_dvc_gives_the_same_files(project: Path) -> None:
    env = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    subprocess.run(["dvc", "repro", "-q"], cwd=project, env=env, check=True)
    assert [run_stage(project, name, "r").ran for name in stage_names(project)] == [False, False, False]


def test_a_failed_stage_says_so_and_keeps_nothing(project: Path) -> None:
    prepare(project)
    (project / "third.sh").write_text("echo half > reports/third.txt; exit 7\n")
    with pytest.raises(StageError, match="stage third: exit code 7"):
        run_stage(project, "third", "r")
    (project / "third.sh").write_text("echo whole > reports/third.txt\n")
    assert run_stage(project, "third", "r").ran


def test_the_stages_own_error_is_the_only_message(project: Path, capfd: pytest.CaptureFixture[str]) -> None:
    prepare(project)
    (project / "third.sh").write_text("verif stage nonsense\n")
    with pytest.raises(StageError, match="unknown stage 'nonsense'") as caught:
        run_stage(project, "third", "r")
    assert caught.value.kind == "RecipeError"
    assert not caught.value.can_heal
    assert capfd.readouterr().err == ""


def test_a_deadline_ends_the_stage_and_its_children(project: Path) -> None:
    sleeping_project(project)
    with only_run(project, "r"), pytest.raises(StageError, match="deadline of 15 s"):
        run_stage(project, "third", "r", deadline_s=15)
    wait_for(lambda: not any(alive(pid) for pid in pids(project)))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_stopped_run_leaves_nothing_and_the_next_one_works(project: Path, number: signal.Signals) -> None:
    sleeping_project(project)
    process = start_third(project)
    process.send_signal(number)
    assert process.wait(60) != 0
    wait_for(lambda: not alive(pids(project)[1]))
    (project / "third.sh").write_text("echo done > reports/third.txt\n")
    with only_run(project, "next"):  # ends what a killed run left in sessions of their own
        assert not alive(pids(project)[0])
        assert run_stage(project, "third", "next").ran


def test_a_second_run_is_refused_in_one_line(project: Path) -> None:
    sleeping_project(project)
    process = start_third(project)
    try:
        with (
            pytest.raises(BusyError, match=r"already going on in .* \(process \d+, since"),
            only_run(project, "y"),
        ):
            pass
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(60)


def test_a_lock_counts_while_it_is_held_whatever_it_says(tmp_path: Path) -> None:
    assert not is_running(tmp_path)
    with only_run(tmp_path, "r"):
        assert is_running(tmp_path)
    (tmp_path / ".verif" / "run.lock").write_text("process 1, since 00:00:00")  # as `kill -9` leaves it
    assert not is_running(tmp_path)


def test_only_marked_processes_are_ours(tmp_path: Path) -> None:
    env = os.environ | {MARKER: marker(tmp_path, "a")}
    process = subprocess.Popen(["sleep", "60"], env=env)
    try:
        wait_for(lambda: [p.pid for p in marked(lambda v: v == marker(tmp_path, "a"))] == [process.pid])
        assert not marked(lambda v: v == marker(tmp_path, "b"))
    finally:
        process.kill()
        process.wait()
