"""Damaged verdict stores: whatever lies on disk, a look-up is the verdict that was stored or a miss.

`run(seed, seconds)` makes stores, damages rows, pages, headers, sidecar files and schemas, and opens them again. It
fails if anything is raised, if another verdict comes back, if a write is refused for good, or if a file outside the
cache's folder changes.
"""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import sqlite3
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from verif.core.cache import VerdictCache
from verif.core.cache_store import BESIDE, NAME
from verif.types import Status, Verdict

KEYS = [f"{n:032x}" for n in range(12)]
Damage = Callable[[random.Random, Path], None]


def verdict(n: int) -> Verdict:
    """The truth of key n: fails and passes alternate, so that a moved entry is another verdict."""
    status = (Status.PASS, Status.FAIL)[n % 2]
    return Verdict(status=status, covers=(n,), reason=f"reason {n} " * (1 + 40 * (n % 3)), part="judge:x")


def _sql(path: Path, *statements: tuple[str, tuple[Any, ...]]) -> None:
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as database:
        with contextlib.suppress(sqlite3.Error):
            database.execute("PRAGMA writable_schema = ON")
        for statement, values in statements:
            with contextlib.suppress(sqlite3.Error, OverflowError):
                database.execute(statement, values)


def odd_values(rng: random.Random, path: Path) -> None:
    """Bodies of wrong types, lengths and content."""
    for key in KEYS:
        value = rng.choice(
            [1, -(2**63), 2**63 - 1, 0.5, "", "text", b"", b"\0" * 31, rng.randbytes(40), b"x" * (3 << 20)]
        )
        _sql(path, ("UPDATE entries SET body = ? WHERE key = ?", (value, key)))


def odd_keys(rng: random.Random, path: Path) -> None:
    """Keys and numbers that no writer of ours makes."""
    values = [None, 5, 1.5, b"blob", "\0", "../../x", "é", b"\xff\xfe", "x" * 100_000]
    for key in rng.sample(KEYS, 6):
        _sql(path, ("UPDATE OR REPLACE entries SET key = ? WHERE key = ?", (rng.choice(values), key)))
    _sql(path, ("UPDATE entries SET number = ? WHERE key = ?", (2**63 - 1, rng.choice(KEYS))))


def swapped(rng: random.Random, path: Path) -> None:
    """Whole and well signed entries under other keys."""
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as database:
        bodies = [row[0] for row in database.execute("SELECT body FROM entries ORDER BY key")]
    rng.shuffle(bodies)
    for key, body in zip(KEYS, bodies, strict=False):
        _sql(path, ("UPDATE entries SET body = ? WHERE key = ?", (body, key)))


def flipped(rng: random.Random, path: Path) -> None:
    """One changed bit, or a cut, in every body; some say pass for fail."""
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as database:
        rows = list(database.execute("SELECT key, body FROM entries"))
    for key, body in rows:
        changed = bytearray(body)
        changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
        new = rng.choice(
            [bytes(changed), body[: rng.randrange(len(body))], body.replace(b'"fail"', b'"pass"')]
        )
        _sql(path, ("UPDATE entries SET body = ? WHERE key = ?", (new, key)))


def bytes_of_files(rng: random.Random, path: Path) -> None:
    """Random bytes, cuts and growth in the file and those beside it; the header is met often."""
    for end in BESIDE:
        file = Path(f"{path}{end}")
        if not file.is_file() or rng.random() < 0.3:
            continue
        data = bytearray(file.read_bytes())
        for _ in range(rng.choice([1, 4, 60])):
            if data:
                data[rng.randrange(rng.choice([100, len(data)])) % len(data)] = rng.randrange(256)
        cut = rng.random()
        if cut < 0.2:
            data = data[: rng.randrange(len(data) + 1)]
        elif cut < 0.3:
            data += rng.randbytes(rng.randrange(9000))
        file.write_bytes(data)


def planted(rng: random.Random, path: Path) -> None:
    """Sidecar files of rubbish, or of another store."""
    for end in BESIDE[1:]:
        Path(f"{path}{end}").write_bytes(rng.choice([b"", rng.randbytes(5000), path.read_bytes()]))


def schemas(rng: random.Random, path: Path) -> None:
    """Triggers, views, other tables, other definitions of ours."""
    choices = [
        "CREATE TRIGGER t AFTER INSERT ON entries BEGIN DELETE FROM entries; END",
        "CREATE VIEW v AS SELECT load_extension('/nowhere')",
        "DROP TABLE entries",
        "ALTER TABLE entries RENAME TO others",
        "ALTER TABLE entries ADD COLUMN filename TEXT",
        "UPDATE sqlite_master SET sql = 'rubbish'",
        "UPDATE sqlite_master SET rootpage = 999999",
        "UPDATE sqlite_master SET rootpage = 1 WHERE type = 'table'",
        "UPDATE sqlite_master SET name = x'ff'",
        "CREATE TABLE 'entries\0x' (a)",
        "PRAGMA encoding = 'UTF-16'",
        "PRAGMA user_version = -1",
        "PRAGMA journal_mode = DELETE",
    ]
    _sql(path, *((statement, ()) for statement in rng.sample(choices, rng.randrange(1, 4))))


DAMAGES: tuple[Damage, ...] = (odd_values, odd_keys, swapped, flipped, bytes_of_files, planted, schemas)


def case(seed: str, folder: Path) -> str:
    """One damaged store, named by its seed; returns what was done."""
    rng = random.Random(seed)
    outside = folder / "outside"
    outside.write_text("untouched")
    path = folder / "c" / NAME
    cache = VerdictCache(folder / "c", size_mb=1, patience_s=0.2)
    for n, key in enumerate(KEYS):
        cache.set(key, verdict(n))
    if rng.random() < 0.5:
        cache.close()  # else its log is still there
    damage = rng.choice(DAMAGES)
    kept = None
    if rng.random() < 0.2 and damage not in (bytes_of_files, planted):
        kept = cache  # damaged while it is open; a mapped file that is cut ends any process, and only its owner can
    else:
        copied = folder / "d"
        shutil.copytree(folder / "c", copied)  # as after a crash: nobody closes what is copied
        cache.close()
        path = copied / NAME
    damage(rng, path)
    try:
        again = kept or VerdictCache(path.parent, size_mb=1, patience_s=0.2)
        with again._lock:
            again._recent.clear()
        for n, key in enumerate(KEYS):
            found = again.get(key)
            assert found is None or found == verdict(n), f"another verdict under {key}: {found}"
        again.stats()
        for n, key in enumerate(KEYS):
            again.set(key, verdict(n))
            again.set(key, verdict(n))  # the first may have found the damage
        with again._lock:
            again._recent.clear()
        for n, key in enumerate(KEYS):
            found = again.get(key)
            # a damaged index may go on hiding entries; anything else is overwritten or set aside
            whole = damage not in (bytes_of_files, planted)
            assert found == verdict(n) or (found is None and not whole), f"{key} is not kept"
        again.clear()
        again.close()
    except Exception as error:
        raise AssertionError(f"seed {seed}, {damage.__name__}: {type(error).__name__}: {error}") from error
    left = sorted(p.name for p in folder.iterdir() if p.is_dir() is False)
    assert left == ["outside"], f"seed {seed}, {damage.__name__}: files beside the cache: {left}"
    assert outside.read_text() == "untouched", f"seed {seed}: a file outside was changed"
    return damage.__name__


def run(seed: int, seconds: float, cases: int | None = None) -> dict[str, Any]:
    """Cases until the time is over, or so many were tried; how many of each kind."""
    end, counts, number = time.monotonic() + seconds, Counter[str](), 0
    before = os.environ.get("XDG_STATE_HOME")
    memory = Path("/dev/shm")  # every case syncs a dozen files: in memory ten times as many are tried
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as base:
        os.environ["XDG_STATE_HOME"] = f"{base}/state"
        try:
            while time.monotonic() < end and number != cases:
                folder = Path(base) / str(number)
                folder.mkdir()
                counts[case(f"{seed}-{number}", folder)] += 1
                shutil.rmtree(folder)
                number += 1
        finally:
            os.environ.pop("XDG_STATE_HOME")
            if before is not None:
                os.environ["XDG_STATE_HOME"] = before
    return {"cases": number, **counts}
