"""What veRL's processes open inside a run: torch's stores on loopback, TransferQueue only for those with the key."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

from verif.errors import SetupError
from verif.system.private import new_secret, private_folder, read_secret

STORE = """
import psutil, sys
from verif.system.loopback import bind_stores
bind_stores(); bind_stores()
import torch.distributed as dist
for turn in range(2):  # the second meets at the same address again
    dist.init_process_group("gloo", init_method=f"tcp://127.0.0.1:{sys.argv[1]}", rank=0, world_size=1)
    dist.barrier()
    print(*sorted({c.laddr.ip for c in psutil.Process().net_connections("inet") if c.status == "LISTEN"}))
    dist.destroy_process_group()
"""


@pytest.mark.slow
def test_torchs_store_listens_on_loopback_and_still_meets(root: Path) -> None:
    pytest.importorskip("torch")
    from verif.system.serving import free_port

    line = [sys.executable, "-c", STORE, str(free_port())]
    done = subprocess.run(line, capture_output=True, text=True, cwd=root, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert set(done.stdout.split()) == {"127.0.0.1"}  # torch itself: all addresses


@pytest.mark.slow
def test_only_who_knows_the_runs_token_can_speak_to_its_queue(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    zmq = pytest.importorskip("zmq")
    sockets = pytest.importorskip("transfer_queue.utils.zmq_utils")
    from verif.training.verl.queue_key import keys, lock, lock_queue

    monkeypatch.setattr(sockets, "create_zmq_socket", sockets.create_zmq_socket)
    plain = sockets.create_zmq_socket
    monkeypatch.setenv("RAY_AUTH_MODE", "token")
    monkeypatch.setenv("RAY_AUTH_TOKEN_PATH", str(tmp_path / "token"))
    monkeypatch.delenv("RAY_AUTH_TOKEN", raising=False)
    new_secret(tmp_path / "token", "t" * 43)
    lock_queue()
    context = zmq.Context()
    try:
        server = sockets.create_zmq_socket(context, zmq.ROUTER, "127.0.0.1")
        port = server.bind_to_random_port("tcp://127.0.0.1")

        def arrives(client: Any) -> bool:
            client.setsockopt(zmq.LINGER, 0)
            client.connect(f"tcp://127.0.0.1:{port}")
            client.send(b"hello")
            return bool(server.poll(300)) and server.recv_multipart()[-1] == b"hello"

        guess = plain(context, zmq.DEALER, "127.0.0.1")
        lock(guess, *keys("w" * 43))
        assert not arrives(plain(context, zmq.DEALER, "127.0.0.1"))
        assert not arrives(guess)
        assert arrives(sockets.create_zmq_socket(context, zmq.DEALER, "127.0.0.1"))
    finally:
        context.destroy(linger=0)


def test_a_secret_file_is_never_readable_by_others_not_even_for_a_moment(tmp_path: Path) -> None:
    path, victim = tmp_path / "token", tmp_path / "victim"
    victim.write_text("keep")
    path.symlink_to(victim)  # somebody was here before
    secret = new_secret(path)
    assert len(secret) >= 40
    assert victim.read_text() == "keep"
    assert path.stat().st_mode & 0o777 == 0o600
    assert read_secret(path) == secret != new_secret(path)
    path.chmod(0o604)
    with pytest.raises(SetupError, match="only you can read"):
        read_secret(path)
    folder = tmp_path / "folder"
    folder.mkdir(mode=0o755)
    assert private_folder(folder).stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("mode", ["", "disabled"])
def test_without_rays_token_the_queue_has_no_key(mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from verif.training.verl.queue_key import token

    monkeypatch.setenv("RAY_AUTH_MODE", mode)
    monkeypatch.setenv("RAY_AUTH_TOKEN", "x")
    assert token() == ""


QUEUE = """
import sys, torch
from verif.training.verl import queue_key
queue_key.install()
import ray
ray.init(num_cpus=4, include_dashboard=False, object_store_memory=100_000_000, _temp_dir=sys.argv[1],
         runtime_env={"worker_process_setup_hook": "verif.training.verl.queue_key.install"})
import transfer_queue
transfer_queue.init()
transfer_queue.kv_put(key="a", partition_id="p", fields={"x": torch.arange(3)}, tag={})
print("got", [row.tolist() for row in transfer_queue.kv_batch_get(keys="a", partition_id="p")["x"].unbind()])
"""


@pytest.mark.e2e
def test_the_queues_own_processes_have_the_key_too(root: Path) -> None:
    """They never import veRL; without the key they would hear nobody, and a run would wait for ever."""
    pytest.importorskip("transfer_queue")
    folder = Path(tempfile.mkdtemp(prefix="vr", dir="/tmp"))  # short: it holds sockets
    new_secret(folder / "token")
    env = {k: v for k, v in os.environ.items() if not k.startswith("RAY_")} | {
        "RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN_PATH": str(folder / "token"),
        "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0", "RAY_enable_worker_prestart": "0", "PYTHONPATH": str(root),
    }  # fmt: skip
    try:
        line = [sys.executable, "-c", QUEUE, str(folder)]
        done = subprocess.run(line, env=env, capture_output=True, text=True, timeout=300, check=False)
        assert "got [[0, 1, 2]]" in done.stdout, done.stderr[-3000:]
    finally:
        shutil.rmtree(folder, ignore_errors=True)
