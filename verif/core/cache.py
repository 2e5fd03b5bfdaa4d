"""The verdict cache: content-addressed, on disk, shared by stages and processes.

A key holds exactly what a verdict depends on (see `Verifier`), so an entry never has to be invalidated: a
new judge has new keys. Errors are never stored. A corrupted entry is a miss and is reported; a corrupted
store is set aside; a full disk, or a store that somebody else keeps locked, costs the cache, never a verdict.
"""

from __future__ import annotations

import logging
import shutil
import sqlite3
import threading
import time
import zlib
from collections import OrderedDict
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from verif.types import Status, Verdict

log = logging.getLogger("verif.core.cache")

RECENT = 20_000
"""Verdicts kept in memory in front of the disk."""
OFTEN = (1, 10, 100, 1000)
"""The failures that are logged."""
REST_S = 60.0
"""How long a locked store is left alone: every attempt would hold up a verdict for the whole patience."""


class VerdictCache:
    """Verdicts by key. Thread-safe, and safe for several processes on one folder; at most `size_mb` on disk.

    `patience_s`: how long one look-up or write waits for a store that is locked.
    """

    def __init__(self, path: Path, size_mb: int = 512, patience_s: float = 10.0) -> None:
        self.path, self.size_mb, self.patience_s = Path(path), size_mb, patience_s
        self.hits = self.misses = self.corrupt = self.failed_reads = self.failed_writes = 0
        self._recent: OrderedDict[str, Verdict] = OrderedDict()
        self._lock = threading.Lock()
        self._read_after = self._write_after = 0.0
        self._store = self._open()

    def get(self, key: str) -> Verdict | None:
        """The stored verdict, or None."""
        with self._lock:
            if key in self._recent:
                self._recent.move_to_end(key)
                self.hits += 1
                return self._recent[key]
        verdict = self._read(key)
        with self._lock:
            if verdict is None:
                self.misses += 1
            else:
                self.hits += 1
                self._remember(key, verdict)
        return verdict

    def set(self, key: str, verdict: Verdict) -> None:
        """Store a verdict; an error (ours, not the response's) is refused, since it may not happen again."""
        if verdict.status in (Status.ERROR, Status.SKIPPED):
            raise ValueError(f"a verdict with status {verdict.status} must not be cached")
        with self._lock:
            self._remember(key, verdict)
        if self._store is None or time.monotonic() < self._write_after:
            return
        body = verdict.model_dump_json().encode()
        try:
            self._store.set(key, zlib.crc32(body).to_bytes(4, "big") + body)
        except self._unusable as error:
            self._write_after = self._rest(error)
            self.failed_writes += 1
            if self.failed_writes in OFTEN:
                log.warning(
                    "the verdict cache at %s cannot be written (%s); verdicts are not lost, only not kept",
                    self.path,
                    _why(error),
                )

    def stats(self) -> dict[str, Any]:
        """Entries and bytes on disk; hits, misses, corrupted entries and failed writes of this process."""
        entries, size = 0, 0
        try:
            if self._store is not None:
                entries, size = len(self._store), int(self._store.volume())
        except self._unusable as error:
            log.warning("the verdict cache at %s cannot be read: %s", self.path, _why(error))
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
        """Forget everything; returns how many entries there were."""
        with self._lock:
            self._recent.clear()
        return 0 if self._store is None else int(self._store.clear())

    def close(self) -> None:
        """Close the files; the cache may be used again."""
        if self._store is not None:
            self._store.close()

    def _read(self, key: str) -> Verdict | None:
        if self._store is None or time.monotonic() < self._read_after:
            return None
        try:
            raw = self._store.get(key)
        except (sqlite3.OperationalError, self._timeout) as error:  # locked, or no disk: nothing is corrupted
            self._read_after = self._rest(error)
            self.failed_reads += 1
            if self.failed_reads in OFTEN:
                log.warning("the verdict cache at %s cannot be read: %s", self.path, _why(error))
            return None
        except (sqlite3.DatabaseError, OSError, EOFError, ValueError, TypeError) as error:
            self._report(key, error)
            return None
        if raw is None:
            return None
        try:
            if not isinstance(raw, bytes) or zlib.crc32(raw[4:]).to_bytes(4, "big") != raw[:4]:
                raise ValueError("checksum differs")
            return Verdict.model_validate_json(raw[4:])
        except (ValueError, ValidationError) as error:
            self._report(key, error)
            try:
                self._store.delete(key)
            except self._unusable:
                log.debug("the corrupted entry could not be removed")
            return None

    def _rest(self, error: Exception) -> float:
        """When to try again: later if the store was locked, at once after any other failure."""
        locked = isinstance(error, self._timeout) or "locked" in str(error)
        return time.monotonic() + REST_S if locked else 0.0

    def _report(self, key: str, error: Exception) -> None:
        self.corrupt += 1
        log.warning(
            "verdict cache: entry %s in %s is corrupted (%s); treated as a miss",
            key,
            self.path,
            str(error)[:200],
        )

    def _remember(self, key: str, verdict: Verdict) -> None:
        self._recent[key] = verdict
        self._recent.move_to_end(key)
        if len(self._recent) > RECENT:
            self._recent.popitem(last=False)

    def _open(self) -> Any:
        import diskcache

        self._timeout: type[Exception] = diskcache.Timeout  # neither an sqlite3.Error nor an OSError
        self._unusable = (sqlite3.Error, OSError, self._timeout)
        # least-recently-stored: a read writes nothing, so readers never wait for each other
        settings = {
            "size_limit": self.size_mb << 20,
            "eviction_policy": "least-recently-stored",
            "timeout": self.patience_s,
        }
        try:
            store = diskcache.Cache(str(self.path), **settings)
            store.get("probe")
        except (
            sqlite3.OperationalError,
            OSError,
            self._timeout,
        ) as error:  # no space, no permission: not the store's fault
            log.warning(
                "the verdict cache at %s cannot be opened (%s); verdicts are kept in memory only",
                self.path,
                _why(error),
            )
            self.failed_writes += 1
            return None
        except (sqlite3.DatabaseError, EOFError, ValueError, TypeError) as error:
            aside = self.path.with_name(f"{self.path.name}.corrupted-{int(time.time())}")
            log.warning(
                "the verdict cache at %s is corrupted (%s); it is set aside as %s", self.path, error, aside
            )
            self.corrupt += 1
            shutil.move(str(self.path), str(aside))
            return diskcache.Cache(str(self.path), **settings)
        return store


def _why(error: Exception) -> str:
    """diskcache's time-out has no words of its own."""
    return str(error) or "it is locked"
