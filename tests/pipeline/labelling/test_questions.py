"""What is asked, in which order, and what a labeller gets to see of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.labelled_rows import CALM, NO_COMMA, ROWS, rows_file, to_label

from verif.errors import InputError
from verif.pipeline.labelling.questions import ACTS, as_page, shown


def test_one_question_for_each_soft_constraint_and_for_hard_ones_on_request(tmp_path: Path) -> None:
    path = rows_file(tmp_path)
    assert [q.constraint for q in to_label(path).questions()] == [0, 2, 0, 2, 0]
    assert [q.constraint for q in to_label(path, hard=True).questions()] == [0, 1, 2, 0, 1, 2, 0]


def test_constraints_of_a_response_stay_together_and_each_labeller_has_an_order(tmp_path: Path) -> None:
    rows = [{**ROWS[0], "id": str(n), "response": f"Boat {n}."} for n in range(30)]
    asked = to_label(rows_file(tmp_path, rows))
    anna, again, ben = (asked.ordered(0, name) for name in ("anna", "anna", "ben"))
    assert anna == again
    assert anna != ben
    assert anna != asked.ordered(1, "anna")
    assert sorted(q.key for q in anna) == sorted(q.key for q in ben)
    assert all(anna[n].judged is anna[n + 1].judged for n in range(0, 60, 2))


def test_a_question_is_known_by_content_wherever_its_row_stands(tmp_path: Path) -> None:
    before = {q.key for q in to_label(rows_file(tmp_path)).questions()}
    more = [{**ROWS[2], "id": "new"}, *reversed(ROWS)]
    assert before < {q.key for q in to_label(rows_file(tmp_path, more)).questions()}
    other = [{**ROWS[2], "response": "It is narrow."}]
    assert not before & {q.key for q in to_label(rows_file(tmp_path, other)).questions()}


def test_the_page_sees_no_verdict_and_nothing_of_meta(tmp_path: Path) -> None:
    row = {
        "instruction": {**{k: ROWS[0][k] for k in ("id", "prompt", "constraints")}, "meta": {"world": "SECRET-TRUTH"}},
        "response": "A boat.", "truth": [False, False, False], "verdict": "SECRET-VERDICT", "reward": 0.25,
    }  # fmt: skip
    for question in to_label(rows_file(tmp_path, [row])).questions():
        page = as_page(question)
        assert set(page) == {"key", "system", "history", "prompt", "constraint", "response"}
        assert "SECRET" not in json.dumps(page)


def test_only_the_answer_behind_the_reasoning_is_labelled_and_nothing_that_no_judge_is_asked(
    tmp_path: Path,
) -> None:
    rows = [
        {**ROWS[2], "response": "<think>Hm, perhaps rude.</think>It is wide."},
        {**ROWS[2], "response": "<think>Hm"},
        {**ROWS[2], "response": ""},
        {**ROWS[2], "response": "It is", "finished": False},
        {**ROWS[2], "response": ""},
    ]
    asked = to_label(rows_file(tmp_path, rows))
    assert [as_page(q)["response"] for q in asked.questions()] == ["It is wide."]
    assert sum(asked.left_out.values()) == 4
    assert asked.left_out["the same response to the same instruction again"] == 1


@pytest.mark.parametrize(
    ("rows", "problem"),
    [
        ([], "there are no rows"),
        ([{**ROWS[0], "constraints": [NO_COMMA]}], "no response has a soft constraint"),
        ([{**ROWS[0], "response": ""}], "no response can be labelled (1: the response is empty)"),
        ([ROWS[0], {**ROWS[1], "prompt": "Another."}], "row 2, field 'id': 'boat' is another instruction in row 1"),
        ([ROWS[0], {"id": "x", "prompt": "p", "constraints": [CALM]}], "row 2, field 'response': has no response"),
        ([ROWS[0], {"id": "x", "prompt": "p", "constraints": [], "response": "r"}], "row 2"),
        ([ROWS[0], {"prompt": "p", "response": "r"}], "row 2: has no constraints"),
    ],
)  # fmt: skip
def test_what_cannot_be_exported_is_refused_before_anybody_labels(
    tmp_path: Path, rows: list[dict[str, Any]], problem: str
) -> None:
    with pytest.raises(InputError) as caught:
        to_label(rows_file(tmp_path, rows))
    assert problem in str(caught.value)
    assert "rows.jsonl" in str(caught.value)


@given(st.text(alphabet=st.characters(), max_size=40))
def test_what_is_shown_acts_on_nothing_and_plain_text_stays(text: str) -> None:
    seen = shown(text)
    assert not set(seen) & set("\x00\x1b\r\u202e\u2066\u200b\ufeff\U000e0041")
    seen.encode("utf-8")
    if text.isalnum() and not ACTS & set(text):  # some letters are blank
        assert seen == text


def test_hidden_characters_stand_as_their_numbers() -> None:
    assert shown("\u00ad\u200f\u3164\U000e0100") == "⟨U+00AD⟩⟨U+200F⟩⟨U+3164⟩⟨U+E0100⟩"
    assert (
        shown("a\u202eb\U000e0041\n\t\ud800")
        == "a\u27e8U+202E\u27e9b\u27e8U+E0041\u27e9\n\t\u27e8U+D800\u27e9"
    )
    assert (
        shown("\U0001f468\u200d\U0001f467 \u0646\u200c\u0645")
        == "\U0001f468\u200d\U0001f467 \u0646\u200c\u0645"
    )
