"""One promotion at a time, on one machine through a file lock, across machines through the registry itself.

A SQLite registry has its lock file beside the database: several directories may share it. A server has no locks,
but making a registered model of a taken name fails for all but one: that is the lock, and it says who holds it and
until when. The holder renews it before each write and writes nothing once its time is over; others take it only
`GRACE_S` after that, which is what the clocks of two machines may differ by, or at once from a dead process of their
own machine.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import socket
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from verif.errors import BusyError, RegistryError
from verif.registry.ledger import who
from verif.registry.runs.mlflow import mlflow_errors
from verif.registry.store import Registry
from verif.system.files import digest
from verif.system.processes import started

HOLD_S, GRACE_S = 300.0, 30.0
UNTIL, OWNER, TOKEN, PROCESS = "verif.until", "verif.owner", "verif.token", "verif.process"


@contextmanager
def promotion_lock(registry: Registry, state: Path, wait_s: float = 60.0) -> Iterator[None]:
    """Hold the lock of a registered model; `BusyError` names the holder if it does not come free in time."""
    path, end = _lock_file(registry, state), time.monotonic() + wait_s
    with mlflow_errors(f"opening the lock {path}", registry.uri):
        path.parent.mkdir(parents=True, exist_ok=True)
        stream = path.open("a+b")
    with stream:
        while True:
            try:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > end:
                    raise BusyError(
                        f"another process here changes the aliases of {registry.name}.", "Wait for it to end."
                    ) from None
                time.sleep(0.05)
        if registry.uri.startswith("sqlite:"):
            yield
            return
        with _registry_lock(registry, end):
            yield


def _lock_file(registry: Registry, state: Path) -> Path:
    """Beside the database that a SQLite registry is; for a server, in this directory's state."""
    if not registry.uri.startswith("sqlite:"):
        return state / "locks" / f"{registry.name}.lock"
    from sqlalchemy.engine import make_url

    database = Path((make_url(registry.uri).database or "").removeprefix("file:")).resolve()
    return database.with_name(f"{database.name}.{registry.name}.lock")


@contextmanager
def _registry_lock(registry: Registry, end: float) -> Iterator[None]:
    name, token = f"{registry.name}.promotion-lock", uuid.uuid4().hex
    try:
        expires = _take(registry, name, token, end)
    except RegistryError:
        with contextlib.suppress(RegistryError):  # a request that timed out may have been carried out
            _release(registry, name, token)
        raise

    def renew() -> None:
        nonlocal expires
        left = expires - time.monotonic()
        if left <= 0 or (_holder(registry, name) or {}).get(TOKEN) != token:
            raise BusyError(
                f"the promotion lock of {registry.name} was lost before a write; nothing more was written.",
                "Run the same command again: it finishes or undoes what was begun.",
            )
        if left < HOLD_S / 2:
            now, until = time.monotonic(), time.time() + HOLD_S
            with mlflow_errors("renewing the promotion lock", registry.uri):
                registry.mlflow.set_registered_model_tag(name, UNTIL, str(until))
            expires = now + HOLD_S

    before, registry.before_write = registry.before_write, renew
    try:
        yield
    finally:
        registry.before_write = before
        if time.monotonic() < expires:  # after that it may be somebody else's already
            _release(registry, name, token)


def _take(registry: Registry, name: str, token: str, end: float) -> float:
    """Make the lock; returns when it runs out, on the monotonic clock."""
    from mlflow.exceptions import MlflowException

    while True:
        begun = time.monotonic()
        tags = {OWNER: who(), TOKEN: token, UNTIL: str(time.time() + HOLD_S), PROCESS: _this_process()}
        with mlflow_errors("taking the promotion lock", registry.uri):
            try:
                registry.mlflow.create_registered_model(name, tags, "Held during a promotion.")
                return begun + HOLD_S
            except MlflowException as error:
                if error.error_code != "RESOURCE_ALREADY_EXISTS":
                    raise
        holder = _holder(registry, name)
        if holder is None:
            continue  # just given back
        if holder.get(TOKEN) == token:
            return (
                begun + HOLD_S
            )  # our request was carried out, its answer was lost, the client sent it again
        until = float(holder.get(UNTIL, "0") or 0)
        if until + GRACE_S < time.time() or _is_dead(holder.get(PROCESS, "")):
            _take_away(registry, name, holder.get(TOKEN, ""))
        elif time.monotonic() > end:
            free = time.strftime("%H:%M:%S", time.localtime(until + GRACE_S))
            raise BusyError(
                f"{holder.get(OWNER, 'somebody')} is promoting a version of {registry.name}.",
                f"Try again in a minute. If that process has died, the lock comes free at {free}.",
            )
        else:
            time.sleep(0.3)


def _holder(registry: Registry, name: str) -> dict[str, str] | None:
    """The lock's tags; None if nobody holds it."""
    from mlflow.exceptions import MlflowException

    with mlflow_errors("reading the promotion lock", registry.uri):
        try:
            return dict(registry.mlflow.get_registered_model(name).tags)
        except MlflowException as error:
            if error.error_code == "RESOURCE_DOES_NOT_EXIST":
                return None
            raise


def _take_away(registry: Registry, name: str, token: str) -> None:
    """Remove the lock with `token`: of several waiters one succeeds, and none hits the lock of the next holder.

    Requests go by name, not by token, so the lock is renamed to its token first: that name is given once.
    """
    from mlflow.exceptions import MlflowException

    aside = f"{name}.{token}"
    with mlflow_errors("taking over the promotion lock", registry.uri):
        try:
            registry.mlflow.rename_registered_model(name, aside)
        except MlflowException:
            # Whoever came later is told so in several ways: the name is taken, the model is gone, or, where both
            # read before either wrote, "UPDATE ... 0 were matched" as BAD_REQUEST. What counts is that it is gone.
            if (_holder(registry, name) or {}).get(TOKEN) == token:
                raise


def _release(registry: Registry, name: str, token: str) -> None:
    """Give the lock back, if it is still the one with `token`, and what it was taken over from."""
    if (_holder(registry, name) or {}).get(TOKEN) != token:
        return
    from mlflow.exceptions import MlflowException

    with mlflow_errors("giving the promotion lock back", registry.uri):
        for old in registry.mlflow.search_registered_models(f"name LIKE '{name}.%'"):
            # Its name must stay taken until no waiter can still be about to rename what it read before.
            aside_since = (old.last_updated_timestamp or 0) / 1000
            if old.name.startswith(f"{name}.") and aside_since + HOLD_S + GRACE_S < time.time():
                with contextlib.suppress(MlflowException):  # the next holder clears what is left
                    registry.mlflow.delete_registered_model(old.name)
        registry.mlflow.delete_registered_model(name)


def _this_process() -> str:
    """This machine (or container), the process id, and when it started: a reused id is another process."""
    return f"{_machine()} {os.getpid()} {_began(os.getpid())}"


def _began(pid: int) -> str:
    """When a process started, as text; empty if it is gone."""
    began = started(pid)
    return "" if began is None else f"{began:.0f}"


def _machine() -> str:
    """Host name, boot and space of process ids, as one word."""
    marks = [socket.gethostname()]
    with contextlib.suppress(OSError):
        marks.append(Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip())
        marks.append(str(Path("/proc/self/ns/pid").readlink()))
    return digest(marks)[:16]


def _is_dead(process: str) -> bool:
    """Whether the process was one of this machine and is gone; of other machines nothing is known."""
    machine, _, rest = process.partition(" ")
    number, _, then = rest.partition(" ")
    return machine == _machine() and number.isdigit() and bool(then) and _began(int(number)) != then
