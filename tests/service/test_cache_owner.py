"""Whose the verdict cache's folder, files and key must be; where they are not, verdicts stay in memory."""

from __future__ import annotations

import os
import stat
import threading
from pathlib import Path

import pytest
from support.stored_cache import stored, verdict

from verif.core import cache as module
from verif.core.cache import VerdictCache
from verif.core.cache_key import load_key
from verif.core.cache_store import NAME
from verif.system.private import NotPrivateError
from verif.types import Status

STRANGER = 65534
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="giving files to another user needs root")


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A state folder without a key yet."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setattr(module, "_said", set())
    return tmp_path / "state" / "verif"


@pytest.mark.slow
def test_folder_and_files_are_the_users_own(tmp_path: Path, state: Path) -> None:
    before = os.umask(0)
    try:
        cache = VerdictCache(tmp_path / "c")
        cache.set("k", verdict())
    finally:
        os.umask(before)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "c").iterdir()}
    assert modes == {NAME: 0o600, f"{NAME}-wal": 0o600, f"{NAME}-shm": 0o600}
    assert stat.S_IMODE((tmp_path / "c").stat().st_mode) == 0o700
    assert stat.S_IMODE(state.stat().st_mode) == 0o700
    assert stat.S_IMODE((state / "cache.key").stat().st_mode) == 0o600
    assert [path.name for path in state.iterdir()] == ["cache.key"]


def memory_only(folder: Path, caplog: pytest.LogCaptureFixture, why: str) -> None:
    """A cache that works, keeps nothing on disk, and says why once."""
    content = sorted(folder.rglob("*")) if folder.is_dir() else []
    for _ in range(3):
        cache = VerdictCache(folder)
        cache.set("k", verdict())
        assert cache.get("k") == verdict()
        cache.close()
        assert cache.stats()["entries"] == 0
        assert cache.clear() == 0
    assert caplog.text.count("kept in memory only") == 1
    assert why in caplog.text
    assert (sorted(folder.rglob("*")) if folder.is_dir() else []) == content


@as_root
def test_a_folder_of_another_user_is_refused(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "c").mkdir()
    os.chown(tmp_path / "c", STRANGER, STRANGER)
    memory_only(tmp_path / "c", caplog, f"belongs to user {STRANGER}")


@as_root
def test_a_store_of_another_user_is_refused(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    stored(tmp_path / "c", k=verdict(Status.FAIL)).close()
    os.chown(tmp_path / "c" / NAME, STRANGER, STRANGER)
    memory_only(tmp_path / "c", caplog, f"belongs to user {STRANGER}")


@pytest.mark.parametrize("mode", [0o777, 0o702])
def test_a_folder_that_others_can_write_is_refused(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, mode: int
) -> None:
    (tmp_path / "c").mkdir()
    (tmp_path / "c").chmod(mode)
    memory_only(tmp_path / "c", caplog, "others can write")


@pytest.mark.parametrize("end", ["", "-wal", "-journal"])
def test_links_are_not_followed(tmp_path: Path, caplog: pytest.LogCaptureFixture, end: str) -> None:
    victim = tmp_path / "victim"
    victim.write_bytes(b"")
    (tmp_path / "c").mkdir()
    (tmp_path / "c" / f"{NAME}{end}").symlink_to(victim)
    cache = VerdictCache(tmp_path / "c")
    cache.set("k", verdict())
    cache.close()
    assert victim.read_bytes() == b""
    assert "symbolic link" in caplog.text


def test_a_linked_folder_is_not_followed(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "c").symlink_to(tmp_path / "elsewhere")
    memory_only(tmp_path / "c", caplog, "symbolic link")
    assert not list((tmp_path / "elsewhere").iterdir())


def test_a_file_with_a_second_name_is_refused(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "c").mkdir()
    (tmp_path / "victim").write_bytes(b"")
    (tmp_path / "c" / NAME).hardlink_to(tmp_path / "victim")
    memory_only(tmp_path / "c", caplog, "hard link")


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620])
def test_a_key_that_others_can_reach_is_not_used(
    tmp_path: Path, state: Path, caplog: pytest.LogCaptureFixture, mode: int
) -> None:
    load_key()
    (state / "cache.key").chmod(mode)
    memory_only(tmp_path / "c", caplog, "others have access")


@as_root
def test_a_key_of_another_user_is_not_used(
    tmp_path: Path, state: Path, caplog: pytest.LogCaptureFixture
) -> None:
    load_key()
    os.chown(state / "cache.key", STRANGER, STRANGER)
    memory_only(tmp_path / "c", caplog, f"belongs to user {STRANGER}")


def test_without_a_home_verdicts_stay_in_memory(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    memory_only(tmp_path / "c", caplog, "no key can be kept")


def test_a_short_key_is_not_used(tmp_path: Path, state: Path, caplog: pytest.LogCaptureFixture) -> None:
    load_key()
    (state / "cache.key").write_bytes(b"short")
    memory_only(tmp_path / "c", caplog, "has not 32")


def test_a_named_key_is_shared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, state: Path) -> None:
    """Two users, or two machines: other homes, one key as a cluster mounts it."""
    mounted = tmp_path / "..data"
    mounted.write_bytes(b"k" * 40)
    mounted.chmod(0o440 if os.geteuid() == 0 else 0o400)
    (tmp_path / "key").symlink_to(mounted)
    monkeypatch.setenv("VERIF_CACHE_KEY_FILE", str(tmp_path / "key"))
    stored(tmp_path / "c", k=verdict()).close()
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "another"))
    assert VerdictCache(tmp_path / "c").get("k") == verdict()
    assert not state.exists()
    monkeypatch.delenv("VERIF_CACHE_KEY_FILE")
    assert VerdictCache(tmp_path / "c").get("k") is None
    mounted.chmod(0o444)
    monkeypatch.setenv("VERIF_CACHE_KEY_FILE", str(tmp_path / "key"))
    with pytest.raises(NotPrivateError, match="others have access"):
        load_key()


def test_many_starting_together_have_one_key() -> None:
    keys: list[bytes] = []
    threads = [threading.Thread(target=lambda: keys.append(load_key())) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(keys) == 16
    assert len(set(keys)) == 1
    assert len(keys[0]) == 32
