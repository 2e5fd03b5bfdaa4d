"""What of a working tree's changes may travel: a patch without what looks like a secret, and what was left out and why.

Tracked files and what was added to the index travel; a file that nobody added only from `FOLDERS`, as text, up to
`MAX_NEW`. Of all of them nothing whose name is denied, and no hunk that holds a secret, in its context and its heading
too. A patch without a hunk still applies: git finds the place of the others by their context.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from verif.system.disclosure.content import decoded, find_secret
from verif.system.disclosure.names import denied_name
from verif.system.git import ask

FOLDERS = ("benchmarks", "flows", "infra", "recipes", "scripts", "sweeps", "verif")
"""Where an experiment's own files lie. What is elsewhere and was never added stays here."""
MAX_NEW = 1_000_000
"""Bytes up to which a file that was never added travels."""
_DIFF = (
    "diff", "HEAD", "--binary", "--no-renames", "--no-ext-diff", "--no-textconv", "--no-color", "--submodule=short",
    "--src-prefix=a/", "--dst-prefix=b/",
)  # fmt: skip
_FILE = re.compile(r"^(?=diff --git )", re.MULTILINE)
_HUNK = re.compile(r"^(?=@@ )", re.MULTILINE)


@dataclass(frozen=True)
class Changes:
    """The patch; how many tracked and new files it holds; who was withheld as a secret or left out otherwise, and why."""

    patch: str = ""
    changed: int = 0
    added: int = 0
    withheld: tuple[tuple[str, str], ...] = ()
    left_out: tuple[tuple[str, str], ...] = ()

    @property
    def line(self) -> str:
        """What travels, in one line for whoever watches."""
        said = f"lineage: {self.changed} {'file' if self.changed == 1 else 'files'} changed, {self.added} untracked"
        for what, files in (("withheld", self.withheld), ("left out", self.left_out)):
            if files:
                said += f"; {what}: {named(files)}"
        return said


def named(files: tuple[tuple[str, str], ...], limit: int = 20) -> str:
    """Files with the reason behind each, on one line whatever the names hold."""
    shown = [f"{printable(path)} ({reason})" for path, reason in files[:limit]]
    return ", ".join(shown) + (f" and {len(files) - limit} more" if len(files) > limit else "")


def printable(text: str) -> str:
    """A text that cannot break a line or move a terminal's cursor."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


def changes(root: Path) -> Changes:
    """What differs from the commit, less what may not travel. The index is left alone."""
    new = untracked(root)
    reasons = {path: reason for path in new if (reason := _stays(root, path))}
    wanted = [path for path in new if path not in reasons]
    with tempfile.TemporaryDirectory(prefix="verif-") as name:
        env = _index_with(root, wanted, Path(name)) if wanted else {}
        text = ask(root, *_DIFF, env=env).output
        listed = ask(root, *_DIFF, "--name-only", "-z", env=env).output
    paths, sections = [p for p in listed.split("\0") if p], [s for s in _FILE.split(text) if s]
    secret = {path: reason for path, reason in reasons.items() if reason.startswith(("name", "content"))}
    other = {path: reason for path, reason in reasons.items() if path not in secret}
    if len(paths) != len(sections):  # nothing is sent that was not looked through under its own name
        return Changes("", withheld=(("all changes", "git's list and its patch differ"),))
    kept, changed, added = [], 0, 0
    for path, section in zip(paths, sections, strict=True):
        section, reason = _looked_through(root, path, section)
        if reason:
            secret[path] = reason
        if section:
            kept.append(section)
            added, changed = added + (path in wanted), changed + (path not in wanted)
    return Changes("".join(kept), changed, added, tuple(sorted(secret.items())), tuple(sorted(other.items())))


def untracked(root: Path) -> list[str]:
    """Files that are neither in the repository nor ignored. dvc.lock is always one (it is kept by itself)."""
    listed = ask(root, "ls-files", "--others", "--exclude-standard", "-z").output
    return [name for name in listed.split("\0") if name and not name.endswith("/") and name != "dvc.lock"]


def _stays(root: Path, name: str) -> str:
    """Why a file that was never added stays here; an empty string if it may travel."""
    path, folder = root / name, name.partition("/")
    if denied_name(name):
        return "name"
    if not path.is_symlink() and not path.is_file():
        return "no file"
    if not folder[1] or folder[0] not in FOLDERS:
        return "not added, and in no folder that travels"
    if path.is_symlink():
        return f"content: {reason}" if (reason := find_secret(str(path.readlink()), name)) else ""
    if path.stat().st_size > MAX_NEW:
        return f"more than {MAX_NEW // 1000} kB"
    data = path.read_bytes()
    if reason := find_secret(decoded(data), name):
        return f"content: {reason}"
    return "binary" if b"\0" in data else ""


def _index_with(root: Path, names: list[str], folder: Path) -> dict[str, str]:
    """The environment in which git sees these files as added, in a copy of the index."""
    index, own = folder / "index", root / ask(root, "rev-parse", "--git-path", "index").text
    if own.is_file():
        shutil.copyfile(own, index)
    listed = folder / "new"
    listed.write_bytes(b"\0".join(os.fsencode(name) for name in names))
    env = {"GIT_INDEX_FILE": str(index)}
    said = f"--pathspec-from-file={listed}"
    ask(root, "--literal-pathspecs", "add", "--intent-to-add", said, "--pathspec-file-nul", env=env)
    return env


def _looked_through(root: Path, path: str, section: str) -> tuple[str, str]:
    """A file's part of the patch without what may not travel, and why that is."""
    if denied_name(path):
        return "", "name"
    head, *hunks = _HUNK.split(section)
    if "\nGIT binary patch\n" in head:  # both versions travel, compressed: look at them, not at the patch
        here = root / path
        kept = [ask(root, "cat-file", "blob", f"{where}:{path}").output for where in ("HEAD", "")]
        versions = [text.encode("utf-8", "surrogateescape") for text in kept]
        if here.is_file() and not here.is_symlink():
            versions.append(here.read_bytes())
        reason = next((secret for data in versions if (secret := find_secret(decoded(data), path))), "")
        return ("", f"content: {reason}") if reason else (section, "")
    reasons = [find_secret(_lines(hunk), path) for hunk in hunks]
    if not any(reasons):
        return section, ""
    kept = [hunk for hunk, reason in zip(hunks, reasons, strict=True) if not reason]
    why = f"content: {next(reason for reason in reasons if reason)}"
    return (
        (head + "".join(kept), f"{why}, in {len(hunks) - len(kept)} of {len(hunks)} places")
        if kept
        else ("", why)
    )


def _lines(hunk: str) -> str:
    """A hunk's lines as the file has them; the heading, which git takes from above the hunk, is one of them."""
    heading, _, body = hunk.partition("\n")
    lines = [heading.split("@@", 2)[-1].strip(), *(line[1:] for line in body.split("\n"))]
    return "\n".join(lines)
