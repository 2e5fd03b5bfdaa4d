"""Bytes by key in one SQLite file: nothing is unpickled, no row names a file, and only tables of ours are used.

A store is safe for threads, and for processes on one folder. It raises `sqlite3.Error` or `OSError`, and says which
of those mean damage; what follows from that is the cache's business (`verif.core.cache`). It believes nothing of what the
file says: a value is at most `LARGEST` bytes, and its meaning is for the caller to prove.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from verif.system.private import private_folder, require_file

NAME = "verdicts.sqlite"
OLD = "cache.db"
"""The store of earlier versions, which held pickles: never opened."""
BESIDE = ("", "-wal", "-shm", "-journal")
TABLE = "CREATE TABLE entries (number INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, body BLOB NOT NULL)"
SCHEMA = {(b"table", b"entries", TABLE.encode()), (b"index", b"sqlite_autoindex_entries_1", None)}
LARGEST = 1 << 20
"""Bytes of a value; SQLite refuses to build a larger one, whatever a row says."""
LOOK_EVERY = 32
"""Writes between two looks at the size."""
DAMAGE = {
    sqlite3.SQLITE_ERROR,  # of statements that are right
    sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_NOTADB,
    sqlite3.SQLITE_FORMAT,
    sqlite3.SQLITE_MISMATCH,
    sqlite3.SQLITE_READONLY,  # a damaged header can say so; where the disk does, setting it aside fails as well
}
SPARE = 10
"""A full store gives up one part in so many, the entries stored first."""


class Store:
    """Open for use. One connection reads and one writes, so that no reader waits for a writer of its own process."""

    def __init__(self, folder: Path, size_mb: int, patience_s: float) -> None:
        self.path, self.most, self.patience_s = folder / NAME, size_mb << 20, patience_s
        self._process, self._forked = os.getpid(), list[Any]()
        self._reset()
        private_folder(folder)
        _prepare(self.path)
        with self._connection(self._reader) as database:
            database.execute("SELECT 1 FROM entries LIMIT 1").fetchone()

    def get(self, key: str) -> bytes | None:
        """The value, or None; a value that is no blob is empty, which is nobody's value."""
        with self._connection(self._reader) as database:
            row = database.execute(
                "SELECT typeof(body) = 'blob', body FROM entries WHERE key = ?", (key,)
            ).fetchone()
        return None if row is None else row[1] if row[0] else b""

    def set(self, key: str, value: bytes) -> None:
        """Store; at the limit the entries that were stored first go. A value over `LARGEST` is left out."""
        if len(value) + len(key) > LARGEST - 1000:
            return
        with self._connection(self._writer) as database:
            database.execute("INSERT OR REPLACE INTO entries (key, body) VALUES (?, ?)", (key, value))
            self._writes += 1
            if self._writes % LOOK_EVERY == 0:
                self._shrink(database)

    def clear(self) -> int:
        """Forget all; returns how many there were."""
        with self._connection(self._writer) as database:
            return database.execute("DELETE FROM entries").rowcount

    def size(self) -> tuple[int, int]:
        """Entries, and bytes on disk."""
        with self._connection(self._reader) as database:
            count = int(database.execute("SELECT count(*) FROM entries").fetchone()[0])
            return count, _bytes(database)

    def close(self) -> None:
        """Close the files; the next use opens them again."""
        for part in (self._reader, self._writer) if self._process == os.getpid() else ():
            with part.lock:
                if part.database is not None:
                    part.database.close()
                    part.database = None

    def _shrink(self, database: sqlite3.Connection) -> None:
        while _bytes(database) > self.most:
            count = int(database.execute("SELECT count(*) FROM entries").fetchone()[0])
            if not count:
                return
            database.execute(
                "DELETE FROM entries WHERE number IN (SELECT number FROM entries ORDER BY number LIMIT ?)",
                (1 + count // SPARE,),
            )

    def _reset(self) -> None:
        self._reader, self._writer, self._writes = _Part(), _Part(), 0

    @contextlib.contextmanager
    def _connection(self, part: _Part) -> Iterator[sqlite3.Connection]:
        if self._process != os.getpid():  # forked: an inherited connection may be neither used nor closed
            self._forked += [self._reader, self._writer]
            part = self._after_fork(part)
        if not part.lock.acquire(timeout=self.patience_s):
            raise sqlite3.OperationalError("database is locked")
        try:
            if part.database is None:
                part.database = connect(self.path, self.patience_s)
            yield part.database
        finally:
            part.lock.release()

    def _after_fork(self, part: _Part) -> _Part:
        reads = part is self._reader
        self._process = os.getpid()
        self._reset()
        return self._reader if reads else self._writer


class _Part:
    """A connection, and the lock under which it is used."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.database: sqlite3.Connection | None = None


def connect(path: Path, patience_s: float) -> sqlite3.Connection:
    """A connection to a store that holds our table and nothing else; `sqlite3.DatabaseError` if it holds more."""
    limit = time.monotonic() + patience_s
    while True:
        database = sqlite3.connect(
            path, timeout=patience_s, isolation_level=None, check_same_thread=False, cached_statements=16
        )
        try:
            _harden(database)
            return database
        except sqlite3.OperationalError as error:
            database.close()
            # SQLite does not wait where two processes turn to WAL at once
            if not is_locked(error) or time.monotonic() > limit:
                raise
            time.sleep(0.01)
        except BaseException:
            database.close()
            raise


def _harden(database: sqlite3.Connection) -> None:
    database.text_factory = bytes
    database.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LARGEST)
    database.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
    database.setlimit(sqlite3.SQLITE_LIMIT_TRIGGER_DEPTH, 0)
    for setting in ("trusted_schema = OFF", "cell_size_check = ON", "mmap_size = 0"):
        database.execute(f"PRAGMA {setting}")
    schema = _schema(database)
    if not schema:
        database.execute("PRAGMA auto_vacuum = FULL")  # what is evicted leaves the disk too
        database.execute("PRAGMA journal_mode = WAL")
        database.execute(TABLE.replace("TABLE", "TABLE IF NOT EXISTS", 1))
        schema = _schema(database)
    if schema != SCHEMA:
        raise sqlite3.DatabaseError("its tables are not those of a verdict cache")
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = NORMAL")


def _schema(database: sqlite3.Connection) -> set[tuple[bytes, bytes, bytes | None]]:
    return set(database.execute("SELECT type, name, sql FROM sqlite_master LIMIT 100"))


def _prepare(path: Path) -> None:
    """The file exists, for us alone, before SQLite opens it; so do those beside it, if there are any."""
    with contextlib.suppress(FileExistsError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600))
    for end in BESIDE:
        require_file(Path(f"{path}{end}"))
    path.chmod(0o600)


def set_aside(folder: Path, name: str, mark: str) -> bool:
    """Give a store's files other names in the same folder (an earlier one so named goes); whether there was one."""
    existed = False
    for end in BESIDE:
        with contextlib.suppress(FileNotFoundError):
            (folder / f"{name}{end}").rename(folder / f"{name}.{mark}{end}")
            existed = True
    return existed


def _bytes(database: sqlite3.Connection) -> int:
    pages, size = (int(database.execute(f"PRAGMA {of}").fetchone()[0]) for of in ("page_count", "page_size"))
    return pages * size


def is_locked(error: Exception) -> bool:
    """Whether somebody else holds the store: to be tried again later."""
    return isinstance(error, sqlite3.OperationalError) and "locked" in str(error)


def is_damage(error: Exception) -> bool:
    """Whether the error says that the file is no store of ours, or a broken one (rather than locked, or the disk full)."""
    if isinstance(error, UnicodeDecodeError):  # in SQLite's own words about a damaged schema
        return True
    if not isinstance(error, sqlite3.DatabaseError) or isinstance(error, sqlite3.DataError):
        return False
    code = getattr(error, "sqlite_errorcode", None)
    return type(error) is sqlite3.DatabaseError if code is None else code & 0xFF in DAMAGE
