"""A lease names a process to end and an address to believe: only the user's own is used, in a folder of theirs."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from support.harness import recipe
from typer import Exit

from verif.project import Stage
from verif.service import lease as leases
from verif.service.lease import configure, living, verifier
from verif.system.files import write_json
from verif.system.private import NotPrivateError
from verif.system.processes import started

STRANGER = 65534
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="giving files to another user needs root")


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path, recipe(judge="none"), tmp_path)


@contextmanager
def bystander() -> Iterator[subprocess.Popen[str]]:
    """A process that a planted lease names, to have it ended."""
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def plant(folder: Path, pid: int, url: str = "http://127.0.0.1:9") -> Path:
    """A lease of a living process, as a neighbour would write it."""
    made = {"identity": "x", "pid": pid, "started": started(pid), "url": url, "judge_url": ""}
    write_json(folder / "lease.json", made)
    return folder / "lease.json"


@as_root
@pytest.mark.parametrize("what", ["folder", "file"])
def test_a_lease_that_another_user_planted_is_refused(stage: Stage, what: str) -> None:
    from verif.cli import verifier as command

    folder = configure(stage).folder
    with bystander() as process:
        path = plant(folder, process.pid)
        os.chown(folder if what == "folder" else path, STRANGER, STRANGER)
        assert living(folder) is None
        command.down(root=stage.root)
        assert process.poll() is None, "what the lease names was ended"
    if what == "folder":
        with pytest.raises(NotPrivateError, match=f"belongs to user {STRANGER}"), verifier(stage):
            pass


def test_a_lease_folder_that_others_can_write_or_that_is_a_link_is_refused(
    stage: Stage, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from verif.cli import verifier as command

    folder = configure(stage).folder
    with bystander() as process:
        plant(folder, process.pid)
        folder.chmod(0o777)
        assert living(folder) is None
        command.down(root=stage.root)
        assert process.poll() is None
        assert "others can write" in " ".join(capsys.readouterr().err.split())
        with pytest.raises(NotPrivateError, match="others can write"), verifier(stage):
            pass
        elsewhere = tmp_path / "elsewhere"
        folder.rename(elsewhere)
        elsewhere.chmod(0o700)
        folder.symlink_to(elsewhere)
        assert living(folder) is None
        with pytest.raises(NotPrivateError, match="symbolic link"), verifier(stage):
            pass
        assert process.poll() is None


def test_a_lease_folder_is_closed_to_others(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leases, "ensure", lambda config, identity: "http://127.0.0.1:9")
    with verifier(stage):
        assert configure(stage).folder.stat().st_mode & 0o077 == 0


def test_serve_keeps_its_state_in_the_users_own_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from verif.cli import verifier as command
    from verif.service import __main__ as service

    state = tmp_path / "state"
    monkeypatch.setenv("XDG_STATE_HOME", str(state))
    monkeypatch.chdir(Path(__file__).parents[2])
    monkeypatch.setattr(service, "main", lambda path: 0 if path.is_relative_to(state / "verif") else 1)

    def serve() -> int:
        with pytest.raises(Exit) as ended:
            command.serve(
                recipe="local", host="127.0.0.1", port=0, judge_url="http://127.0.0.1:9/v1", state=None
            )
        return ended.value.exit_code

    assert serve() == 0
    assert (state / "verif").stat().st_mode & 0o077 == 0
    (state / "verif").chmod(0o777)
    with pytest.raises(NotPrivateError, match="others can write"):
        command.serve(recipe="local", host="127.0.0.1", port=0, judge_url="http://127.0.0.1:9/v1", state=None)
