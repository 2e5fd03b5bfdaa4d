"""A verdict cache on disk as an attacker finds it."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from verif.core.cache import VerdictCache
from verif.core.cache_store import NAME
from verif.types import Status, Verdict


def verdict(status: Status = Status.PASS, reason: str = "r") -> Verdict:
    return Verdict(status=status, covers=(0,), reason=reason, part="judge:x")


def stored(folder: Path, **verdicts: Verdict) -> sqlite3.Connection:
    """A closed cache that holds these verdicts, opened as an attacker opens it."""
    cache = VerdictCache(folder)
    for key, one in verdicts.items():
        cache.set(key, one)
    cache.close()
    return sqlite3.connect(folder / NAME, isolation_level=None)
