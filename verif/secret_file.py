"""Files and folders that only their owner can read: passwords, tokens, and what lies beside them.

A file is made with its final mode, never made and then narrowed, and never through a link that was there before.
Reading checks that nobody else owns it or can read it. It does not protect from root, or from other processes
of the same account.
"""

from __future__ import annotations

import os
import secrets
import stat
from pathlib import Path

from verif.errors import SetupError


def new_secret(path: Path, text: str = "") -> str:
    """Write a secret (a random one by default) to a new file of mode 0600, in place of an old one; returns it."""
    text = text or secrets.token_urlsafe(32)
    path.unlink(missing_ok=True)
    try:
        handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW, 0o600)
    except FileExistsError:
        raise SetupError(f"{path} came back while it was replaced.", "Is another run using it?") from None
    with os.fdopen(handle, "w", encoding="utf-8") as stream:
        stream.write(text)
    return text


def read_secret(path: Path) -> str:
    """A secret's text. `SetupError` if another account owns the file or may read it; a missing one is an OSError."""
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    with os.fdopen(handle, encoding="utf-8") as stream:
        found = os.fstat(stream.fileno())
        if not stat.S_ISREG(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
            raise SetupError(
                f"{path} holds a secret, but is not a file that you own and only you can read.", "Delete it."
            )
        return stream.read()


def private_folder(path: Path) -> Path:
    """Make the folder, or take it away from everybody else. `SetupError` if another account owns it."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = path.stat()
    if found.st_uid != os.getuid():
        raise SetupError(f"{path} belongs to another account.", "Delete it, or use a folder of your own.")
    if found.st_mode & 0o077:
        path.chmod(0o700)
    return path
