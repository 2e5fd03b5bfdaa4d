"""One promotion at a time, on one machine through a file lock, across machines through the registry itself.

MLflow has no locks, but making a registered model of a taken name fails for all but one: that is the lock. It
says until when it holds, so that a machine that died does not hold it for ever.
"""

from __future__ import annotations

import fcntl
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from verif.errors import BusyError
from verif.registry.ledger import who
from verif.registry.store import Registry
from verif.registry.tracking import mlflow_errors

HOLD_S = 300.0
UNTIL, OWNER, TOKEN = "verif.until", "verif.owner", "verif.token"


@contextmanager
def promotion_lock(registry: Registry, state: Path, wait_s: float = 60.0) -> Iterator[None]:
    """Hold the lock of a registered model; `BusyError` names the holder if it does not come free in time."""
    path = state / "locks" / f"{registry.name}.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    end = time.monotonic() + wait_s
    with path.open("a+b") as stream:
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


@contextmanager
def _registry_lock(registry: Registry, end: float) -> Iterator[None]:
    from mlflow.exceptions import MlflowException

    name, token = f"{registry.name}.promotion-lock", uuid.uuid4().hex
    tags = {OWNER: who(), TOKEN: token, UNTIL: str(time.time() + HOLD_S)}
    while True:
        with mlflow_errors("taking the promotion lock", registry.uri):
            try:
                registry.mlflow.create_registered_model(
                    name, tags=tags, description="Held during a promotion."
                )
                break
            except MlflowException as error:
                if error.error_code != "RESOURCE_ALREADY_EXISTS":
                    raise
        holder = _holder(registry, name)
        if float(holder.get(UNTIL, "0") or 0) < time.time():
            _release(registry, name, holder.get(TOKEN, ""))
        elif time.monotonic() > end:
            raise BusyError(
                f"{holder.get(OWNER, 'somebody')} is promoting a version of {registry.name}.",
                "Try again in a minute.",
            )
        else:
            time.sleep(0.3)
    try:
        yield
    finally:
        _release(registry, name, token)


def _holder(registry: Registry, name: str) -> dict[str, str]:
    from mlflow.exceptions import MlflowException

    with mlflow_errors("reading the promotion lock", registry.uri):
        try:
            return dict(registry.mlflow.get_registered_model(name).tags)
        except MlflowException as error:
            if error.error_code == "RESOURCE_DOES_NOT_EXIST":
                return {UNTIL: str(time.time() + 1)}  # just given back: try again
            raise


def _release(registry: Registry, name: str, token: str) -> None:
    """Give the lock back, if it is still the one with `token`."""
    if _holder(registry, name).get(TOKEN) == token:
        with mlflow_errors("giving the promotion lock back", registry.uri):
            registry.mlflow.delete_registered_model(name)
