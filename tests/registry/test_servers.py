"""MLflow on PostgreSQL with artifacts on S3 (moto's server), and MLflow that is down or answers 500."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from support.breaking_proxy import Proxy

from tests.registry.conftest import RECIPE
from verif.errors import RegistryError
from verif.recipe import parse_recipe
from verif.registry import promotion
from verif.registry.ledger import verify
from verif.registry.promotion import at_desk
from verif.registry.reconcile import reconcile, register
from verif.registry.store import open_registry

pytestmark = pytest.mark.slow


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait(url: str, seconds: float = 90) -> None:
    end = time.monotonic() + seconds
    while True:
        try:
            urllib.request.urlopen(url, timeout=2)
            return
        except OSError:
            assert time.monotonic() < end, f"{url} did not start"
            time.sleep(0.2)


@pytest.fixture
def processes():
    started: list[subprocess.Popen] = []
    yield started
    for process in reversed(started):
        try:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(15)
        except (ProcessLookupError, subprocess.TimeoutExpired):
            os.killpg(process.pid, signal.SIGKILL)


@pytest.fixture
def below_tmp():
    """A folder that other users reach: pytest's own may be closed to them, by another pytest at any moment."""
    with tempfile.TemporaryDirectory(prefix="verif-postgres-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


def postgres(folder: Path, processes: list) -> str:
    """A PostgreSQL of its own; skips where the server is not installed or cannot run here."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin")) if Path("/usr/lib/postgresql").is_dir() else []
    if not found:
        pytest.skip("PostgreSQL is not installed: apt-get install postgresql")
    runuser = shutil.which("runuser") or "/usr/sbin/runuser"  # which is not on every PATH
    user = [runuser, "-u", "postgres", "--"] if os.geteuid() == 0 else []
    data, port = folder / "pg", free_port()
    data.mkdir()
    if user:
        shutil.chown(data, "postgres")
    init = [*user, str(found[-1] / "initdb"), "-D", str(data), "-U", "t", "-A", "trust", "--no-sync"]
    made = subprocess.run(init, capture_output=True, cwd="/", text=True)
    assert made.returncode == 0, made.stderr
    command = [
        *user,
        str(found[-1] / "postgres"),
        "-D",
        str(data),
        "-p",
        str(port),
        "-h",
        "127.0.0.1",
        "-k",
        str(data),
    ]
    processes.append(
        subprocess.Popen(
            command, cwd="/", start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
    )
    end = time.monotonic() + 60
    while True:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                break
        assert time.monotonic() < end, "PostgreSQL did not start"
        time.sleep(0.2)
    return f"postgresql+psycopg2://t@127.0.0.1:{port}/postgres"


def test_postgresql_and_s3(stage, refill, below_tmp, processes, monkeypatch) -> None:
    pytest.importorskip("moto")
    pytest.importorskip("psycopg2")
    database = postgres(below_tmp, processes)
    s3, http = free_port(), free_port()
    quiet = {"start_new_session": True, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    processes.append(subprocess.Popen([sys.executable, "-m", "moto.server", "-p", str(s3)], **quiet))
    for name, value in {
        "AWS_ACCESS_KEY_ID": "t", "AWS_SECRET_ACCESS_KEY": "t", "AWS_DEFAULT_REGION": "us-east-1",
        "MLFLOW_S3_ENDPOINT_URL": f"http://127.0.0.1:{s3}", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    wait(f"http://127.0.0.1:{s3}/moto-api/")
    import boto3

    boto3.client("s3", endpoint_url=f"http://127.0.0.1:{s3}").create_bucket(Bucket="models")
    command = [
        sys.executable, "-m", "mlflow", "server", "--backend-store-uri", database, "--port", str(http),
        "--default-artifact-root", "s3://models/mlflow", "--workers", "1",
    ]  # fmt: skip
    processes.append(subprocess.Popen(command, **quiet))
    wait(f"http://127.0.0.1:{http}/health")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{http}")
    assert register(stage).alias == "champion"
    refill(stage.root, after=0.9, weights=b"w2")
    assert register(stage).alias == "challenger"
    promotion.promote(stage, "challenger", "better")
    promotion.rollback(stage, "worse in use")
    assert open_registry(stage).aliases() == {"champion": "1"}
    with at_desk(stage) as desk:
        verify(desk.entries)
        assert [e.action for e in desk.entries] == ["promote", "promote", "rollback"]
    from verif.registry import versions

    found = versions.fetch(open_registry(stage), open_registry(stage).resolve("2"), stage.state)
    assert (found / "model.safetensors").read_bytes() == b"w2"
    names = {m.name for m in open_registry(stage).mlflow.search_registered_models()}
    assert names == {"m"}, "the promotion lock must be given back"


def test_mlflow_down_is_one_clear_error_within_seconds(stage, monkeypatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://t:secret@127.0.0.1:{free_port()}")
    begun = time.monotonic()
    with pytest.raises(RegistryError, match="MLflow at") as error:
        reconcile(stage)
    assert time.monotonic() - begun < 20
    assert "secret" not in str(error.value)


def test_mlflow_answering_500_in_a_promotion_promotes_nothing(stage, refill, monkeypatch) -> None:
    register(stage)
    refill(stage.root, after=0.9, weights=b"w2")
    register(stage)
    from mlflow.exceptions import MlflowException

    from verif.registry.store import Registry

    def fails(self, alias: str, number: str) -> None:
        from verif.registry.runs.mlflow import mlflow_errors

        with mlflow_errors("setting alias", self.uri):
            raise MlflowException("API request failed with error code 500")

    with monkeypatch.context() as patched:
        patched.setattr(Registry, "set_alias", fails)
        with pytest.raises(RegistryError, match="500"):
            promotion.promote(stage, "2", "better")
        assert open_registry(stage).aliases()["champion"] == "1"
    assert any("Finished the interrupted promote" in line for line in reconcile(stage))
    assert open_registry(stage).aliases()["champion"] == "2"


@pytest.fixture
def proxy(tmp_path, processes, monkeypatch):
    """A real MLflow server on SQLite behind a proxy that the test can break."""
    port = free_port()
    command = [
        sys.executable, "-m", "mlflow", "server", "--backend-store-uri", f"sqlite:///{tmp_path}/server.db",
        "--port", str(port), "--artifacts-destination", str(tmp_path / "artifacts"), "--workers", "1",
    ]  # fmt: skip
    monkeypatch.setenv("MLFLOW_SERVER_ENABLE_JOB_EXECUTION", "false")
    quiet = {"start_new_session": True, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    processes.append(subprocess.Popen(command, **quiet))
    wait(f"http://127.0.0.1:{port}/health", 180)
    server = Proxy(f"http://127.0.0.1:{port}")
    Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{server.server_port}")
    yield server
    server.shutdown()
    server.server_close()


BREAKS = [
    ("refuse", "create", 1, False),  # the lock; whether the next command finds an entry to finish
    ("hang", "create", 1, False),
    ("refuse", "set-tag", 1, False),  # the ledger's entry
    ("hang", "set-tag", 1, True),
    ("refuse", "alias", 1, True),
    ("hang", "alias", 1, True),
    ("refuse", "set-tag", 2, True),  # the mark that the entry is applied
]


def test_a_real_server_that_breaks_in_a_promotion(stage, refill, proxy, monkeypatch) -> None:
    raw = RECIPE | {"register": {"model_name": "m", "gate": {"min_gain": -1.0}}}
    stage = replace(stage, recipe=parse_recipe(raw, "test"))
    assert register(stage).alias == "champion"
    refill(stage.root, weights=b"w2")
    assert register(stage).alias == "challenger"
    reigning, other, length = "1", "2", 1
    for fault, path, nth, finished in BREAKS:
        proxy.breaks(fault, f"registered-models/{path}", nth)
        monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "5")
        with pytest.raises(RegistryError, match="failed while"):
            promotion.promote(stage, other, f"{fault} {path}")
        proxy.breaks("", "", 0)
        monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "30")
        if not finished:
            assert open_registry(stage).aliases()["champion"] == reigning
        with at_desk(stage) as desk:
            said = promotion.settle(desk)
            verify(desk.entries)
            assert any("Finished the interrupted promote" in line for line in said) == finished
            if finished:
                reigning, other, length = other, reigning, length + 1
            assert (len(desk.entries), desk.champion) == (length, reigning), (fault, path, nth)
            assert desk.registry.aliases()["champion"] == reigning


def test_a_server_that_always_fails(stage, monkeypatch) -> None:
    class Broken(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.send_response(500)
            self.end_headers()

        do_GET = do_POST

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Broken)
    Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{server.server_port}")
    try:
        begun = time.monotonic()
        with pytest.raises(RegistryError, match="MLflow at"):
            reconcile(stage)
        assert time.monotonic() - begun < 40
    finally:
        server.shutdown()
        server.server_close()


def test_read_only_store_promotes_nothing(stage, refill, monkeypatch) -> None:
    register(stage)
    refill(stage.root, after=0.9, weights=b"w2")
    register(stage)
    database = stage.state / "mlflow" / "mlflow.db"
    with monkeypatch.context() as patched:
        patched.setenv("MLFLOW_TRACKING_URI", f"sqlite:///file:{database}?mode=ro&uri=true")
        with pytest.raises(RegistryError, match="readonly"):
            promotion.promote(stage, "2", "better")
    assert open_registry(stage).aliases()["champion"] == "1"
