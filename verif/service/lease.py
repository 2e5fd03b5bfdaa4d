"""A verifier service on loan: started if there is none, shared, and gone when nobody needs it.

Where `VERIF_VERIFIER_URL` names a service that somebody else keeps (a cluster's), that one is used, if it is the very
verifier that the recipe describes. Else:
`with verifier(stage) as endpoint:` finds a living service of the same identity or starts one, detached. Each
user is counted while its process lives (`users`); a service without users ends after its idle time. A lease
file names pid and start time, so stale files and reused pids are recognised. Nothing here depends on the
process that started the service: `kill -9` of any user leaves the others served.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import logging
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from verif.core.activate import activate
from verif.errors import RecipeError, ServiceError
from verif.project import Stage
from verif.recipe import CascadeSection, Recipe, ReferenceSection
from verif.service import remote, users
from verif.service.build import SMALL_VARIABLE, identity_of
from verif.service.config import TOKEN_VARIABLE, URL_VARIABLE, ServiceConfig
from verif.service.probes import probes
from verif.system.files import write_bytes
from verif.system.private import NotPrivateError, private_folder, require_file, require_folder
from verif.system.serving import tail
from verif.system.web import opener

log = logging.getLogger("verif.service")

IDLE_VARIABLE, START_VARIABLE = "VERIF_IDLE_S", "VERIF_START_S"
HEALTH_TRIES, HEALTH_S = 3, 10.0


@dataclass(frozen=True, slots=True)
class VerifierEndpoint:
    """Where the verifier is, and who it is."""

    url: str
    identity: str


@contextlib.contextmanager
def verifier(stage: Stage) -> Iterator[VerifierEndpoint]:
    """A ready verifier service for the length of the block.

    Raises `ServiceError` with the last log lines if it does not get ready, or if the one that is named is another.
    """
    config = configure(stage)
    identity = identity_of(config.recipe, config.judge_model)
    if url := os.environ.get(URL_VARIABLE):
        remote.require(url, identity, _start_s())
        yield VerifierEndpoint(url, identity)
        return
    private_folder(config.folder)
    user = users.add(config.folder / "users")  # first, so that a service about to end sees us
    try:
        url = ensure(config, identity)
        yield VerifierEndpoint(url, identity)
    finally:
        user.unlink(missing_ok=True)


def _start_s() -> float:
    """How long a service may take until its first verdict, in seconds."""
    return float(os.environ.get(START_VARIABLE, "600"))


def audited(stage: Stage) -> Recipe:
    """The stage's recipe with what the audit chose for just it: a cascade's band, the threshold of an answers' model.

    Without an audit both judges are asked, and a served model's word on answers does not count.
    """
    section, chosen = stage.recipe.verifier, {}
    if section.cascade is None and section.reference is None:
        return stage.recipe
    try:
        kept = json.loads((stage.models / "verifier" / "identity.json").read_bytes())
    except (OSError, ValueError):
        return stage.recipe
    for name, kind, unset in (
        ("cascade", CascadeSection, {"low", "high"}),
        ("reference", ReferenceSection, {"threshold"}),
    ):
        try:
            audited_section = kind.model_validate(kept.get(name))
        except (ValueError, AttributeError):
            continue
        asked = getattr(section, name)
        if asked is not None and audited_section.model_dump(exclude=unset) == asked.model_dump(exclude=unset):
            chosen[name] = audited_section
    return stage.recipe.model_copy(update={"verifier": section.model_copy(update=chosen)})


def configure(stage: Stage) -> ServiceConfig:
    """How the stage's service is started; the folder is named by its identity."""
    recipe = activate(audited(stage), stage.root)
    model = None if recipe.judge.kind == "none" else stage.models / "judge"
    folder = stage.state / "leases" / identity_of(recipe, model)[:16]
    resources = recipe.resources.get("verifier")
    return ServiceConfig(
        recipe=recipe,
        folder=folder,
        state=stage.state,
        judge_model=model,
        judge_url=os.environ.get("VERIF_JUDGE_URL", ""),
        judge_gpus=resources.gpus if resources else 0,
        idle_s=float(os.environ.get(IDLE_VARIABLE, "120")),
        probes=probes(stage),
    )


def ensure(config: ServiceConfig, identity: str) -> str:
    """The URL of a ready service; one starter at a time, everybody else waits for it."""
    private_folder(config.folder)
    with (config.folder / "lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        lease = living(config.folder)
        if lease is not None and (lease.get("identity") != identity or not _healthy(config.folder, lease)):
            log.warning(
                "the service at %s does not answer as verifier %s: replacing it", lease["url"], identity[:12]
            )
            end(lease)
            lease = None
        process = _start(config) if lease is None else None
        url = _wait_ready(config, process)
        if not url:  # the one we found has ended meanwhile
            url = _wait_ready(config, _start(config))
        return url


def living(folder: Path) -> dict[str, Any] | None:
    """The lease in a folder if its process lives; a stale file is removed.

    Only in a folder of ours: a lease names a process to end and an address whose verdicts are believed.
    """
    path = folder / "lease.json"
    try:
        require_folder(folder)
        require_file(path)
    except FileNotFoundError:
        return None
    except NotPrivateError as error:
        log.warning("the lease in %s is not used: %s", folder, error)
        return None
    try:
        lease: dict[str, Any] = json.loads(path.read_bytes())
        if users.lives(int(lease["pid"]), float(lease["started"])):
            return lease
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError):
        log.warning("%s is not a lease; removed", path)
    path.unlink(missing_ok=True)
    return None


def end(lease: dict[str, Any], grace_s: float = 30.0) -> None:
    """Stop a service: politely, then by force. Its judge goes with it (it is tied to the service's life)."""
    for number, patience in ((signal.SIGTERM, grace_s), (signal.SIGKILL, 5.0)):
        if not users.lives(int(lease["pid"]), float(lease["started"])):
            return
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(lease["pid"]), number)
        limit = time.monotonic() + patience
        while time.monotonic() < limit and users.lives(int(lease["pid"]), float(lease["started"])):
            time.sleep(0.05)


def _start(config: ServiceConfig) -> subprocess.Popen[bytes]:
    if config.recipe.verifier.cascade and config.judge_model and not os.environ.get(SMALL_VARIABLE):
        raise RecipeError("the recipe has a cascade but no small judge.", f"Set {SMALL_VARIABLE} to its URL.")
    path = config.folder / "config.json"
    write_bytes(path, config.model_dump_json(by_alias=True).encode())
    with (config.folder / "service.log").open("ab") as stream:
        return subprocess.Popen(
            [sys.executable, "-m", "verif.service", str(path)],
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def _wait_ready(config: ServiceConfig, process: subprocess.Popen[bytes] | None) -> str:
    """The URL once a real verdict came back; "" if a service that we did not start ended meanwhile."""
    limit = time.monotonic() + _start_s()
    while time.monotonic() < limit:
        if process is not None and process.poll() is not None:
            raise ServiceError(
                f"the verifier service ended with exit code {process.returncode}.\n{tail(config.folder / 'service.log')}",
                f"Logs: {config.folder}.",
            )
        lease = living(config.folder)
        if lease is not None and _answers(lease["url"], "/ready", timeout=120):
            return str(lease["url"])
        if lease is None and process is None:
            return ""
        time.sleep(0.2)
    lease = living(config.folder)
    why = _problem(lease["url"]) if lease else ""
    raise ServiceError(
        f"the verifier service was not ready in time{f': {why}' if why else ''}.\n{tail(config.folder / 'service.log')}",
        f"Logs: {config.folder}.",
    )


def _healthy(folder: Path, lease: dict[str, Any]) -> bool:
    """Whether a living service answers. It is shared, so it gets three tries over 30 s before it is replaced."""
    for _ in range(HEALTH_TRIES):
        again = time.monotonic() + HEALTH_S
        if _answers(lease["url"], "/health", timeout=HEALTH_S):
            return True
        while time.monotonic() < again:  # refused at once: it may be about to end
            if living(folder) is None:
                return False
            time.sleep(0.2)
    return False


def _answers(url: str, path: str, timeout: float = 10.0) -> bool:
    try:
        with opener().open(_request(url + path), timeout=timeout) as answer:  # the token goes nowhere else
            return int(answer.status) == 200
    except (OSError, ValueError, urllib.error.URLError):
        return False


def _problem(url: str) -> str:
    """Why a service says that it is not ready; "" if it says nothing."""
    try:
        with opener().open(_request(f"{url}/ready"), timeout=HEALTH_S):
            return ""
    except urllib.error.HTTPError as refusal:
        with refusal, contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            return " ".join(str(json.loads(refusal.read(65_536))["problem"]).split())[:300]
    except (OSError, ValueError):
        pass
    return ""


def _request(url: str) -> urllib.request.Request:
    token = os.environ.get(TOKEN_VARIABLE, "")
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return urllib.request.Request(url, headers=headers)  # noqa: S310
