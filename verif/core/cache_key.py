"""The secret with which the verdict cache signs its entries: who can write the store but has no key can forge nothing.

It is made once per user, 32 random bytes in the user's own state folder, or it is the file that `VERIF_CACHE_KEY_FILE`
names: the same secret for all users or machines that share a cache. Randomness here touches no verdict: another key
makes old entries misses.
"""

from __future__ import annotations

import os
import secrets
import stat
from pathlib import Path

from verif.errors import SetupError
from verif.system.private import OTHERS, NotPrivateError, private_folder, state_home

KEY_VARIABLE = "VERIF_CACHE_KEY_FILE"
NAME = "cache.key"
SIZE, MOST = 32, 4096


def load_key() -> bytes:
    """The named key, or the user's own, made if there is none yet.

    Raises `SetupError` if there is none to be had or others can read or write it: it must not be used then.
    """
    if named := os.environ.get(KEY_VARIABLE):
        return _read(Path(named), named=True)
    path = state_home() / NAME
    try:
        private_folder(path.parent)
        if not os.path.lexists(path):
            _make(path)
    except OSError as error:
        raise SetupError(
            f"no key can be kept at {path} ({error.strerror}).", f"Set XDG_STATE_HOME or {KEY_VARIABLE}."
        ) from None
    return _read(path, named=False)


def _make(path: Path) -> None:
    """Appears whole and under its name only once, however many processes start together."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    stream = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    try:
        os.write(stream, secrets.token_bytes(SIZE))
        os.fsync(stream)
        path.hardlink_to(temporary)
    except FileExistsError:
        pass  # another process was first: its key is ours
    finally:
        os.close(stream)
        temporary.unlink()


def _read(path: Path, *, named: bool) -> bytes:
    """A secret that a cluster mounts is a link to a file of root's that its group may read; ours is our own alone."""
    owners = {os.geteuid(), 0} if named else {os.geteuid()}
    try:
        stream = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | (0 if named else os.O_NOFOLLOW))
    except OSError as error:
        raise SetupError(
            f"the cache's key {path} cannot be read ({error.strerror}).",
            "Check the file and its permissions.",
        ) from None
    with os.fdopen(stream, "rb") as file:
        state = os.fstat(file.fileno())
        if not stat.S_ISREG(state.st_mode):
            raise NotPrivateError(f"the cache's key {path} is no file.", "Remove it.")
        if state.st_uid not in owners:
            raise NotPrivateError(f"the cache's key {path} belongs to user {state.st_uid}.", "Remove it.")
        mode = stat.S_IMODE(state.st_mode)
        mounted = named and state.st_uid == 0 and not mode & (stat.S_IWGRP | stat.S_IRWXO)
        if mode & OTHERS and not mounted:
            raise NotPrivateError(
                f"others have access to the cache's key {path}.",
                "They may know it: remove it, and a new one is made."
                if not named
                else "Make a new one with mode 0600.",
            )
        key = file.read(MOST + 1)
    if not SIZE <= len(key) <= MOST:
        raise SetupError(f"the cache's key {path} has not {SIZE} to {MOST} bytes.", "Remove or replace it.")
    return key
