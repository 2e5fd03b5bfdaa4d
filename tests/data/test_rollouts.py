"""Rollouts survive the disk, and a corrupt file says what is wrong with it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import stand_ins

from verif.data.rollouts import Rollout, read, step_files, step_path, write_step
from verif.errors import InputError
from verif.types import Response, Status


def rollout(step: int, text: str, value: float | None = 0.5) -> Rollout:
    return stand_ins.rollout(step, Status.FAIL, value, text, finished=False)


def test_a_run_comes_back_in_the_order_of_its_steps(tmp_path: Path) -> None:
    for step in (10, 2, 12000):
        write_step(tmp_path, step, [rollout(step, "A boat."), rollout(step, "Nö\n\u2028 <|im_end|>", None)])
    back = list(read(tmp_path))
    assert [row.step for row in back] == [2, 2, 10, 10, 12000, 12000]
    assert back[2] == rollout(10, "A boat.")
    assert back[3].reward is None


def test_a_rollout_without_any_verification_has_no_reward(tmp_path: Path) -> None:
    write_step(tmp_path, 1, [Rollout(1, "u", stand_ins.INSTRUCTION, Response(text="x"), None)])
    (row,) = read(tmp_path)
    assert row.verification is None
    assert row.reward is None


def test_a_step_without_rollouts_is_a_file_without_rows(tmp_path: Path) -> None:
    write_step(tmp_path, 1, [])
    assert list(read(tmp_path)) == []


@pytest.mark.slow
@settings(max_examples=20, deadline=None)
@given(st.text())
def test_any_response_survives(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    folder = tmp_path_factory.mktemp("rollouts")
    write_step(folder, 1, [rollout(1, text)])
    (row,) = read(folder)
    assert row.response.text == text


def test_lone_surrogates_do_not_stop_a_run(tmp_path: Path) -> None:
    write_step(tmp_path, 1, [rollout(1, "a\ud800b")])
    assert next(read(tmp_path)).response.text == "a?b"


def test_nothing_half_written_is_seen(tmp_path: Path) -> None:
    path = write_step(tmp_path, 1, [rollout(1, "x")])
    assert path == step_path(tmp_path, 1)
    assert [p.name for p in tmp_path.iterdir()] == ["step_0001.parquet"]
    (tmp_path / ".step_0002.parquet.1.tmp").write_bytes(b"half")
    assert step_files(tmp_path) == [path]


def test_bad_files_name_the_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no rollouts here"):
        list(read(tmp_path))
    step_path(tmp_path, 1).write_bytes(b"not parquet")
    with pytest.raises(InputError, match=r"step_0001\.parquet"):
        list(read(tmp_path))


def test_a_bad_row_names_its_row(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = write_step(tmp_path, 1, [rollout(1, "x"), rollout(1, "y")])
    rows = pq.read_table(path).to_pylist()
    rows[1]["instruction"] = "{}"
    pq.write_table(pa.Table.from_pylist(rows), path)
    with pytest.raises(InputError, match="row 2"):
        list(read(tmp_path))
