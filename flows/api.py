"""Prefect's API for one run in a terminal: a process on loopback that ends with the run.

Prefect can start such a server itself, but begins only when the flow does. Here it comes up while this process
imports the flow, which halves the wait before the first stage.

Its password is made for this one run and lives in the environment of the processes that need it; pages in a browser
and other accounts of the machine get nothing (`flows.gate`).
"""

from __future__ import annotations

import atexit
import os
import secrets
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

from verif.errors import ServiceError
from verif.system.private import private_folder
from verif.system.processes import die_with_parent

HOST = "127.0.0.1"
START_S = 180.0
"""The first start makes the database."""


class RunApi:
    """The server of this process; names itself in `PREFECT_API_URL`, so make it before Prefect is imported."""

    def __init__(self, root: Path) -> None:
        self.log = root / ".verif" / "prefect" / "server.log"
        private_folder(self.log.parent)
        os.environ["PREFECT_API_AUTH_STRING"] = password = f"run:{secrets.token_urlsafe(24)}"
        with socket.socket() as listening, self.log.open("wb") as stream:
            listening.bind((HOST, 0))  # the port is ours from here on: no second run can take it
            os.environ["PREFECT_API_URL"] = self.url = f"http://{HOST}:{listening.getsockname()[1]}/api"
            self.process = subprocess.Popen(
                [sys.executable, "-m", "flows.api", str(listening.fileno())],
                pass_fds=[listening.fileno()],
                env=os.environ | {"PREFECT_SERVER_API_AUTH_STRING": password},
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=stream,
                start_new_session=True,  # Ctrl-C is for the run, which still has to tell the server about it
            )
        # After Prefect's own threads have sent what they hold; those end before any atexit function runs.
        atexit.register(self.stop)

    def wait(self) -> None:
        """Until it answers. Raises `ServiceError`, which names the log, if it ends or takes too long."""
        end = time.monotonic() + START_S
        while True:
            try:
                with urllib.request.urlopen(f"{self.url}/health", timeout=5):  # noqa: S310
                    return
            except (urllib.error.URLError, OSError):
                ended = self.process.poll() is not None
                if ended or time.monotonic() > end:
                    reason = "ended" if ended else f"did not answer within {START_S:.0f} s"
                    raise ServiceError(f"Prefect's API {reason}.", f"See {self.log}") from None
                time.sleep(0.05)

    def stop(self) -> None:
        """End the server."""
        self.process.terminate()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def main() -> None:
    """`python -m flows.api FD`: serve on an open socket."""
    die_with_parent()
    os.environ["PREFECT_UI_ENABLED"] = "false"
    os.environ["PREFECT_API_BLOCKS_REGISTER_ON_START"] = (
        "false"  # no flow has blocks; this takes half a second
    )
    url = urllib.parse.urlsplit(os.environ.pop("PREFECT_API_URL"))  # this is the server
    del os.environ["PREFECT_API_AUTH_STRING"]
    os.environ["PREFECT_SERVER_CORS_ALLOWED_ORIGINS"] = f"http://{url.netloc}"
    import uvicorn
    from prefect.server.api.server import create_app

    from flows.gate import BasicAuth

    gate = BasicAuth(
        create_app(ephemeral=True, final=True), int(url.port or 0)
    )  # Prefect asks for the password
    uvicorn.run(gate, fd=int(sys.argv[1]), log_level="error")


if __name__ == "__main__":
    main()
