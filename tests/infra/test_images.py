"""A real Docker engine builds the verifier's image; the container, hardened as in production, gives a verdict.

Runs where an engine answers, or where one can be started (root with dockerd and debootstrap); elsewhere it says
why it was skipped. The CPU image (5 GB, some ten minutes on two cores) is built only with VERIF_TEST_CPU_IMAGE=1.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from verif.cluster import images
from verif.errors import SetupError

docker = pytest.importorskip("docker")
pytestmark = pytest.mark.release


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    try:
        yield images.engine()
        return
    except SetupError:
        pass
    if os.geteuid() != 0 or not shutil.which("dockerd"):
        pytest.skip("no Docker engine answers and none can be started here (needs root and dockerd)")
    folder = tmp_path_factory.mktemp("docker")
    address = f"unix://{folder}/docker.sock"
    process = subprocess.Popen(
        ["dockerd", "--bridge=none", "--iptables=false", "--ip-masq=false", "--data-root", str(folder / "data"),
         "--exec-root", str(folder / "exec"), "--pidfile", str(folder / "pid"), "-H", address],
        stdout=(folder / "log").open("wb"), stderr=subprocess.STDOUT, start_new_session=True,
    )  # fmt: skip
    try:
        for _ in range(60):
            time.sleep(0.5)
            try:
                client = images.engine(address)
                break
            except SetupError:
                if process.poll() is not None:
                    pytest.skip(f"dockerd does not run here: {(folder / 'log').read_text()[-300:]}")
        else:
            pytest.skip("dockerd did not answer within 30 s")
        yield client
        client.close()
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        for mount in (folder / "exec" / "netns").glob(
            "*"
        ):  # dockerd leaves it, and nobody could delete the folder
            subprocess.run(["umount", "--lazy", str(mount)], check=False, capture_output=True)
        shutil.rmtree(folder / "data", ignore_errors=True)


@pytest.fixture(scope="module")
def base(engine: Any, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A Debian base with Python 3.11 that reaches the package index the way this machine does."""
    if os.environ.get("VERIF_TEST_BASE_IMAGE"):
        return os.environ["VERIF_TEST_BASE_IMAGE"]
    if not shutil.which("debootstrap") or os.geteuid() != 0:
        pytest.skip("no base image: set VERIF_TEST_BASE_IMAGE, or install debootstrap and run as root")
    folder = tmp_path_factory.mktemp("base") / "root"
    packages = "--include=ca-certificates,python3,python3-venv,python3-pip"
    made = subprocess.run(
        ["debootstrap", "--variant=minbase", packages, "bookworm", str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    if made.returncode != 0:
        pytest.skip(f"debootstrap failed: {made.stdout[-300:]}")
    for path in ("etc/ssl/certs/ca-certificates.crt", "etc/pip.conf"):
        if Path("/", path).is_file():
            shutil.copy(Path("/", path), folder / path)
    archive = folder.with_suffix(".tar")
    subprocess.run(["tar", "-C", folder, "-cf", archive, "."], check=True)
    changes = ["ENV SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt"]  # uv brings certificates of its own
    engine.api.import_image_from_file(
        str(archive), repository="verif-test-base", tag="latest", changes=changes
    )
    archive.unlink()
    return "verif-test-base:latest"


def request(url: str, body: object = None) -> bytes:
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(
        urllib.request.Request(url, data, {"Content-Type": "application/json"}), timeout=20
    ) as response:
        return response.read()


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def test_verifier_image_gives_a_verdict_as_a_hardened_container(engine: Any, base: str, root: Path) -> None:
    image = images.build(
        engine, root, "verifier", repository="verif-test", arguments={"BASE": base}, network="host"
    )
    assert image.commit == images.commit_of(root)
    assert image.lock == images.lock_digest(root, "verifier")
    assert image in images.built(engine)
    port = free_port()
    container = engine.containers.run(
        image.tag,
        ["serve", "--recipe", "qwen-0.5b-cpu", "--host", "127.0.0.1", "--port", str(port)],
        detach=True,
        network_mode="host",
        read_only=True,
        cap_drop=["ALL"],
        security_opt=["no-new-privileges:true"],
        tmpfs={"/tmp": ""},
    )
    try:
        url = f"http://127.0.0.1:{port}"
        for _ in range(120):
            try:
                request(f"{url}/ready")
                break
            except (OSError, urllib.error.URLError):
                container.reload()
                assert container.status in ("created", "running"), container.logs().decode()[-2000:]
                time.sleep(0.5)
        constraints = [{"kind": "rule", "text": "No commas.", "rule": "punctuation:no_comma"}]
        item = {
            "id": "1",
            "instruction": {"id": "1", "prompt": "Say hello.", "constraints": constraints},
            "response": {"text": "Hello, you."},
        }
        verification = json.loads(request(f"{url}/v1/verify", {"items": [item]}).splitlines()[0])
        assert verification["verdicts"][0]["status"] == "fail"
        assert verification["reward"]["value"] == 0.0
        who = container.exec_run(["id", "-u"])
        assert who.output.strip() == b"10001"
    finally:
        container.remove(force=True)


def test_a_failing_build_says_which_step(engine: Any, base: str, root: Path) -> None:
    with pytest.raises(SetupError, match="needs its base"):
        images.build(engine, root, "trainer")
    with pytest.raises(SetupError, match=r"building the verifier image failed|refused to build"):
        images.build(engine, root, "verifier", arguments={"BASE": "verif-test-base:none"}, network="host")


def test_pushed_images_are_referred_to_by_digest(engine: Any, base: str, root: Path, tmp_path: Path) -> None:
    if not shutil.which("docker-registry"):
        pytest.skip("docker-registry is not installed")
    port = free_port()
    config = tmp_path / "registry.yml"
    config.write_text(
        f"version: 0.1\nstorage:\n  filesystem:\n    rootdirectory: {tmp_path}/registry\nhttp:\n  addr: 127.0.0.1:{port}\n"
    )
    registry = subprocess.Popen(
        ["docker-registry", "serve", str(config)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        for _ in range(60):
            try:
                request(f"http://127.0.0.1:{port}/v2/")
                break
            except OSError:
                time.sleep(0.25)
        image = images.build(
            engine,
            root,
            "verifier",
            repository=f"127.0.0.1:{port}/verif",
            arguments={"BASE": base},
            network="host",
        )
        pushed = images.push(engine, image)
        assert pushed.reference.startswith(f"127.0.0.1:{port}/verif/verifier@sha256:")
        from verif.cluster.config import BY_DIGEST

        assert BY_DIGEST.match(pushed.reference)
    finally:
        registry.kill()
        registry.wait()


@contextmanager
def wheels() -> Iterator[str]:
    """This machine's folder of wheels as a page on loopback; "" where there is none (PyTorch's own index then)."""
    folder = os.environ.get("UV_FIND_LINKS") or os.environ.get("PIP_FIND_LINKS", "")
    if not Path(folder or "/nonexistent").is_dir():
        yield ""
        return
    port = free_port()
    line = [sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1", "--directory", folder]
    page = subprocess.Popen(line, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield f"http://127.0.0.1:{port}/"
    finally:
        page.kill()
        page.wait()


def test_cpu_image_runs_the_fast_tests(engine: Any, base: str, root: Path) -> None:
    if os.environ.get("VERIF_TEST_CPU_IMAGE") != "1":
        pytest.skip("the CPU image takes about ten minutes on two cores; set VERIF_TEST_CPU_IMAGE=1")
    with wheels() as links:
        image = images.build(
            engine,
            root,
            "cpu",
            repository="verif-test",
            arguments={"BASE": base, "LINKS": links},
            network="host",
        )
    container = engine.containers.run(
        image.tag, ["make", "test-fast"], network_mode="host", shm_size="1g", detach=True
    )
    try:
        said = b"".join(container.logs(stream=True)).decode()
        assert container.wait()["StatusCode"] == 0, said[-6000:]
        assert " passed" in said
    finally:
        container.remove(force=True)
    command = [
        "sh",
        "-c",
        "git rev-parse HEAD && git status --porcelain && git remote && verif plan local >/dev/null",
    ]
    commit = engine.containers.run(image.tag, command, network_mode="host", remove=True).decode()
    assert commit.strip() == image.commit.removesuffix("-dirty") or image.commit.endswith("-dirty")
