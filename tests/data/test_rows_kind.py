"""`data.kind: rows`: a file in IFEval's form is screened, split, and gets a golden set of its rules' examples."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from verif.data.composed.prepare import composed, divided
from verif.data.verinstruct import prepare_verinstruct
from verif.errors import InputError
from verif.recipe import RowsData
from verif.types import type_name

SECTION = RowsData(validation=4, test=8, golden=8, require_checker=True)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Composed rows as IFEval writes its own."""
    rows = [
        {
            "key": number, "prompt": item.prompt, "instruction_id_list": [type_name(c) for c in item.constraints],
            "kwargs": [c.params for c in item.constraints if c.kind == "rule"],
        }
        for number, item in enumerate(composed("train", 64, divided(1)["train"], 4, 1))
    ]  # fmt: skip
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b"".join(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in rows))
    return path


def test_rule_rows_are_split_and_get_a_golden_set(file: Path) -> None:
    splits = prepare_verinstruct(file, SECTION, 1)
    rows = [item for name in ("train", "validation", "test") for item in getattr(splits, name)]
    assert len({item.id for item in rows}) == len(rows) > 40
    assert all(c.kind == "rule" for item in rows for c in item.constraints)
    assert {tuple(item.truth) for item in splits.golden} == {(True,), (False,)}
    assert not splits.policy_pairs


def test_a_row_that_cannot_be_read_is_named(file: Path) -> None:
    with file.open("a") as stream:
        stream.write('{"key": 1, "prompt": "x", "instruction_id_list": ["no:such"], "kwargs": [{}]}\n')
    with pytest.raises(InputError, match=r"rows\.jsonl, row 65.*no:such"):
        prepare_verinstruct(file, SECTION, 1)
