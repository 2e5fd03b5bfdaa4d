"""Every row form loads; every bad row names its file, line and field."""

from __future__ import annotations

import gzip
import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from verif.core.instruction_files import write_instructions
from verif.core.row_files import join, read_rows
from verif.core.rows import Row, Where, parse, row
from verif.errors import InputError
from verif.types import CheckerConstraint, Instruction, RuleConstraint, SoftConstraint

HERE = Where("rows.jsonl", 3)
CODE = "def check_following(instruction, response):\n    return len(response) > 3\n"
LLM = "def check_following(instruction, response):\n    return llm_score(instruction, response, 'x')\n"
IFEVAL = {
    "key": 7,
    "prompt": "Say hi.",
    "instruction_id_list": ["punctuation:no_comma", "punctuation:no_comma"],
    "kwargs": [{}, {}],
}
VERINSTRUCT = {
    "id": 9,
    "prompt": "Describe the sea.",
    "checkers": [
        "[rule] Digit: At least 4 characters.",
        "[llm]  Tone: Be formal.",
        "Digit: Untagged code.",
        "Mood: Untagged stub.",
    ],
    "functions": [CODE, LLM, CODE, LLM],
}
OWN = Instruction(
    id="x", prompt="p", constraints=(RuleConstraint(text="no commas", rule="punctuation:no_comma"),)
)


def write(path: Path, *rows: Any) -> Path:
    path.write_text("".join(json.dumps(value) + "\n" for value in rows), "utf-8")
    return path


def test_ifeval_keeps_repeated_ids() -> None:
    loaded = row(IFEVAL, HERE)
    assert loaded.id == "7"
    assert loaded.instruction is not None
    assert [c.rule for c in loaded.instruction.constraints if isinstance(c, RuleConstraint)] == [
        "punctuation:no_comma"
    ] * 2
    assert len(loaded.params) == 2


def test_verinstruct_tags_and_none() -> None:
    loaded = row(VERINSTRUCT, HERE).instruction
    assert loaded is not None
    assert [c.kind for c in loaded.constraints] == ["checker", "soft", "checker", "soft"]
    assert loaded.constraints[0] == CheckerConstraint(text="At least 4 characters.", source=CODE)
    assert loaded.constraints[1] == SoftConstraint(text="Be formal.", dimension="Tone")
    assert loaded.meta["families"] == ["Digit", "Tone", "Digit", "Mood"]


def test_own_form_bare_and_wrapped() -> None:
    bare = row(OWN.model_dump() | {"response": "hi"}, HERE)
    wrapped = row({"instruction": OWN.model_dump(), "response": "hi"}, HERE)
    assert bare.instruction == wrapped.instruction == OWN
    assert bare.response == wrapped.response == "hi"


def test_verl_parquet_with_each_ground_truth(tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow")
    import pyarrow.parquet as pq

    truths = [OWN.model_dump(), {k: v for k, v in IFEVAL.items() if k != "prompt"}, VERINSTRUCT]
    table = [
        {
            "data_source": "x",
            "prompt": [{"role": "system", "content": "s"}, {"role": "user", "content": "Say hi."}],
            "reward_model": {"style": "rule", "ground_truth": json.dumps(truth)},
            "extra_info": {"split": "train", "index": i},
        }
        for i, truth in enumerate(truths)
    ]
    pq.write_table(pa.Table.from_pylist(table), tmp_path / "t.parquet")
    loaded = list(read_rows(tmp_path / "t.parquet"))
    assert [len(item.params) for item in loaded] == [1, 2, 4]
    assert loaded[1].prompt == "Say hi."
    assert loaded[1].where.row == 2


def test_verl_parquet_written_by_verif(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    write_instructions(tmp_path / "t.parquet", [OWN], source="x", split="train")
    assert [item.instruction for item in read_rows(tmp_path / "t.parquet")] == [OWN]


@pytest.mark.parametrize(
    ("raw", "field"),
    [
        ([], ""),
        ({}, ""),
        ({"prompt": "p"}, "response"),
        ({"prompt": 3, "response": "r"}, "prompt"),
        ({"prompt": "p", "response": 3}, "response"),
        (IFEVAL | {"kwargs": [{}]}, "kwargs"),
        (IFEVAL | {"kwargs": [{}, 3]}, "kwargs.1"),
        (IFEVAL | {"kwargs": [{}, {"frequency": 1}]}, "frequency"),
        (IFEVAL | {"instruction_id_list": "x"}, "instruction_id_list"),
        (IFEVAL | {"instruction_id_list": ["punctuation:no_comma", None]}, "instruction_id_list.1"),
        (IFEVAL | {"prompt": None}, "prompt"),
        (IFEVAL | {"key": [1]}, "id"),
        (VERINSTRUCT | {"functions": [CODE]}, "functions"),
        (VERINSTRUCT | {"functions": ["", LLM, CODE, LLM]}, "functions.0"),
        (VERINSTRUCT | {"checkers": [1, 2, 3, 4]}, "checkers.0"),
        (
            {"id": "x", "prompt": "p", "constraints": [{"kind": "rule", "rule": "r"}]},
            "constraints.0.rule.text",
        ),
        ({"id": "x", "prompt": "p", "constraint": []}, "response"),
        ({"prompt": [], "reward_model": {"ground_truth": "{}"}}, "prompt"),
        ({"prompt": "p", "reward_model": {"ground_truth": "3"}}, "reward_model.ground_truth"),
    ],
)
def test_a_bad_row_names_its_place(raw: Any, field: str) -> None:
    with pytest.raises(InputError) as caught:
        row(raw, HERE)
    assert (caught.value.file, caught.value.row, caught.value.field) == ("rows.jsonl", 3, field)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b"\xff{}", "not UTF-8"),
        (b"{", "not JSON"),
        (b'{"a": "\x00"}', "not JSON"),
        (b"[" * 200_000, "not JSON"),
        (b'{"a": "\\ud800", ' + b"[" * 100_000, "not JSON"),
        (b'{"prompt": "a", "prompt": ', "not JSON"),
    ],
)
def test_a_bad_line_is_a_clear_error(line: bytes, message: str) -> None:
    with pytest.raises(InputError, match=message):
        parse(line, HERE)


@given(st.binary(max_size=200))
def test_any_bytes_parse_or_are_refused(line: bytes) -> None:
    with suppress(InputError):
        parse(line, HERE)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
KEYS = (
    "id",
    "key",
    "prompt",
    "response",
    "instruction_id_list",
    "kwargs",
    "checkers",
    "functions",
    "constraints",
    "reward_model",
)


@pytest.mark.slow
@given(st.dictionaries(st.sampled_from(KEYS), json_values, max_size=6))
@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
def test_any_object_is_a_row_or_an_input_error(raw: dict[str, Any]) -> None:
    with suppress(InputError):
        assert isinstance(row(raw, HERE), Row)


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\n\n"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("packed", [False, True])
def test_line_ends_byte_order_marks_and_gzip(tmp_path: Path, ending: str, mark: bytes, packed: bool) -> None:
    data = mark + ending.join(json.dumps(IFEVAL | {"response": text}) for text in ("a", "b")).encode()
    path = tmp_path / "rows.jsonl"
    path.write_bytes(gzip.compress(data) if packed else data)
    assert [item.response for item in read_rows(path)] == ["a", "b"]


def test_broken_files_are_input_errors(tmp_path: Path) -> None:
    cut, wide, none = tmp_path / "cut.gz", tmp_path / "wide.jsonl", tmp_path / "none.jsonl"
    cut.write_bytes(gzip.compress(b'{"prompt": "p", "response": "r"}\n' * 1000)[:-20])
    wide.write_text(json.dumps(IFEVAL), "utf-16")
    (tmp_path / "empty").mkdir()
    for path, message in (
        (cut, "complete"),
        (wide, "UTF-16"),
        (none, "cannot be read"),
        (tmp_path / "empty", "holds no file of rows"),
    ):
        with pytest.raises(InputError, match=message):
            list(read_rows(path))
    (tmp_path / "bad.parquet").write_bytes(b"PAR1 nothing")
    with pytest.raises(InputError, match="parquet"):
        list(read_rows(tmp_path / "bad.parquet"))


def test_an_overlong_line_is_reported_and_the_next_one_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("verif.core.containers.lines.MAX_LINE", 1000)
    path = write(tmp_path / "rows.jsonl", IFEVAL | {"response": "x" * 5000}, IFEVAL)
    bad: list[InputError] = []
    assert [item.where.row for item in read_rows(path, bad.append)] == [2]
    assert [error.row for error in bad] == [1]


@pytest.mark.slow
def test_a_line_of_50_mb_is_read(tmp_path: Path) -> None:
    path = write(tmp_path / "rows.jsonl", IFEVAL | {"response": "word " * 10_000_000})
    assert [len(item.response or "") for item in read_rows(path)] == [50_000_000]


def test_join_by_prompt(tmp_path: Path) -> None:
    instructions = write(tmp_path / "i.jsonl", IFEVAL, IFEVAL | {"key": 8})
    responses = write(
        tmp_path / "r.jsonl", {"prompt": "Say hi.", "response": "a"}, {"prompt": "Say hi", "response": "b"}
    )
    bad: list[InputError] = []
    joined = list(join(instructions, responses, bad.append))
    assert [(item.id, item.response) for item in joined] == [("7", "a"), ("8", "a")]
    assert [(error.row, error.field) for error in bad] == [(2, "prompt")]
    with pytest.raises(InputError, match="no instruction"):
        list(join(instructions, responses))


def test_the_public_verinstruct_rows_load_completely(reference_data: Path) -> None:
    rows = list(read_rows(reference_data / "verinstruct" / "sample_200.jsonl"))
    assert len(rows) == 200
    kinds = [c.kind for item in rows if item.instruction for c in item.instruction.constraints]
    assert kinds.count("checker") == 297
    assert kinds.count("soft") == len(kinds) - 297


def test_parquet_whose_text_is_no_utf8_is_an_input_error(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    from verif.core.instruction_files import read_instructions

    bad = pa.array([b"\xff\x90"], pa.binary()).view(pa.string())
    pq.write_table(pa.table({"prompt": bad, "reward_model": bad}), tmp_path / "r.parquet")
    with pytest.raises(InputError, match=r"r\.parquet"):
        list(read_rows(tmp_path / "r.parquet"))
    with pytest.raises(InputError, match=r"r\.parquet"):
        read_instructions(tmp_path / "r.parquet")
