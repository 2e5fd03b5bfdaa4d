"""Gives TransferQueue's sockets a key that only this run's processes know.

veRL moves rollouts through TransferQueue: ZeroMQ over TCP, and what arrives may be unpickled. Without a key any
account of the machine could send something. ZeroMQ's CURVE closes that: a peer that does not know the server's
public key cannot even begin, so here that key is a secret, derived from Ray's token by every process on its own.
It also encrypts, which matters over several nodes.

TransferQueue's own processes never import veRL, so `verif.training.verl.plugin` does not reach them: Ray runs `install`
in each of its workers (`worker_process_setup_hook`).
"""

from __future__ import annotations

import functools
import hashlib
import importlib
import os
import sys
from pathlib import Path
from typing import Any

from verif.training.verl.after_import import after_import

MODULE = "transfer_queue.utils.zmq_utils"


def token() -> str:
    """Ray's token, where Ray itself looks; empty where Ray asks for none."""
    if os.environ.get("RAY_AUTH_MODE") != "token":
        return ""
    if given := os.environ.get("RAY_AUTH_TOKEN"):
        return given.strip()
    return Path(os.environ["RAY_AUTH_TOKEN_PATH"]).read_text("utf-8").strip()


def keys(secret: str) -> tuple[bytes, bytes]:
    """The public and the secret key of a run, as ZeroMQ writes them."""
    import zmq
    from zmq.utils import z85

    private: bytes = z85.encode(hashlib.sha256(b"transfer queue " + secret.encode()).digest())
    return zmq.curve_public(private), private


def lock(socket: Any, public: bytes, private: bytes) -> None:
    """Set the key on a socket that has not been bound or connected; TransferQueue's servers are routers."""
    import zmq

    socket.curve_publickey, socket.curve_secretkey = public, private
    if socket.type == zmq.ROUTER:
        socket.curve_server = True
    else:
        socket.curve_serverkey = public


def install() -> None:
    """In any process of a run: lock the queue as soon as it is there."""
    after_import(MODULE, lock_queue)


def lock_queue() -> None:
    """Called right after TransferQueue's module that makes sockets was imported."""
    module: Any = importlib.import_module(MODULE)
    secret = token()
    if not secret or hasattr(module.create_zmq_socket, "__wrapped__"):
        return
    public, private = keys(secret)
    original = module.create_zmq_socket

    @functools.wraps(original)
    def create(*arguments: Any, **options: Any) -> Any:
        made = original(*arguments, **options)
        lock(made, public, private)
        return made

    for user in [loaded for name, loaded in sys.modules.items() if name.startswith("transfer_queue")]:
        if getattr(user, "create_zmq_socket", None) is original:  # imported by name before this
            user.create_zmq_socket = create  # type: ignore[attr-defined]
