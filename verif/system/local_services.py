"""The password of what `make up` started, and how everything here that talks to it gets it.

Servers on loopback are open to every account of the machine and, through a browser, to every web page. So `up` makes
a password, in a file that only its owner can read; it is never on a command line. Whoever talks to those servers, and
to no others, adopts it from there: the addresses are compared before it is given away.
"""

from __future__ import annotations

import json
import os
import secrets
import shlex
from collections.abc import MutableMapping
from pathlib import Path

from verif.errors import SetupError
from verif.system.private import new_secret, private_folder, read_secret

USER = "verif"


def folder(root: Path) -> Path:
    """Where `up` keeps its records and logs."""
    return root / ".verif" / "services"


def password_path(root: Path) -> Path:
    """`verif:PASSWORD`, one line: what Prefect's page asks for; MLflow's asks for the two halves."""
    return folder(root) / "password"


def access_path(root: Path) -> Path:
    """The same as variables, for a shell: `. .verif/services/access`."""
    return folder(root) / "access"


def credentials(line: str) -> dict[str, str]:
    """What clients of both servers read."""
    user, _, password = line.partition(":")
    return {
        "PREFECT_API_AUTH_STRING": line,
        "MLFLOW_TRACKING_USERNAME": user,
        "MLFLOW_TRACKING_PASSWORD": password,
    }


def make(root: Path, servers: dict[str, str]) -> dict[str, str]:
    """A new password, with the addresses it is for; returns addresses and credentials as variables."""
    private_folder(folder(root))
    line = new_secret(password_path(root), f"{USER}:{secrets.token_urlsafe(24)}")
    settings = servers | credentials(line)
    exports = "".join(f"export {name}={shlex.quote(value)}\n" for name, value in settings.items())
    new_secret(access_path(root), exports)
    new_secret(folder(root) / "addresses.json", json.dumps(servers))
    return settings


def forget(root: Path) -> None:
    """The servers have ended; so has the password."""
    for path in (password_path(root), access_path(root), folder(root) / "addresses.json"):
        path.unlink(missing_ok=True)


def addresses(root: Path) -> dict[str, str]:
    """Where the servers of `up` answer, as variables; none where nothing is up."""
    try:
        return dict(json.loads(read_secret(folder(root) / "addresses.json")))
    except OSError:
        return {}
    except ValueError:
        raise SetupError(f"{folder(root)} is damaged.", "`make down`, then `make up`.") from None


def adopt(root: Path, environment: MutableMapping[str, str] = os.environ) -> None:
    """Add the password for those servers of `up` that the environment names; what is set already stays.

    Raises `SetupError` if the files could have been made or read by another account.
    """
    known = addresses(root)
    try:
        given = credentials(read_secret(password_path(root)).strip())
    except OSError:
        return
    for address, prefix in (("PREFECT_API_URL", "PREFECT_"), ("MLFLOW_TRACKING_URI", "MLFLOW_")):
        if environment.get(address, "").rstrip("/") == known.get(address, "-"):
            for name, value in given.items():
                if name.startswith(prefix):
                    environment.setdefault(name, value)
