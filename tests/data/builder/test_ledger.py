"""A paid answer survives whatever ends the process, and is never asked for again."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import pytest

from verif.data.builder.ledger import Call, Ledger
from verif.errors import BusyError, InputError, SetupError

CALL = Call("k1", "soft", "m", "text", 10, 5, 0.5, 0.25)


def test_calls_are_read_again_with_their_price(tmp_path: Path) -> None:
    path = tmp_path / "calls.jsonl"
    with Ledger(path) as ledger:
        ledger.put(CALL)
    with Ledger(path) as ledger:
        assert (ledger.get("k1"), ledger.get("k2"), ledger.kept, ledger.price) == (CALL, None, 1, 0.25)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_line_that_was_cut_off_is_dropped_and_the_next_one_stands_alone(tmp_path: Path) -> None:
    path = tmp_path / "calls.jsonl"
    with Ledger(path) as ledger:
        ledger.put(CALL)
    whole = path.read_bytes()
    for cut in range(1, len(whole), 17):
        path.write_bytes(whole + whole[:cut])
        with Ledger(path) as ledger:
            assert ledger.kept == 1
            ledger.put(Call("k2", "soft", "m", "", 1, 1, 0.0, 0.0))
        with Ledger(path) as ledger:
            assert list(ledger.calls) == ["k1", "k2"]


def test_a_full_disk_keeps_the_ledger_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    path = tmp_path / "calls.jsonl"
    with Ledger(path) as ledger:
        ledger.put(CALL)
        before = path.read_bytes()
        with monkeypatch.context() as disk:
            disk.setattr(os, "fsync", full)
            with pytest.raises(SetupError, match=r"the call could not be kept in .*No space left"):
                ledger.put(Call("k2", "soft", "m", "", 1, 1, 0.0, 0.5))
        assert path.read_bytes() == before
        assert (list(ledger.calls), ledger.price) == (["k1"], 0.25)
        ledger.put(Call("k3", "soft", "m", "", 1, 1, 0.0, 0.5))
    with Ledger(path) as ledger:
        assert list(ledger.calls) == ["k1", "k3"]


def test_a_ledger_that_cannot_be_read_is_let_go(tmp_path: Path) -> None:
    path = tmp_path / "calls.jsonl"
    path.write_bytes(b"{}\n")
    for _ in range(2):
        with pytest.raises(InputError, match="is no call"):
            Ledger(path).__enter__()


def test_another_build_may_not_write_the_same_ledger(tmp_path: Path) -> None:
    with Ledger(tmp_path / "calls.jsonl"), pytest.raises(BusyError, match="another build"):
        Ledger(tmp_path / "calls.jsonl").__enter__()


@pytest.mark.parametrize("line", [b"[]\n", b'{"key": 1}\n', b"not json\n"])
def test_a_line_that_is_no_call_is_named(tmp_path: Path, line: bytes) -> None:
    path = tmp_path / "calls.jsonl"
    path.write_bytes(line)
    with pytest.raises(InputError, match=r"calls\.jsonl, row 1"):
        Ledger(path).__enter__()
