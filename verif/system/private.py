"""Folders and files that only their owner may change, because what lies in them is trusted.

Whoever can write a lease can name a process to end, and whoever can write a checkpoint can run code. So such a place
is made for its owner alone, and looked at before it is used: a real folder (no symbolic link), the caller's own, and
writable by nobody else. A group that has only the caller in it, as many systems give each user, is the caller.
This is no defence against the caller's own account, or against root.
"""

from __future__ import annotations

import grp
import os
import pwd
import secrets
import stat
from collections.abc import Callable
from pathlib import Path

from verif.errors import SetupError

OTHERS = stat.S_IRWXG | stat.S_IRWXO
WRITE = stat.S_IWGRP | stat.S_IWOTH


class NotPrivateError(SetupError):
    """A place that somebody else can change, or made."""


def state_home() -> Path:
    """The user's own state folder of verif: `$XDG_STATE_HOME/verif`, else `~/.local/state/verif`."""
    base = os.environ.get("XDG_STATE_HOME", "")
    try:
        return (Path(base) if Path(base).is_absolute() else Path.home() / ".local" / "state") / "verif"
    except RuntimeError:
        raise SetupError("there is no home folder.", "Set HOME or XDG_STATE_HOME.") from None


def private_folder(path: Path) -> Path:
    """The folder, made if it is missing, and closed to others; `NotPrivateError` if it is not ours alone."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        path.mkdir(mode=0o700)
    except FileExistsError:
        require_folder(path)
    if stat.S_IMODE(path.lstat().st_mode) & OTHERS:
        path.chmod(0o700)
    return path


def require_folder(path: Path) -> None:
    """`NotPrivateError` unless this is a folder of ours which nobody else can write to."""
    _require(path, path.lstat(), stat.S_ISDIR, "folder")


def require_file(path: Path) -> None:
    """`NotPrivateError` unless this is a file of ours which nobody else can write to; absent is well."""
    try:
        state = path.lstat()
    except FileNotFoundError:
        return
    _require(path, state, stat.S_ISREG, "file")
    if state.st_nlink != 1:
        raise NotPrivateError(f"{path} has a second name elsewhere (a hard link).", "Remove it.")


def require_tree(folder: Path) -> None:
    """`NotPrivateError` unless the folder and all below it are ours, and neither links nor writable by everybody.

    The folder above must be ours alone, so that a group which may write further down does not get there.
    """
    require_folder(folder.parent)
    for path in (folder, *folder.rglob("*")):
        state = path.lstat()
        kind = stat.S_ISDIR if stat.S_ISDIR(state.st_mode) else stat.S_ISREG
        _require(path, state, kind, "file or folder", stat.S_IWOTH)


def _require(
    path: Path, state: os.stat_result, kind: Callable[[int], bool], noun: str, write: int = WRITE
) -> None:
    if not kind(state.st_mode):
        what = "a symbolic link" if stat.S_ISLNK(state.st_mode) else f"no {noun}"
        raise NotPrivateError(f"{path} is {what}.", "Remove it.")
    if state.st_uid != os.geteuid():
        raise NotPrivateError(
            f"{path} belongs to user {state.st_uid}, not to {os.geteuid()} who runs this.",
            "Remove it, or give it to who runs this (chown).",
        )
    open_to = state.st_mode & write
    if open_to & stat.S_IWOTH or (open_to and not _only_us(state.st_gid)):
        raise NotPrivateError(f"others can write to {path}.", f"Look at it, then: chmod -R go-w {path}")


def _only_us(group: int) -> bool:
    """Whether a group is the caller's own: of the same number, and without other members."""
    if group == 0 or group != os.geteuid():
        return False
    try:
        members = set(grp.getgrgid(group).gr_mem)
        return members <= {pwd.getpwuid(os.geteuid()).pw_name}
    except KeyError:  # a number without a name, as in containers
        return True


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
        state = os.fstat(stream.fileno())
        if not stat.S_ISREG(state.st_mode) or state.st_uid != os.getuid() or state.st_mode & 0o077:
            raise SetupError(
                f"{path} holds a secret, but is not a file that you own and only you can read.", "Delete it."
            )
        return stream.read()
