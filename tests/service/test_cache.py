"""The verdict cache: kept, shared, bounded, and never a reason for a wrong verdict."""

from __future__ import annotations

import multiprocessing
import sqlite3
import time
from pathlib import Path

import pytest

from verif.core.cache import VerdictCache
from verif.core.cache_store import NAME
from verif.types import Status, Verdict


def verdict(status: Status = Status.PASS, reason: str = "r") -> Verdict:
    return Verdict(status=status, covers=(0,), reason=reason, part="judge:x")


def test_kept_on_disk(tmp_path: Path) -> None:
    cache = VerdictCache(tmp_path / "c")
    assert cache.get("k") is None
    cache.set("k", verdict())
    cache.close()
    again = VerdictCache(tmp_path / "c")
    assert again.get("k") == verdict()
    assert again.stats()["entries"] == 1
    assert again.stats()["hits"] == 1
    assert again.clear() == 1
    assert again.get("k") is None


def test_errors_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="error"):
        VerdictCache(tmp_path / "c").set("k", verdict(Status.ERROR))


def test_a_corrupted_entry_is_a_miss_and_is_reported(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    cache = VerdictCache(tmp_path / "c")
    cache.set("k", verdict(Status.FAIL))
    with sqlite3.connect(tmp_path / "c" / NAME) as database:
        raw = bytes(database.execute("SELECT body FROM entries").fetchone()[0])
        database.execute("UPDATE entries SET body = ?", (raw.replace(b'"fail"', b'"pass"'),))
    cache.close()
    again = VerdictCache(tmp_path / "c")
    assert again.get("k") is None
    assert again.corrupt == 1
    assert "corrupted" in caplog.text


def test_a_corrupted_store_is_set_aside(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    cache = VerdictCache(tmp_path / "c")
    cache.set("k", verdict())
    cache.close()
    for path in (tmp_path / "c").glob(f"{NAME}*"):
        path.write_bytes(b"\x00garbage" * 1000)
    again = VerdictCache(tmp_path / "c")
    assert again.get("k") is None
    again.set("k", verdict())
    assert again.get("k") == verdict()
    assert "set aside" in caplog.text


def test_a_locked_store_costs_the_cache_and_nothing_else(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    cache = VerdictCache(tmp_path / "c", patience_s=0.2)
    cache.set("before", verdict())
    holder = sqlite3.connect(tmp_path / "c" / NAME, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    started = time.monotonic()
    for n in range(50):
        cache.set(str(n), verdict())
    assert time.monotonic() - started < 5, "not every write waits"
    assert cache.get("0") == verdict(), "kept in memory"
    assert caplog.text.count("cannot be written (it is locked)") == 1
    holder.execute("ROLLBACK")
    holder.close()
    cache._write_after = 0.0
    cache.set("after", verdict())
    assert VerdictCache(tmp_path / "c").get("after") == verdict()


def test_a_store_that_cannot_be_read_now_is_a_miss_and_not_corrupted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    VerdictCache(tmp_path / "c").set("k", verdict())
    cache = VerdictCache(tmp_path / "c")

    def locked(key: str) -> None:
        raise sqlite3.OperationalError("database is locked")

    monkeypatch.setattr(cache._store, "get", locked)
    assert [cache.get("k") for _ in range(20)] == [None] * 20
    assert cache.corrupt == 0
    assert caplog.text.count("cannot be read") == 1
    monkeypatch.undo()
    cache._read_after = 0.0
    assert cache.get("k") == verdict()


@pytest.mark.slow
def test_size_is_bounded(tmp_path: Path) -> None:
    cache = VerdictCache(tmp_path / "c", size_mb=1)
    for n in range(3000):
        cache.set(str(n), verdict(reason="x" * 900))
    assert cache.stats()["bytes"] < 1.5 * 2**20
    assert cache.stats()["entries"] < 3000


def _write(path: Path, start: int) -> None:
    cache = VerdictCache(path)
    for n in range(start, start + 50):
        cache.set(str(n), verdict(reason=str(n)))


@pytest.mark.slow
def test_several_processes(tmp_path: Path) -> None:
    VerdictCache(tmp_path / "c").close()
    context = multiprocessing.get_context("fork")
    workers = [context.Process(target=_write, args=(tmp_path / "c", k * 50)) for k in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
        assert worker.exitcode == 0
    cache = VerdictCache(tmp_path / "c")
    assert all(cache.get(str(n)) == verdict(reason=str(n)) for n in range(150))
