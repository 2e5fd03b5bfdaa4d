"""`make up` and `make down`: a Prefect server, an MLflow server and a process worker, on loopback only."""

from __future__ import annotations

import argparse
import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from flows.automations import HEARTBEAT_S
from verif.errors import BusyError, ServiceError, SetupError, VerifError
from verif.system.files import write_json

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


def environment(root: Path, prefect_port: int, mlflow_port: int) -> dict[str, str]:
    """What servers, worker and the flows they start have in common."""
    home = root / ".verif" / "prefect-server"
    home.mkdir(parents=True, exist_ok=True)
    return os.environ | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}",
        "PREFECT_HOME": str(home),
        "PREFECT_API_URL": f"http://{HOST}:{prefect_port}/api",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": str(HEARTBEAT_S),
        "PREFECT_WORKER_QUERY_SECONDS": "3",
        # SQLite has one writer: on a busy machine the default patience of 5 and 10 s ends in "database is locked".
        "PREFECT_SERVER_DATABASE_CONNECTION_TIMEOUT": "60",
        "PREFECT_SERVER_DATABASE_TIMEOUT": "60",
        "MLFLOW_TRACKING_URI": f"http://{HOST}:{mlflow_port}",
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "VERIF_HOME": str(root),
        "DO_NOT_TRACK": "1",
    }


def launch(root: Path, name: str, command: list[str], env: dict[str, str]) -> psutil.Process:
    """Start a service detached, with its output in a log."""
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
    return psutil.Process(process.pid)


def wait(url: str, process: psutil.Process, name: str, seconds: float = 180) -> None:
    """Until the address answers; a service that died or is too slow is an error that names its log."""
    end = time.monotonic() + seconds
    while True:
        try:
            with urllib.request.urlopen(url, timeout=5):  # noqa: S310
                return
        except (urllib.error.URLError, OSError):
            gone = not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
            if gone or time.monotonic() > end:
                reason = "ended" if gone else f"did not answer within {seconds:.0f} s"
                raise ServiceError(f"{name} {reason}.", f"See .verif/services/{name}.log") from None
            time.sleep(0.3)


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
        raise BusyError("the services are up already.", "`make down` ends them.")
    prefect_port = free(prefect_port, "Prefect", "VERIF_PREFECT_PORT")
    mlflow_port = free(mlflow_port, "MLflow", "VERIF_MLFLOW_PORT")
    env = environment(root, prefect_port, mlflow_port)
    started: dict[str, psutil.Process] = {}
    with cleaning_up(root, started):
        mlflow_home = root / ".verif" / "mlflow"
        mlflow_home.mkdir(parents=True, exist_ok=True)
        started["prefect"] = launch(
            root,
            "prefect",
            [sys.executable, "-m", "prefect", "server", "start", "--host", HOST, "--port", str(prefect_port)],
            env,
        )
        started["mlflow"] = launch(
            root,
            "mlflow",
            [sys.executable, "-m", "mlflow", "server", "--host", HOST, "--port", str(mlflow_port), "--workers", "1",
             "--backend-store-uri", f"sqlite:///{mlflow_home / 'mlflow.db'}",
             "--artifacts-destination", str(mlflow_home / "artifacts")],
            env,
        )  # fmt: skip
        wait(f"http://{HOST}:{prefect_port}/api/health", started["prefect"], "prefect")
        wait(f"http://{HOST}:{mlflow_port}/health", started["mlflow"], "mlflow")
        for pool in ("local", "gpu"):  # `gpu` is served by a worker in the cluster (docs/gpu.md)
            command(root, env, "prefect", "work-pool", "create", pool, "--type", "process", "--overwrite")
        command(root, env, "prefect", "--no-prompt", "deploy", "--all")
        command(root, env, "flows.automations")
        started["worker"] = launch(
            root,
            "worker",
            [sys.executable, "-m", "prefect", "worker", "start", "--pool", "local", "--name", "local"],
            env,
        )
        write_json(record_path(root), {name: [p.pid, p.create_time()] for name, p in started.items()})
    return f"http://{HOST}:{prefect_port}", f"http://{HOST}:{mlflow_port}"


@contextmanager
def cleaning_up(root: Path, started: dict[str, psutil.Process]) -> Iterator[None]:
    """A start that fails half-way leaves nothing running."""
    try:
        yield
    except BaseException:
        end(list(started.values()))
        record_path(root).unlink(missing_ok=True)
        raise


def alive(root: Path) -> list[psutil.Process]:
    """The recorded services that still run (a reused pid has another start time)."""
    if not record_path(root).is_file():
        return []
    found = []
    for pid, created in json.loads(record_path(root).read_text("utf-8")).values():
        if psutil.pid_exists(pid) and psutil.Process(pid).create_time() == created:
            found.append(psutil.Process(pid))
    return found


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
    except VerifError as error:
        print(f"verif: {error}", file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
