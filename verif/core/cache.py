"""The verdict cache: content-addressed, on disk, shared by stages and processes.

A key holds exactly what a verdict depends on (see `Verifier`), so an entry never has to be invalidated: a
new judge has new keys. Errors are never stored. A corrupted entry is a miss and is reported; a corrupted
store is set aside; a full disk, or a store that somebody else keeps locked, costs the cache, never a verdict.

Nothing on disk is believed: an entry is JSON with a digest over key and text, made with a secret (`cache_key`), so that
who can write the store can neither forge a verdict nor move one to another key. Without that secret, or where others
can write to the folder, verdicts are kept in memory only, and that is said once.
"""

from __future__ import annotations

import hmac
import logging
import sqlite3
import threading
import time
from collections import OrderedDict
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from verif.core import cache_store
from verif.core.cache_key import load_key
from verif.core.cache_store import Store
from verif.errors import BusyError, SetupError
from verif.system.private import private_folder
from verif.types import Status, Verdict

log = logging.getLogger("verif.core.cache")

RECENT = 20_000
"""Verdicts kept in memory in front of the disk."""
RECENT_BYTES = 64 << 20
"""What these may take, by estimate."""
OFTEN = (1, 10, 100, 1000)
"""The failures that are logged."""
REST_S = 60.0
"""How long a locked store is left alone: every attempt would hold up a verdict for the whole patience."""
REPAIRS = 3
"""How often one process sets a damaged store aside; after that it keeps verdicts in memory only."""
FORM = b"verif verdict 1"
"""Signed with each entry; to be changed with the form of a body."""
MAC = 32
UNUSABLE = (sqlite3.Error, OSError, ValueError, OverflowError, MemoryError)

_said: set[str] = set()


class VerdictCache:
    """Verdicts by key. Thread-safe, and safe for several processes on one folder; at most `size_mb` on disk.

    `patience_s`: how long one look-up or write waits for a store that is locked.
    """

    def __init__(self, path: Path, size_mb: int = 512, patience_s: float = 10.0) -> None:
        self.path, self.size_mb, self.patience_s = Path(path), size_mb, patience_s
        self.hits = self.misses = self.corrupt = self.failed_reads = self.failed_writes = 0
        self._recent: OrderedDict[str, tuple[Verdict, int]] = OrderedDict()
        self._weight = self._repairs = 0
        self._lock, self._mending = threading.Lock(), threading.Lock()
        self._read_after = self._write_after = 0.0
        self._secret = b""
        self._store = self._open()

    def get(self, key: str) -> Verdict | None:
        """The stored verdict, or None."""
        if (known := self.recall(key)) is not None:
            return known
        verdict, weight = self._read(key)
        with self._lock:
            if verdict is None:
                self.misses += 1
            else:
                self.hits += 1
                self._remember(key, verdict, weight)
        return verdict

    def recall(self, key: str) -> Verdict | None:
        """The verdict if it is in memory: never waits for the disk, so it may be asked on an event loop."""
        with self._lock:
            if key not in self._recent:
                return None
            self._recent.move_to_end(key)
            self.hits += 1
            return self._recent[key][0]

    def set(self, key: str, verdict: Verdict) -> None:
        """Store a verdict; an error (ours, not the response's) is refused, since it may not happen again."""
        if verdict.status in (Status.ERROR, Status.SKIPPED):
            raise ValueError(f"a verdict with status {verdict.status} must not be cached")
        try:
            body = verdict.model_dump_json().encode()
        except ValueError as error:  # a lone surrogate in its evidence
            log.debug("a verdict that is no JSON is not kept: %s", error)
            return
        with self._lock:
            self._remember(key, verdict, len(body))
        store = self._store
        if store is None or time.monotonic() < self._write_after:
            return
        try:
            store.set(key, self._sign(key, body) + body)
        except UNUSABLE as error:
            self._write_after = self._rest(error)
            self.failed_writes += 1
            if self.failed_writes in OFTEN:
                log.warning(
                    "the verdict cache at %s cannot be written (%s); verdicts are not lost, only not kept",
                    self.path,
                    _why(error),
                )
            self._mend(store, error)

    def stats(self) -> dict[str, Any]:
        """Entries and bytes on disk; hits, misses, corrupted entries and failed writes of this process."""
        entries, size, store = 0, 0, self._store
        try:
            if store is not None:
                entries, size = store.size()
        except UNUSABLE as error:
            log.warning("the verdict cache at %s cannot be read: %s", self.path, _why(error))
            self._mend(store, error)
        return {
            "path": str(self.path),
            "entries": entries,
            "bytes": size,
            "limit_bytes": self.size_mb << 20,
            "hits": self.hits,
            "misses": self.misses,
            "corrupt": self.corrupt,
            "failed_writes": self.failed_writes,
        }

    def clear(self) -> int:
        """Forget everything; returns how many entries there were. `BusyError` if the store cannot be emptied now."""
        with self._lock:
            self._recent.clear()
            self._weight = 0
        store = self._store
        try:
            return 0 if store is None else store.clear()
        except UNUSABLE as error:
            if self._mend(store, error):
                return 0
            raise BusyError(
                f"the verdict cache at {self.path} cannot be emptied: {_why(error)}.", "Try again later."
            ) from None

    def close(self) -> None:
        """Close the files; the cache may be used again."""
        if self._store is not None:
            self._store.close()

    def _sign(self, key: str, body: bytes) -> bytes:
        """Over the key too: an entry under another key is a forged one."""
        name = key.encode("utf-8", "surrogatepass")
        return hmac.digest(self._secret, b"%b %d %b%b" % (FORM, len(name), name, body), "sha256")

    def _read(self, key: str) -> tuple[Verdict | None, int]:
        store = self._store
        if store is None or time.monotonic() < self._read_after:
            return None, 0
        try:
            raw = store.get(key)
        except UNUSABLE as error:
            if isinstance(error, sqlite3.DataError) or cache_store.is_damage(error):
                self._report(key, error)
                self._mend(store, error)
            else:  # locked, or no disk: nothing is corrupted
                self._read_after = self._rest(error)
                self.failed_reads += 1
                if self.failed_reads in OFTEN:
                    log.warning("the verdict cache at %s cannot be read: %s", self.path, _why(error))
            return None, 0
        if raw is None:
            return None, 0
        body = raw[MAC:]
        try:
            if not hmac.compare_digest(raw[:MAC], self._sign(key, body)):
                raise ValueError("its digest is not ours")
            return Verdict.model_validate_json(body), len(body)
        except (ValueError, ValidationError) as error:
            self._report(key, error)
            return None, 0

    def _rest(self, error: Exception) -> float:
        """When to try again: later if the store was locked, at once after any other failure."""
        return time.monotonic() + REST_S if cache_store.is_locked(error) else 0.0

    def _report(self, key: str, error: Exception) -> None:
        self.corrupt += 1
        if self.corrupt in OFTEN:  # under another key all of them are
            log.warning(
                "verdict cache: entry %s in %s is corrupted (%s); treated as a miss",
                key,
                self.path,
                str(error)[:200],
            )

    def _remember(self, key: str, verdict: Verdict, size: int) -> None:
        weight = 1000 + 8 * size  # an object of Python's is several times its text
        if weight > RECENT_BYTES // 16:
            return
        if key in self._recent:
            self._weight -= self._recent[key][1]
        self._recent[key] = verdict, weight
        self._recent.move_to_end(key)
        self._weight += weight
        while len(self._recent) > RECENT or self._weight > RECENT_BYTES:
            self._weight -= self._recent.popitem(last=False)[1][1]

    def _open(self) -> Store | None:
        try:
            self._secret = load_key()
            private_folder(self.path)
            if cache_store.set_aside(self.path, cache_store.OLD, "old"):
                log.warning(
                    "%s holds verdicts of an earlier version: they are not read, and their files may be deleted",
                    self.path,
                )
            return Store(self.path, self.size_mb, self.patience_s)
        except SetupError as error:  # no key, or not our folder
            if str(error) not in _said:
                _said.add(str(error))
                log.warning("verdicts are kept in memory only: %s", error)
            return None
        except UNUSABLE as error:
            if not isinstance(error, sqlite3.DataError) and not cache_store.is_damage(error):
                log.warning(  # no space, no permission: not the store's fault
                    "the verdict cache at %s cannot be opened (%s); verdicts are kept in memory only",
                    self.path,
                    _why(error),
                )
                self.failed_writes += 1
                return None
            self.corrupt += 1
            return self._replace(error)

    def _mend(self, store: Store | None, error: Exception) -> bool:
        """A new store in place of one that has proved damaged, once for all threads."""
        if not cache_store.is_damage(error):
            return False
        with self._mending:
            if store is not None and self._store is store:
                store.close()
                self._store = self._replace(error)
        return True

    def _replace(self, error: Exception) -> Store | None:
        log.warning(
            "the verdict cache at %s is corrupted (%s); it is set aside as %s.corrupted",
            self.path,
            error,
            cache_store.NAME,
        )
        self._repairs += 1
        try:
            if self._repairs > REPAIRS:
                raise OSError("it was set aside too often")
            cache_store.set_aside(self.path, cache_store.NAME, "corrupted")
            return Store(self.path, self.size_mb, self.patience_s)
        except (*UNUSABLE, SetupError) as again:
            log.warning("verdicts are kept in memory only: %s", _why(again))
            return None


def _why(error: Exception) -> str:
    return "it is locked" if cache_store.is_locked(error) else str(error) or type(error).__name__
