"""The promotion lock: directories that share a database, holders that died or were too slow, waiters that race."""

from __future__ import annotations

import multiprocessing
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from mlflow.exceptions import MlflowException

from verif.errors import BusyError, RegistryError
from verif.registry import ledger, lock
from verif.registry.lock import promotion_lock
from verif.registry.promotion import at_desk
from verif.registry.store import Registry, open_registry

pytestmark = pytest.mark.slow


@pytest.fixture
def two(stage, tmp_path_factory, monkeypatch):
    """Two directories with one SQLite registry, as clones have it."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{stage.state / 'mlflow' / 'mlflow.db'}")
    return stage, replace(stage, root=tmp_path_factory.mktemp("clone"))


def test_directories_that_share_a_database_take_turns(two) -> None:
    first, second = two
    registry = open_registry(first)
    with (
        promotion_lock(registry, first.state),
        pytest.raises(BusyError, match="another process"),
        promotion_lock(open_registry(second), second.state, wait_s=0.1),
    ):
        raise AssertionError("not reached")


def test_an_entry_is_never_written_over(two) -> None:
    first, _ = two
    with at_desk(first) as desk:
        desk.registry.make()
        stale = list(desk.entries)
        desk.record("promote", None, "ours")
        with pytest.raises(RegistryError, match="written by somebody else"):
            ledger.append(desk.registry, stale, action="promote", source=None, to=None, why="theirs")
    with at_desk(first) as desk:
        assert [entry.why for entry in desk.entries] == ["ours"]


@pytest.fixture(scope="module")
def server(tmp_path_factory) -> Iterator[str]:
    """A real MLflow server on SQLite."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    folder: Path = tmp_path_factory.mktemp("server")
    command = [
        sys.executable, "-m", "mlflow", "server", "--backend-store-uri", f"sqlite:///{folder}/mlflow.db",
        "--port", str(port), "--artifacts-destination", str(folder / "artifacts"), "--workers", "1",
    ]  # fmt: skip
    env = os.environ | {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen(command, env=env, start_new_session=True, **quiet)
    try:
        end = time.monotonic() + 120
        while True:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=2)
                break
            except OSError:
                assert time.monotonic() < end
                time.sleep(0.2)
        yield f"http://127.0.0.1:{port}"
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(15)


@pytest.fixture
def remote(stage, server, monkeypatch, request):
    """A directory whose registry is the server, with a registered model of its own."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server)
    section = stage.recipe.register_.model_copy(update={"model_name": f"m-{request.node.name}"[:60]})
    found = replace(stage, recipe=stage.recipe.model_copy(update={"register_": section}))
    open_registry(found).make()
    return found


def _holds_for_ever(stage) -> None:
    with at_desk(stage):
        (stage.root / "held").touch()
        time.sleep(600)


def test_the_lock_of_a_killed_process_is_taken_over_at_once(remote) -> None:
    holder = multiprocessing.get_context("fork").Process(target=_holds_for_ever, args=(remote,))
    holder.start()
    while not (remote.root / "held").exists():
        time.sleep(0.05)
    with (
        pytest.raises(BusyError, match="is promoting"),
        promotion_lock(open_registry(remote), remote.root / "clone", wait_s=0.5),
    ):
        raise AssertionError("not reached")
    holder.kill()
    holder.join()
    with promotion_lock(open_registry(remote), remote.root / "clone", wait_s=0):
        pass


def test_a_request_that_was_carried_out_unanswered_and_sent_again_holds_the_lock(remote, monkeypatch) -> None:
    registry = open_registry(remote)
    make = registry.mlflow.create_registered_model

    def twice(*arguments):
        make(*arguments)
        return make(*arguments)  # what the HTTP client does after a time-out

    monkeypatch.setattr(registry.mlflow, "create_registered_model", twice)
    with promotion_lock(registry, remote.state, wait_s=1):
        pass
    names = {m.name for m in registry.mlflow.search_registered_models()}
    assert not any(name.startswith(f"{registry.name}.") for name in names), "it is given back"


def test_a_holder_renews_before_it_writes_and_writes_nothing_when_its_time_is_over(
    remote, monkeypatch
) -> None:
    monkeypatch.setattr(lock, "HOLD_S", 3.0)
    monkeypatch.setattr(lock, "GRACE_S", 0.0)
    with at_desk(remote) as desk:
        for _ in range(4):
            time.sleep(1)
            desk.registry.set_tag("x", "1")
    with at_desk(remote) as desk:
        time.sleep(3.2)
        with pytest.raises(BusyError, match="was lost"):
            desk.record("promote", None, "too late")
    with at_desk(remote) as desk:
        assert desk.entries == []


def test_a_take_over_that_another_waiter_was_quicker_with_is_no_error(remote, monkeypatch) -> None:
    registry = open_registry(remote)
    stale = {lock.TOKEN: "dead too", lock.UNTIL: "1", lock.PROCESS: "elsewhere 1 1"}
    registry.mlflow.create_registered_model(f"{registry.name}.promotion-lock", stale)
    rename = registry.mlflow.rename_registered_model

    def slower(*arguments) -> None:
        rename(*arguments)  # the other waiter's, between this one's read and its write
        raise MlflowException("UPDATE statement: expected to update 1 row(s); 0 were matched", 3)

    monkeypatch.setattr(registry.mlflow, "rename_registered_model", slower)
    with promotion_lock(registry, remote.state, wait_s=1):
        pass


def test_a_take_over_that_the_server_refuses_is_told(remote, monkeypatch) -> None:
    registry = open_registry(remote)
    stale = {lock.TOKEN: "dead still", lock.UNTIL: "1", lock.PROCESS: "elsewhere 1 1"}
    registry.mlflow.create_registered_model(f"{registry.name}.promotion-lock", stale)

    def refused(*_) -> None:
        raise MlflowException("not today")

    monkeypatch.setattr(registry.mlflow, "rename_registered_model", refused)
    with pytest.raises(RegistryError, match="taking over the promotion lock: not today"):
        promotion_lock(registry, remote.state, wait_s=1).__enter__()


def test_of_many_waiters_for_a_lock_that_ran_out_one_holds_it_at_a_time(remote, monkeypatch) -> None:
    registry = open_registry(remote)
    stale = {lock.TOKEN: "dead", lock.UNTIL: "1", lock.PROCESS: "elsewhere 1 1"}
    registry.mlflow.create_registered_model(f"{registry.name}.promotion-lock", stale)
    inside, most, order = 0, 0, []

    def wants(number: int) -> None:
        nonlocal inside, most
        own = Registry(registry.mlflow, registry.name)
        with promotion_lock(own, remote.root / f"clone{number}", wait_s=60):
            inside += 1
            most = max(most, inside)
            order.append(number)
            time.sleep(0.1)
            own.set_tag("x", str(number))
            inside -= 1

    threads = [threading.Thread(target=wants, args=(number,)) for number in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (most, sorted(order)) == (1, list(range(5)))
    with pytest.raises(MlflowException, match="not found"):
        registry.mlflow.get_registered_model(f"{registry.name}.promotion-lock")
    aside = f"{registry.name}.promotion-lock.dead"
    assert registry.mlflow.get_registered_model(aside), "a slow waiter must still find this name taken"
    monkeypatch.setattr(lock, "HOLD_S", 3.0)
    monkeypatch.setattr(lock, "GRACE_S", 0.0)
    time.sleep(3.2)
    with promotion_lock(registry, remote.state, wait_s=1):
        pass
    with pytest.raises(MlflowException, match="not found"):
        registry.mlflow.get_registered_model(aside)
