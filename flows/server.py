"""`make up` and `make down`: a Prefect server, an MLflow server and a process worker, on loopback only.

The worker runs what the server tells it to, so whoever may speak to the server runs code here. Both servers answer
only to their own pages and to those who know the password of this `up` (`verif.system.local_services`).
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from flows.automations import HEARTBEAT_S
from verif.errors import BusyError, ServiceError, SetupError, VerifError
from verif.system import local_services
from verif.system.files import write_json
from verif.system.private import private_folder
from verif.system.processes import terminable

HOST = "127.0.0.1"


def record_path(root: Path) -> Path:
    """Which processes `up` started."""
    return root / ".verif" / "services" / "services.json"


def free(port: int, what: str, variable: str) -> int:
    """The port, if nobody has it."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            raise SetupError(
                f"port {port} for {what} is in use.", f"Choose another: {variable}=PORT make up"
            ) from None
        return int(probe.getsockname()[1])


def addresses(prefect_port: int, mlflow_port: int) -> dict[str, str]:
    """Where clients find the two servers."""
    return {
        "PREFECT_API_URL": f"http://{HOST}:{prefect_port}/api",
        "MLFLOW_TRACKING_URI": f"http://{HOST}:{mlflow_port}",
    }


def environment(root: Path, prefect_port: int, mlflow_port: int) -> dict[str, str]:
    """What servers, worker and the flows they start have in common; no secrets."""
    home = private_folder(root / ".verif" / "prefect-server")
    return {
        **os.environ,
        **addresses(prefect_port, mlflow_port),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}",
        "PREFECT_HOME": str(home),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": str(HEARTBEAT_S),
        "PREFECT_WORKER_QUERY_SECONDS": "3",
        # SQLite has one writer: on a busy machine the default patience of 5 and 10 s ends in "database is locked".
        "PREFECT_SERVER_DATABASE_CONNECTION_TIMEOUT": "60",
        "PREFECT_SERVER_DATABASE_TIMEOUT": "60",
        # Kept in memory, the turn of a training would be taken for ever once the server has restarted.
        "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": "prefect.server.concurrency.lease_storage.filesystem",
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "VERIF_HOME": str(root),
        "DO_NOT_TRACK": "1",
    }


def launch(root: Path, name: str, command: list[str], env: dict[str, str]) -> psutil.Process:
    """Start a service detached, with its output in a log, and record it at once: whatever ends `up`, `down` finds it."""
    log = root / ".verif" / "services" / f"{name}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as stream:
        process = subprocess.Popen(
            command,
            cwd=root,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=stream,
            start_new_session=True,
        )
    service = psutil.Process(process.pid)
    known = json.loads(record_path(root).read_text("utf-8")) if record_path(root).is_file() else {}
    write_json(record_path(root), known | {name: [service.pid, service.create_time()]})
    return service


def launch_prefect(root: Path, port: int, env: dict[str, str]) -> psutil.Process:
    """Prefect's server, with the password that `env` holds."""
    own = {
        "PREFECT_SERVER_API_AUTH_STRING": env["PREFECT_API_AUTH_STRING"],
        "PREFECT_SERVER_CORS_ALLOWED_ORIGINS": f"http://{HOST}:{port}",
        "PREFECT_UI_API_URL": "/api",  # of the page's own origin, whatever name it was opened by
    }
    start = [sys.executable, "-m", "prefect", "server", "start", "--host", HOST, "--port", str(port)]
    return launch(root, "prefect", start, env | own)


def wait(url: str, process: psutil.Process, name: str, seconds: float = 180) -> None:
    """Until the address answers; a service that died or is too slow is an error that names its log.

    So is somebody else's server on that port: it would be told the password.
    """
    end = time.monotonic() + seconds
    while True:
        try:
            with urllib.request.urlopen(url, timeout=5):  # noqa: S310
                break
        except (urllib.error.URLError, OSError):
            gone = not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
            if gone or time.monotonic() > end:
                reason = "ended" if gone else f"did not answer within {seconds:.0f} s"
                raise ServiceError(f"{name} {reason}.", f"See .verif/services/{name}.log") from None
            time.sleep(0.3)
    port = urllib.parse.urlsplit(url).port
    ours = [c for p in (process, *process.children(recursive=True)) for c in p.net_connections("tcp")]
    if not any(c.status == psutil.CONN_LISTEN and c.laddr.port == port for c in ours):
        raise ServiceError(f"port {port} is answered by another process than {name}.", "Choose another port.")


def command(root: Path, env: dict[str, str], *arguments: str) -> None:
    """A prefect command that has to succeed."""
    done = subprocess.run(
        [sys.executable, "-m", *arguments], cwd=root, env=env, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise ServiceError(f"`{' '.join(arguments)}` failed: {said[-1] if said else 'no message'}")


def up(root: Path, prefect_port: int, mlflow_port: int) -> tuple[str, str]:
    """Start all three, deploy everything; returns the addresses of Prefect and MLflow."""
    if alive(root):
        raise BusyError("the services are up already, or were left half started.", "`make down` ends them.")
    record_path(root).unlink(missing_ok=True)
    prefect_port = free(prefect_port, "Prefect", "VERIF_PREFECT_PORT")
    mlflow_port = free(mlflow_port, "MLflow", "VERIF_MLFLOW_PORT")
    with terminable(), cleaning_up(root):
        access = local_services.make(root, addresses(prefect_port, mlflow_port))
        env = environment(root, prefect_port, mlflow_port) | access
        login = access["PREFECT_API_AUTH_STRING"]
        mlflow_home = private_folder(root / ".verif" / "mlflow")
        prefect = launch_prefect(root, prefect_port, env)
        mlflow = launch(
            root,
            "mlflow",
            [sys.executable, "-m", "flows.tracking", str(mlflow_port)],
            env | {"VERIF_MLFLOW_LOGIN": login, "VERIF_MLFLOW_HOME": str(mlflow_home)},
        )
        wait(f"http://{HOST}:{prefect_port}/api/health", prefect, "prefect")
        wait(f"http://{HOST}:{mlflow_port}/health", mlflow, "mlflow")
        for pool in ("local", "gpu"):  # `gpu` is served by a worker in the cluster (docs/gpu.md)
            command(root, env, "prefect", "work-pool", "create", pool, "--type", "process", "--overwrite")
        command(root, env, "prefect", "--no-prompt", "deploy", "--all")
        try:
            command(root, env, "flows.automations")
        except ServiceError as error:  # e.g. a block that is still to be made, in the page that is now up
            print(f"verif: {error}", file=sys.stderr)
        launch(
            root,
            "worker",
            [sys.executable, "-m", "prefect", "worker", "start", "--pool", "local", "--name", "local"],
            env,
        )
    return f"http://{HOST}:{prefect_port}", f"http://{HOST}:{mlflow_port}"


@contextmanager
def cleaning_up(root: Path) -> Iterator[None]:
    """A start that fails half-way, or is ended by Ctrl-C or SIGTERM, leaves nothing running."""
    me = psutil.Process()
    others = set(me.children())
    try:
        yield
    except BaseException:
        # Of children, not of what is recorded: a signal may come between a process and its record.
        end([child for child in me.children() if child not in others])
        record_path(root).unlink(missing_ok=True)
        local_services.forget(root)
        raise


def alive(root: Path) -> list[psutil.Process]:
    """The recorded services that still run (a reused pid has another start time)."""
    if not record_path(root).is_file():
        return []
    services = []
    for pid, created in json.loads(record_path(root).read_text("utf-8")).values():
        if psutil.pid_exists(pid) and psutil.Process(pid).create_time() == created:
            services.append(psutil.Process(pid))
    return services


def end(services: list[psutil.Process]) -> None:
    """End services with everything below them; the worker first, so that it cancels what it runs."""
    for service in reversed(services):
        try:
            family = [service, *service.children(recursive=True)]
        except psutil.NoSuchProcess:
            continue
        for process in family:
            try:
                process.terminate()
            except psutil.NoSuchProcess:
                continue
        _, rest = psutil.wait_procs(family, 30)
        for process in rest:
            process.kill()
        psutil.wait_procs(rest, 5)


def down(root: Path) -> int:
    """End what `up` started; says how many services ran."""
    services = alive(root)
    end(services)
    record_path(root).unlink(missing_ok=True)
    local_services.forget(root)
    return len(services)


def main() -> int:
    """`python -m flows.server up|down`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("action", choices=("up", "down"))
    action = parser.parse_args().action
    root = Path.cwd().resolve()
    try:
        if action == "down":
            print(f"Ended {down(root)} services.")
        else:
            prefect, mlflow = up(
                root,
                int(os.environ.get("VERIF_PREFECT_PORT", "4200")),
                int(os.environ.get("VERIF_MLFLOW_PORT", "5000")),
            )
            print(f"Prefect: {prefect}\nMLflow:  {mlflow}")
            print(
                f"Both ask for the password in {local_services.password_path(root)}, which only you can read."
            )
            print(f"In a shell: . {local_services.access_path(root)}")
    except VerifError as error:
        print(f"verif: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("verif: ended before everything was up; nothing was left running.", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
