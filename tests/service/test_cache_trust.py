"""Who can write the verdict cache can forge no verdict, run no code, and have no file removed elsewhere."""

from __future__ import annotations

import os
import pickle
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from fuzz import cache as fuzz
from support.stored_cache import stored, verdict

from verif.core import cache as module
from verif.core.cache import VerdictCache
from verif.core.cache_store import NAME, TABLE
from verif.errors import BusyError
from verif.types import Status


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A state folder without a key yet."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setattr(module, "_said", set())
    return tmp_path / "state" / "verif"


def test_an_entry_moved_under_another_key_is_a_miss(tmp_path: Path) -> None:
    with stored(tmp_path / "c", good=verdict(), bad=verdict(Status.FAIL)) as database:
        database.execute("UPDATE entries SET body = (SELECT body FROM entries WHERE key = 'good')")
    again = VerdictCache(tmp_path / "c")
    assert again.get("good") == verdict()
    assert again.get("bad") is None
    assert again.corrupt == 1


def test_an_entry_made_without_the_key_is_a_miss(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The attacker has all of our code, and a key of their own."""
    VerdictCache(tmp_path / "c").close()
    with monkeypatch.context() as theirs:
        theirs.setenv("XDG_STATE_HOME", str(tmp_path / "theirs"))
        forger = VerdictCache(tmp_path / "c")
        forger.set("k", verdict())
        forger.close()
    again = VerdictCache(tmp_path / "c")
    assert again.get("k") is None
    assert again.corrupt == 1
    again.set("k", verdict(Status.FAIL))
    again.close()
    assert VerdictCache(tmp_path / "c").get("k") == verdict(Status.FAIL), "overwritten by the true one"


class Evil:
    """What unpickling this leaves behind is named by its argument."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str, int]]:
        return os.mkdir, (str(self.path), 0o700)


@pytest.mark.slow
def test_a_cache_of_an_earlier_version_is_neither_read_nor_unpickled(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The store of diskcache: pickles in its settings (read on opening) and values, file names in its rows."""
    folder, precious, ran = tmp_path / "c", tmp_path / "precious", tmp_path / "ran"
    folder.mkdir()
    precious.write_text("mine")
    with sqlite3.connect(folder / "cache.db") as old:
        old.execute("CREATE TABLE Settings (key TEXT NOT NULL UNIQUE, value)")
        old.execute("INSERT INTO Settings VALUES ('disk_pickle_protocol', ?)", (pickle.dumps(Evil(ran)),))
        old.execute("CREATE TABLE Cache (rowid INTEGER PRIMARY KEY, key, raw, mode, filename, value)")
        old.execute("INSERT INTO Cache VALUES (1, 'k', 1, 4, '../precious', ?)", (pickle.dumps(Evil(ran)),))
    cache = VerdictCache(folder)
    assert cache.get("k") is None
    cache.set("k", verdict())
    cache.clear()
    cache.close()
    assert precious.read_text() == "mine"
    assert not ran.exists()
    VerdictCache(folder)
    assert caplog.text.count("earlier version") == 1, "said once"


@pytest.mark.slow
def test_a_store_with_another_schema_is_set_aside_before_it_is_used(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with stored(tmp_path / "c", k=verdict()) as database:
        database.execute("CREATE TRIGGER t AFTER INSERT ON entries BEGIN DELETE FROM entries; END")
    cache = VerdictCache(tmp_path / "c")
    assert cache.get("k") is None
    cache.set("k", verdict())
    cache.close()
    assert VerdictCache(tmp_path / "c").get("k") == verdict()
    assert "set aside" in caplog.text
    with sqlite3.connect(tmp_path / "c" / NAME) as database:
        assert [row[0] for row in database.execute("SELECT sql FROM sqlite_master")] == [TABLE, None]


def test_a_store_that_is_damaged_while_it_is_open_is_set_aside(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    cache = VerdictCache(tmp_path / "c")
    cache.set("k", verdict())
    with sqlite3.connect(tmp_path / "c" / NAME) as database:
        database.execute("DROP TABLE entries")
    cache.set("a", verdict())
    cache.set("b", verdict())
    assert caplog.text.count("set aside") == 1
    assert VerdictCache(tmp_path / "c").get("b") == verdict()


@pytest.mark.slow
def test_damaged_stores_of_every_form(monkeypatch: pytest.MonkeyPatch) -> None:
    found = fuzz.run(seed=7, seconds=60, cases=30)
    assert found["cases"] == 30


@pytest.mark.slow
def test_more_damaged_stores() -> None:
    assert fuzz.run(seed=8, seconds=20)["cases"] > 100


@pytest.mark.slow
def test_what_is_kept_in_memory_is_bounded_by_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RECENT_BYTES", 2 << 20)
    cache = VerdictCache(tmp_path / "c", size_mb=1)
    for n in range(300):
        cache.set(str(n), verdict(reason="x" * 10_000))
        cache.set("again", verdict(reason="x" * 10_000))
    kept = sum(len(one.reason) for one, _ in cache._recent.values())
    assert 100_000 < kept <= 2 << 20
    cache.set("huge", verdict(reason="x" * (1 << 20)))
    assert "huge" not in cache._recent
    assert "again" in cache._recent
    cache.clear()
    assert cache._weight == 0


def test_a_value_that_is_too_large_for_the_disk_is_not_written(tmp_path: Path) -> None:
    cache = VerdictCache(tmp_path / "c")
    cache.set("k", verdict(reason="x" * (2 << 20)))
    assert cache.failed_writes == 0
    assert cache.stats()["entries"] == 0


def test_a_verdict_that_is_no_json_costs_nothing(tmp_path: Path) -> None:
    cache = VerdictCache(tmp_path / "c")
    cache.set("k", verdict(reason="\ud800"))
    assert cache.get("k") is None


@pytest.mark.slow
def test_emptying_a_locked_cache_is_one_clear_error(tmp_path: Path) -> None:
    cache = VerdictCache(tmp_path / "c", patience_s=0.1)
    holder = sqlite3.connect(tmp_path / "c" / NAME, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(BusyError, match="cannot be emptied: it is locked"):
        cache.clear()
    holder.execute("ROLLBACK")
    assert cache.clear() == 0


@pytest.mark.slow
def test_used_after_a_fork(tmp_path: Path) -> None:
    """The child neither uses nor closes what it inherits."""
    cache = VerdictCache(tmp_path / "c")
    cache.set("parent", verdict())
    child = os.fork()
    if child == 0:
        with cache._lock:
            cache._recent.clear()
        good = cache.get("parent") == verdict()
        cache.set("child", verdict())
        cache.close()
        os._exit(0 if good else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert cache.get("child") == verdict()
    cache.set("after", verdict())
    cache.close()
    assert VerdictCache(tmp_path / "c").get("after") == verdict()


@pytest.mark.slow
def test_nothing_here_can_unpickle() -> None:
    """A cache is opened, read and written without the module that would run code."""
    script = (
        "import sys, tempfile, pathlib; sys.modules['pickle'] = sys.modules['diskcache'] = None\n"
        "from verif.core.cache import VerdictCache\n"
        "print(VerdictCache(pathlib.Path(tempfile.mkdtemp()) / 'c').stats()['entries'])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout.strip() == "0", done.stderr
