"""Files that lie: what they hold is refused by name, nothing of it is dropped, and nothing ends the process."""

from __future__ import annotations

import gzip
import random
import struct
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from verif.core.containers import lines
from verif.core.containers.tables import delimited
from verif.core.containers.values import values
from verif.errors import InputError

READ = "import sys; from verif.core.row_files import read_rows; list(read_rows(sys.argv[1]))"


def arrow(path: Path, table: pa.Table) -> Path:
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    return path


@pytest.mark.slow
def test_false_offsets_of_an_arrow_file_do_not_end_the_process(tmp_path: Path) -> None:
    path = arrow(tmp_path / "rows.arrow", pa.table({"response": ["seven77", "sixsix"]}))
    content = path.read_bytes()
    true, false = struct.pack("<iii", 0, 7, 13), struct.pack("<iii", 0, 7, 1 << 30)
    assert true in content
    path.write_bytes(content.replace(true, false))
    read = subprocess.run(
        [sys.executable, "-c", READ, str(path)], capture_output=True, text=True, check=False
    )
    assert read.returncode == 1
    assert "InputError" in read.stderr
    assert "cannot be read as arrow" in read.stderr


@pytest.mark.parametrize("kind", ["parquet", "arrow"])
def test_a_time_beyond_the_calendar_is_an_error_with_its_row(tmp_path: Path, kind: str) -> None:
    table = pa.table({"at": pa.array([2**55], pa.timestamp("ms")), "response": ["x"]})
    path = tmp_path / f"rows.{kind}"
    if kind == "arrow":
        arrow(path, table)
    else:
        pq.write_table(table, path)
    with pytest.raises(InputError, match=f"row 1: cannot be read as {kind}"):
        list(values(str(path)))


@pytest.mark.parametrize("kind", ["parquet", "arrow", "csv"])
def test_of_two_columns_with_one_name_none_is_dropped(tmp_path: Path, kind: str) -> None:
    table = pa.table([pa.array(["p"]), pa.array(["a"]), pa.array(["b"])], ["prompt", "response", "response"])
    path = tmp_path / f"rows.{kind}"
    if kind == "arrow":
        arrow(path, table)
    elif kind == "parquet":
        pq.write_table(table, path)
    else:
        path.write_text("prompt,response,response\np,a,b\n")
    with pytest.raises(InputError, match="has more than one column 'response'"):
        list(values(str(path)))


@pytest.mark.parametrize(
    "row", ["x" * 5000, ",".join(["x"] * 2500), '"' + "x\n" * 2500 + '"', ',"x\n"' * 1000]
)
def test_a_row_of_csv_is_as_bounded_as_a_line_of_json(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, row: str
) -> None:
    monkeypatch.setattr(lines, "MAX_LINE", 3000)
    path = tmp_path / "rows.csv.gz"
    good = "p,{}\n".format("y" * 2000)
    path.write_bytes(gzip.compress(f"prompt,response\n{good}{good}{row}\n".encode()))
    with pytest.raises(InputError, match="row 3"):
        list(values(str(path)))


@pytest.mark.parametrize("kind", ["parquet", "arrow"])
def test_a_row_of_a_table_is_bounded_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    monkeypatch.setattr(lines, "MAX_LINE", 3000)
    table = pa.table({"response": ["x" * 2000] * 9 + ["x" * 4000]})
    path = tmp_path / f"rows.{kind}"
    if kind == "arrow":
        arrow(path, table)
    else:
        pq.write_table(table, path)
    with pytest.raises(InputError, match="row 10: is longer than"):
        list(values(str(path)))


@pytest.mark.slow
def test_a_small_parquet_file_of_long_rows_is_unpacked_in_portions(tmp_path: Path) -> None:
    """A thousand times one megabyte in 50 kB: at most a hundred megabytes of it are held at once."""
    long = pa.DictionaryArray.from_arrays(pa.array([0] * 1000, pa.int32()), pa.array(["x" * (1 << 20)]))
    path = tmp_path / "rows.parquet"
    pq.write_table(pa.table({"response": long}), path)
    assert path.stat().st_size < 100_000
    before = pa.total_allocated_bytes()
    held = [pa.total_allocated_bytes() - before for _ in values(str(path))]
    assert len(held) == 1000
    assert max(held) < 300 << 20


def test_a_file_that_breaks_within_a_long_line_is_an_error_of_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lines, "MAX_LINE", 3000)
    path = tmp_path / "rows.jsonl.gz"
    packed = gzip.compress(random.Random(1).randbytes(1 << 21).replace(b"\n", b" "))
    path.write_bytes(packed[:-100])
    with pytest.raises(InputError, match="cannot be read on"):
        list(values(str(path)))


def test_a_shard_that_ends_in_zstd_is_not_left_out(tmp_path: Path) -> None:
    row = b'{"response": "x"}\n'
    (tmp_path / "a.jsonl").write_bytes(row)
    (tmp_path / "b.jsonl.zstd").write_bytes(pa.compress(row, codec="zstd", asbytes=True))
    assert len(list(values(str(tmp_path)))) == 2


@pytest.mark.filterwarnings("error")
def test_a_reader_that_is_left_half_way_and_collected_after_its_file_says_nothing(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("prompt,response\na,b\nc,d\n")
    with path.open("rb") as stream:
        rows = delimited(stream, "rows.csv", ",")
        assert next(rows) == (1, {"prompt": "a", "response": "b"})
    rows.close()
