"""Where a command may write is asked before its work: nothing that it reads is lost, and no hour of work."""

from __future__ import annotations

from pathlib import Path

import pytest

from verif.errors import InputError, SetupError
from verif.system.files import output


def test_what_a_command_reads_is_not_written_over_under_any_name(tmp_path: Path) -> None:
    rows = tmp_path / "rows.jsonl"
    rows.write_text("{}")
    (tmp_path / "link.jsonl").symlink_to(rows)
    for name in (rows, tmp_path / "x" / ".." / "rows.jsonl", tmp_path / "link.jsonl"):
        with pytest.raises(InputError, match="is read here, and would be lost"):
            output(name, "--out", [rows, tmp_path / "missing"])
    assert output(tmp_path / "new" / "out.jsonl", "--out", [rows]).parent.is_dir()
    assert rows.read_text() == "{}"


def test_a_folder_and_a_place_without_folders_are_said_before_the_work(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="'--out': is a folder"):
        output(tmp_path, "--out")
    (tmp_path / "file").write_text("")
    with pytest.raises(SetupError, match=r"cannot be written: .*Name another file with --out"):
        output(tmp_path / "file" / "out.jsonl", "--out")
