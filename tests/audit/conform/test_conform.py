"""`verif conform` over files: what differs is found by rule, and files that hold no verdicts are said so."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from verif.audit.conform.published import questions
from verif.cli.app import main
from verif.errors import InputError

HERE = Path(__file__).parent
ASKED = {
    "key": 1,
    "prompt": "Say it.",
    "instruction_id_list": ["punctuation:no_comma", "startend:quotation"],
    "kwargs": [{}, {}],
}
RESULT = {"prompt": "Say it.", "response": "Well, no.", "instruction_id_list": ASKED["instruction_id_list"],
          "follow_instruction_list": [False, False]}  # fmt: skip
SAMPLE = {"doc": ASKED, "resps": [["Well, no."]], "filtered_resps": ["Well, no."],
          "inst_level_strict_acc": [False, False], "inst_level_loose_acc": [False, True]}  # fmt: skip


def written(path: Path, *rows: Any) -> str:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(path)


def conform(*arguments: str) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["conform", *arguments])
    assert ended.value.code == 0


@pytest.fixture
def instructions(tmp_path: Path) -> str:
    return written(tmp_path / "asked.jsonl", ASKED)


def test_result_files_are_joined_with_their_instructions(tmp_path: Path, instructions: str) -> None:
    made = list(questions([written(tmp_path / "r.jsonl", RESULT)], instructions))
    assert [(q.rule, q.followed, q.response) for q in made] == [
        ("punctuation:no_comma", False, "Well, no."), ("startend:quotation", False, "Well, no."),
    ]  # fmt: skip


@pytest.mark.parametrize(("loose", "second"), [(False, False), (True, True)])
def test_samples_of_lm_eval_hold_both_kinds(tmp_path: Path, loose: bool, second: bool) -> None:
    made = list(questions([written(tmp_path / "s.jsonl", SAMPLE)], None, loose=loose))
    assert [q.followed for q in made] == [False, second]


@pytest.mark.parametrize(
    ("row", "part"),
    [
        ({**RESULT, "follow_instruction_list": [True]}, "has 1 verdicts for 2 constraints"),
        ({**RESULT, "follow_instruction_list": ["yes", "no"]}, "follow_instruction_list"),
        ({**RESULT, "prompt": "Other."}, "no instruction has this prompt"),
        ({**RESULT, "instruction_id_list": ["startend:quotation"]}, "no instruction has this prompt"),
        ({"prompt": "Say it.", "response": "No."}, "no published verdicts"),
        ({**RESULT, "response": 7}, "response"),
    ],
)
def test_a_bad_row_is_named_or_skipped(tmp_path: Path, instructions: str, row: Any, part: str) -> None:
    path = written(tmp_path / "r.jsonl", row, RESULT)
    with pytest.raises(InputError, match=part) as caught:
        list(questions([path], instructions))
    assert "row 1" in str(caught.value)
    skipped: list[InputError] = []
    assert len(list(questions([path], instructions, on_bad=skipped.append))) == 2
    assert len(skipped) == 1


def test_without_parameters_the_hint_names_the_option(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="--instructions"):
        list(questions([written(tmp_path / "r.jsonl", RESULT)], None))


def test_the_command_shows_what_a_checker_gets_wrong(
    tmp_path: Path, instructions: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", f"{HERE}:{HERE.parents[2]}")
    results, out = written(tmp_path / "r.jsonl", RESULT), tmp_path / "cases.jsonl"
    conform("checkers:no_commas", results, "--instructions", instructions)
    told = capsys.readouterr().out
    assert "1 │" in told
    assert "all" in told
    conform("checkers:always", results, "--instructions", instructions, "--out", str(out))
    told = capsys.readouterr().out
    assert "punctuation:no_comma: " in told
    assert "published not followed, the checker: followed" in told
    assert [json.loads(line)["rule"] for line in out.read_text().splitlines()] == ASKED["instruction_id_list"]


def test_no_verdicts_at_all_is_a_failure(
    tmp_path: Path, instructions: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(
            [
                "conform",
                "verif.audit.conform.own:check",
                written(tmp_path / "e.jsonl"),
                "--instructions",
                instructions,
            ]
        )
    assert ended.value.code == 2
    assert "e.jsonl" in capsys.readouterr().err
