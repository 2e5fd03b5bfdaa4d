"""Labels are kept one by one, in a file of their labeller (a kill: `tests/system/test_kept_lines.py`)."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from verif.errors import BusyError, InputError, SetupError, VerifError
from verif.pipeline.labelling.labels import Label, label_file, read_labels


def test_the_last_label_of_a_question_counts_and_all_lines_stay(tmp_path: Path) -> None:
    with label_file(tmp_path, "anna") as kept:
        kept.add(Label(key="k", label="pass"))
        kept.add(Label(key="k", label="fail", note="<b> \u202e"))
    assert read_labels(tmp_path) == {"anna": {"k": Label(key="k", label="fail", note="<b> \u202e")}}
    assert len((tmp_path / "anna.jsonl").read_bytes().splitlines()) == 2


@settings(max_examples=25)
@given(st.integers(min_value=0))
def test_a_line_cut_anywhere_is_dropped_and_the_file_goes_on(
    tmp_path_factory: pytest.TempPathFactory, cut: int
) -> None:
    folder = tmp_path_factory.mktemp("labels")
    with label_file(folder, "anna") as kept:
        kept.add(Label(key="first", label="pass"))
        kept.add(Label(key="second", label="fail"))
    path = folder / "anna.jsonl"
    whole = path.read_bytes()
    first = whole.index(b"\n") + 1
    path.write_bytes(whole[: first + cut % (len(whole) - first)])
    assert read_labels(folder)["anna"].keys() == {"first"}
    with label_file(folder, "anna") as kept:
        kept.add(Label(key="third", label="unknown"))
    assert read_labels(folder)["anna"].keys() == {"first", "third"}


def test_a_full_disk_keeps_the_file_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with label_file(tmp_path, "anna") as kept:
        kept.add(Label(key="k", label="pass"))
        before = kept.path.read_bytes()
        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(SetupError, match="No space left"):
            kept.add(Label(key="l", label="pass"))
        assert kept.path.read_bytes() == before
        assert kept.labels.keys() == {"k"}


def test_one_labeller_labels_in_one_place_and_two_beside_each_other(tmp_path: Path) -> None:
    with (
        label_file(tmp_path, "anna"),
        label_file(tmp_path, "ben"),
        pytest.raises(BusyError, match="anna is labelling elsewhere"),
        label_file(tmp_path, "anna"),
    ):
        pass


@pytest.mark.parametrize("name", ["", "../anna", "a/b", ".hidden", "-x", "a" * 41, "anna\n", "ann\u00e4"])
def test_a_name_is_a_file_s_name(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match="cannot be called"), label_file(tmp_path, name):
        pass
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("line", "place"),
    [
        (b"{}", "row 2, field 'key'"),
        (b"no", "row 2"),
        (b"\xff", "row 2"),
        (b"[" * 40_000, "row 2"),
        (b"x" * 70_000, "row 2: is no label: the line is too long"),
        (b'{"key": "k", "label": "yes"}', "row 2, field 'label'"),
        (b'{"key": "k", "label": "pass", "seconds": -1}', "row 2, field 'seconds'"),
        (b'{"key": "k", "label": "pass", "verdict": 1}', "row 2, field 'verdict'"),
    ],
)
def test_a_line_that_is_no_label_is_named(tmp_path: Path, line: bytes, place: str) -> None:
    (tmp_path / "ben.jsonl").write_bytes(b'{"key": "k", "label": "pass"}\n' + line + b"\n")
    with pytest.raises(InputError) as caught:
        read_labels(tmp_path)
    assert f"ben.jsonl, {place}" in str(caught.value)


def test_a_link_and_a_place_that_is_no_folder_are_refused(tmp_path: Path) -> None:
    (tmp_path / "anna.jsonl").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "file").write_text("")
    for folder in (tmp_path, tmp_path / "file"):
        with pytest.raises(VerifError, match="cannot be kept"), label_file(folder, "anna"):
            pass
