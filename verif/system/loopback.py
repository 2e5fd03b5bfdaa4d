"""Makes torch's stores listen on loopback only, which torch itself has no setting for.

Every process group meets at a `TCPStore`: a key-value server without a password, which binds all addresses of the
machine whatever its host name is. It takes a socket that listens already, though (`master_listen_fd`), so a server
whose host is 127.0.0.1 gets one that is bound there. Servers on other hosts, as runs over several nodes have them,
are left alone, and so are clients.

Loaded in training by `verif.training.verl.plugin`, in `vllm serve` as `--worker-extension-cls verif.system.loopback.Extension`.
"""

from __future__ import annotations

import contextlib
import importlib
import socket
import sys
from typing import Any

LOOPBACK = ("127.0.0.1", "localhost")


class Extension:
    """What vLLM mixes into its worker. It adds nothing: importing this module before the worker starts is the point."""


def listening(port: int) -> int:
    """The descriptor of a socket that listens on loopback; whoever gets it closes it."""
    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind(("127.0.0.1", port))
        server.listen(128)
        return server.detach()


def bind_stores() -> None:
    """From here on torch's rendezvous makes such stores."""
    rendezvous = importlib.import_module("torch.distributed.rendezvous")
    original = rendezvous.TCPStore
    if original.__module__ == __name__:
        return

    def store(host_name: str, port: int, *arguments: Any, is_master: bool = False, **options: Any) -> Any:
        if is_master and host_name in LOOPBACK:
            with contextlib.suppress(OSError):  # taken: by a store of this process, which torch then shares
                options["master_listen_fd"] = listening(port)
        return original(host_name, port, *arguments, is_master=is_master, **options)

    rendezvous.TCPStore = store  # type: ignore[attr-defined]


if "vllm" in sys.modules:
    bind_stores()
