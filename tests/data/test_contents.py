"""`verif data head` and `verif data stats`: what verif reads in a file, before anything is done with it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verif.cli.app import main
from verif.core.row_files import read_rows
from verif.data.contents import Contents

COMMA = {"instruction_id_list": ["punctuation:no_comma"], "kwargs": [{}]}
TWO = {
    "instruction_id_list": ["punctuation:no_comma", "length_constraints:number_words"],
    "kwargs": [{}, {"num_words": 5, "relation": "at least"}],
}
ROWS: list[dict[str, Any]] = [
    {"key": 1, "prompt": "Describe the sea.", **COMMA, "response": ["Wide.", "Wide, deep."]},
    {"key": 2, "prompt": "Describe the sea.", **TWO},
    {
        "key": 3,
        "prompt": "x" * 1_000,
        "instruction_id_list": ["ours:unheard"],
        "kwargs": [{}],
        "response": "\x1b[2J[b]",
    },
]


def write(folder: Path, rows: list[Any]) -> Path:
    path = folder / "rows.jsonl"
    path.write_text("".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows))
    return path


def counted(path: Path) -> Contents:
    contents = Contents()
    for row in read_rows(path, strict_types=False):
        contents.add(row)
    return contents


def test_an_instruction_counts_once_and_each_of_its_responses(tmp_path: Path) -> None:
    contents = counted(write(tmp_path, ROWS))
    assert (contents.instructions, contents.responses, contents.repeated, contents.bare) == (3, 3, 1, 0)
    assert contents.constraints == {
        "punctuation:no_comma": 2, "length_constraints:number_words": 1, "ours:unheard": 1,
    }  # fmt: skip
    assert contents.used_by["punctuation:no_comma"] == 2
    assert contents.unknown == {"ours:unheard"}
    assert (contents.length(0.5), contents.length(1.0)) == (17, 1_000)


@given(st.lists(st.integers(0, 3), min_size=1, max_size=12))
def test_what_is_counted_does_not_depend_on_the_order(
    tmp_path_factory: pytest.TempPathFactory, picks: list[int]
) -> None:
    rows = [{"prompt": f"p{pick}", **(TWO if pick % 2 else COMMA)} for pick in picks]
    folder = tmp_path_factory.mktemp("order")
    there, back = counted(write(folder, rows)), counted(write(folder, rows[::-1]))
    assert (there.constraints, there.repeated, there.length(0.95)) == (
        back.constraints,
        back.repeated,
        back.length(0.95),
    )
    assert there.repeated == len(picks) - len(set(picks))


def test_stats_says_it_in_lines_and_a_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main_ends_well(["data", "stats", str(write(tmp_path, ROWS))])
    said = capsys.readouterr().out
    assert "instructions: 3; responses: 3" in said
    assert "constraints: 4, 1.33 an instruction" in said
    assert "17 in the middle, 1,000 at 95%, 1,000 at most" in said
    assert "whose prompt stood before: 1" in said
    assert "1 types that verif does not know, as ours:unheard" in said
    assert "punctuation:no_comma" in said
    assert "66.7%" in said


def test_head_shows_prompt_constraints_and_response_and_nothing_acts_on_the_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main_ends_well(["data", "head", str(write(tmp_path, ROWS)), "-n", "4"])
    said = capsys.readouterr().out
    assert "row 2, id 2" in said
    assert "2. length_constraints:number_words num_words=5, relation='at least'" in said
    assert "response 2 of 2: Wide, deep." in said
    assert "ours:unheard (a rule that verif does not know)" in said
    assert "x" * 600 + "..." in said
    assert "\x1b" not in said
    assert "[b]" in said
    assert said.count("row 1") == 2, "one for each response"


def test_a_bad_row_is_named_or_with_a_word_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(tmp_path, [ROWS[0], "not json", ROWS[1]])
    with pytest.raises(SystemExit) as ended:
        main(["data", "stats", str(path)])
    assert ended.value.code == 2
    assert "rows.jsonl, row 2" in capsys.readouterr().err
    main_ends_well(["data", "stats", str(path), "--skip-bad"])
    said = capsys.readouterr().out
    assert "instructions: 2" in said
    assert "cannot be read: 1 rows; the first: " in said


@pytest.mark.parametrize("what", ["head", "stats"])
@pytest.mark.parametrize("text", ["", "\n\n"])
def test_an_empty_file_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], what: str, text: str
) -> None:
    (tmp_path / "rows.jsonl").write_text(text)
    with pytest.raises(SystemExit) as ended:
        main(["data", what, str(tmp_path / "rows.jsonl")])
    assert ended.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "rows.jsonl" in line


def main_ends_well(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert not ended.value.code
