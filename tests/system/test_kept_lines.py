"""Lines that were added survive whatever ends the process, and a disk that is full spoils none of them."""

from __future__ import annotations

import errno
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from verif.errors import BusyError, InputError, SetupError
from verif.system.kept_lines import KeptLines, read_kept, whole_bytes, whole_lines

WRITER = """
import sys
from pathlib import Path
from verif.errors import BusyError
from verif.system.kept_lines import KeptLines
kept = KeptLines(Path(sys.argv[1]), "line", elsewhere="", room="", busy=BusyError("busy"))
for number in range(100_000):
    kept.add(b'"%d %s"\\n' % (number, b"x" * (number % 50)))
    print(number, flush=True)
"""
MOST = 1_000


def kept_lines(path: Path) -> KeptLines:
    return KeptLines(
        path, "line", elsewhere="Go elsewhere.", room="Make room.", busy=BusyError("somebody adds.")
    )


def test_a_file_is_made_with_its_folder_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "lines"
    with kept_lines(path) as kept:
        kept.add(b"1\n")
        kept.add(b"2\n", wait=False)
    assert list(whole_lines(path, MOST)) == [b"1\n", b"2\n"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@settings(max_examples=30)
@given(st.lists(st.binary(max_size=40).map(lambda text: text.replace(b"\n", b"") + b"\n")), st.integers(0))
def test_a_file_cut_anywhere_goes_on_behind_its_last_whole_line(
    tmp_path_factory: pytest.TempPathFactory, lines: list[bytes], cut: int
) -> None:
    path = tmp_path_factory.mktemp("kept") / "lines"
    whole = b"".join(lines)
    left = whole[: cut % (len(whole) + 1)]
    path.write_bytes(left)
    count = left.count(b"\n")
    assert list(whole_lines(path, MOST)) == lines[:count]
    with kept_lines(path) as kept:
        kept.cut(whole_bytes(path, MOST))
        kept.add(b"next\n")
    assert path.read_bytes() == b"".join(lines[:count]) + b"next\n"


@pytest.mark.slow
def test_a_kill_loses_no_line_that_was_added(tmp_path: Path) -> None:
    path = tmp_path / "lines"
    process = subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    added = [int(process.stdout.readline()) for _ in range(30)][-1]
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    read = [int(line.split()[0]) for line in read_kept(path, TypeAdapter(str), "line", MOST)]
    assert read == list(range(len(read)))
    assert len(read) > added
    with kept_lines(path):
        pass  # who was killed holds it no longer


@pytest.mark.parametrize("written", [None, 3, 0])
def test_a_full_disk_leaves_the_file_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, written: int | None
) -> None:
    """The disk is full at the sync (None), or so many bytes into the line."""
    path = tmp_path / "lines"
    with kept_lines(path) as kept:
        kept.add(b"first\n")
        with monkeypatch.context() as full:
            if written is None:
                full.setattr(
                    os, "fsync", lambda _: (_ for _ in ()).throw(OSError(errno.ENOSPC, "No space left"))
                )
            else:
                stream = kept._stream
                full.setattr(kept, "_stream", Short(stream, written))
            with pytest.raises(SetupError, match=r"the line could not be kept in .*No space left") as caught:
                kept.add(b"second\n")
        assert caught.value.hint == "Make room."
        assert path.read_bytes() == b"first\n"
        kept.add(b"third\n")
    assert path.read_bytes() == b"first\nthird\n"


class Short:
    """A stream whose writes end after so many bytes, as on a disk that fills up."""

    def __init__(self, stream: object, most: int) -> None:
        self._stream, self._most = stream, most

    def __getattr__(self, name: str) -> object:
        return getattr(self._stream, name)

    def write(self, line: bytes) -> int:
        return self._stream.write(line[: self._most])  # type: ignore[attr-defined,no-any-return]


def test_one_process_adds_at_a_time_and_the_next_may_after_it(tmp_path: Path) -> None:
    path = tmp_path / "lines"
    with kept_lines(path), pytest.raises(BusyError, match=r"somebody adds\."):
        kept_lines(path)
    kept_lines(path).close()


def test_a_link_and_a_place_that_is_no_folder_are_refused(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "link", tmp_path / "file" / "lines"):
        with pytest.raises(SetupError, match="lines cannot be kept in") as caught:
            kept_lines(path)
        assert caught.value.hint == "Go elsewhere."
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize(
    ("line", "said"),
    [(b"no\n", "row 2: is no number: "), (b'["1"]\n', "row 2: is no number: "), (b"1" * 2_000, "too long")],
)
def test_a_line_that_is_none_is_named(tmp_path: Path, line: bytes, said: str) -> None:
    path = tmp_path / "lines"
    path.write_bytes(b"1\n" + line)
    with pytest.raises(InputError, match=said) as caught:
        list(read_kept(path, TypeAdapter(int), "number", MOST, "Mend it."))
    assert caught.value.hint == "Mend it."
