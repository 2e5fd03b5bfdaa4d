"""Rows with a system message or earlier turns: what a policy is asked, what a judge reads, which turn a constraint binds."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verif.core.instruction_files import last_turn, messages, with_last_turn
from verif.core.judge.prompt import render
from verif.core.rows import Row, Where, rows
from verif.errors import InputError

CALM = {"kind": "soft", "text": "Be calm."}
NO_COMMA = {"kind": "rule", "text": "No commas.", "rule": "punctuation:no_comma"}
SYSTEM = {"role": "system", "content": "Answer in verse."}
TALK = [
    SYSTEM,
    {"role": "user", "content": "Describe the boat."},
    {"role": "assistant", "content": "A blue boat."},
    {"role": "user", "content": "Now the sea."},
    {"role": "assistant", "content": "A wide sea, a grey one."},
    {"role": "user", "content": "Shorter."},
]


def read(raw: dict[str, Any]) -> list[Row]:
    return rows({"id": "7", **raw}, Where("rows.jsonl", 3))


def test_a_conversation_with_constraints_beside_it_is_one_row_for_its_last_turn() -> None:
    for name in ("prompt", "messages"):
        (row,) = read({name: TALK, "constraints": [NO_COMMA], "response": "Sea."})
        assert row.instruction is not None
        assert messages(row.instruction) == TALK
        assert (row.id, row.response, row.instruction.system) == ("7", "Sea.", "Answer in verse.")
        assert row.instruction.prompt == "Shorter."


def test_a_judge_reads_the_conversation_and_the_policy_gets_its_messages() -> None:
    (row,) = read({"messages": TALK, "constraints": [CALM]})
    assert row.instruction is not None
    assert messages(row.instruction) == TALK
    system, user = (m["content"] for m in render("joint-en", row.instruction, [0], "Sea.", "abcdef12"))
    assert "A blue boat." not in system
    places = [user.index(m["content"]) for m in TALK]
    assert places == sorted(places)
    assert user.index("Shorter.") < user.index("1. Be calm.") < user.index("Sea.\n----- abcdef12")


def test_what_was_read_is_read_again_as_it_is() -> None:
    (row,) = read({"messages": TALK, "constraints": [CALM, NO_COMMA], "response": "Sea."})
    assert row.instruction is not None
    written = row.instruction.model_dump(mode="json")
    for form in ({"instruction": written}, {"instruction": json.dumps(written)}, written):
        (again,) = rows({**form, "response": "Sea."}, Where("again", 1))
        assert again.instruction == row.instruction
    forged = {**written, "prompt": "Something else."}
    with pytest.raises(InputError, match="is not the conversation of meta"):
        rows({"instruction": forged, "response": "Sea."}, Where("again", 1))


def test_each_constraint_binds_the_turn_that_it_names() -> None:
    verse = {"kind": "soft", "text": "In verse.", "turn": "all"}
    listed = [{**NO_COMMA, "turn": [1, 2]}, verse, {**CALM, "turn": 3}, NO_COMMA]
    first, second, third = read({"messages": TALK, "constraints": listed, "response": "Sea."})
    asked = [row.instruction for row in (first, second, third)]
    assert [row.id for row in (first, second, third)] == ["7/1", "7/2", "7/3"]
    assert [[c.text for c in item.constraints] for item in asked if item] == [
        ["No commas.", "In verse."],
        ["No commas.", "In verse."],
        ["In verse.", "Be calm.", "No commas."],
    ]
    assert [messages(item) for item in asked if item] == [TALK[:2], TALK[:4], TALK]
    assert [row.response for row in (first, second, third)] == [
        "A blue boat.",
        "A wide sea, a grey one.",
        "Sea.",
    ]


def test_turns_that_nothing_binds_make_no_row() -> None:
    (row,) = read({"messages": TALK[:4], "constraints": [{**CALM, "turn": 2}]})
    assert (row.id, row.response) == ("7/2", None)
    (row,) = read({"messages": TALK, "constraints": [{**CALM, "turn": 1}], "response": None})
    assert row.instruction is not None
    assert (row.instruction.prompt, row.response) == ("Describe the boat.", "A blue boat.")


def test_a_row_that_was_cut_off_says_nothing_of_replies_before() -> None:
    listed = [{**CALM, "turn": "all"}]
    read_rows = read({"messages": TALK, "constraints": listed, "response": "Sea", "finished": False})
    assert [row.finished for row in read_rows] == [True, True, False]


def test_a_table_that_gives_every_constraint_all_fields_is_read_as_its_rows_were() -> None:
    nulls = {"rule": None, "params": {"N": None}, "dimension": None, "turn": None}
    for prompt in ({"prompt": "Hi."}, {"messages": TALK}):
        (row,) = read(
            {**prompt, "constraints": [{**nulls, **CALM}, {**nulls, **NO_COMMA}], "response": "Sea."}
        )
        assert row.instruction is not None
        assert [c.text for c in row.instruction.constraints] == ["Be calm.", "No commas."]


def test_a_conversation_is_not_multiplied_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("verif.core.forms.turns.MOST_CHARACTERS", 250)
    assert len(read({"messages": TALK, "constraints": [{**CALM, "turn": [1, 2]}]})) == 2
    with pytest.raises(InputError, match="too much to be read in turns"):
        read({"messages": TALK, "constraints": [{**CALM, "turn": "all"}]})


@pytest.mark.parametrize(
    ("raw", "field", "problem"),
    [
        ({"messages": TALK, "constraints": [{**CALM, "turn": 4}]}, "constraints.0.turn", "from 1 to 3"),
        ({"messages": TALK, "constraints": [CALM, {**CALM, "turn": 0}]}, "constraints.1.turn", "is 0"),
        ({"messages": TALK, "constraints": [{**CALM, "turn": True}]}, "constraints.0.turn", "is True"),
        ({"messages": TALK, "constraints": [{**CALM, "turn": []}]}, "constraints.0.turn", "is empty"),
        ({"messages": TALK, "constraints": [{**CALM, "turn": "last"}]}, "constraints.0.turn", "is last"),
        ({"messages": TALK, "constraints": [{**CALM, "turn": 1}, 3]}, "constraints.1", "must be an object"),
        ({"messages": TALK, "constraints": [{"kind": "soft", "turn": 1}]}, "constraints.0.soft.text", "required"),
        ({"messages": TALK, "constraints": [{**CALM, "turn": [1, 2]}], "output": "Sea."}, "output", "answers turn 3"),
        ({"prompt": "Hi.", "constraints": [{**CALM, "turn": 1}]}, "prompt", "no list of messages"),
        ({"messages": TALK, "constraints": [CALM], "system": "Other."}, "system", "another one"),
        ({"messages": TALK, "constraints": [CALM], "meta": {"history": TALK[1:3]}}, "meta.history", "beside"),
        ({"messages": [*TALK[:2], SYSTEM, TALK[3]], "constraints": [CALM]}, "messages", "not its first message"),
        ({"messages": [*TALK[:3], {"role": "tool", "content": "t"}, *TALK[2:4]], "constraints": [{**CALM, "turn": 1}]},
         "messages", "more than one reply"),
        ({"messages": [SYSTEM], "constraints": [CALM]}, "messages", "no user's turn"),
        ({"messages": TALK[1:2] * 101, "constraints": [{**CALM, "turn": "all"}]}, "constraints", "101 turns"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_named(raw: dict[str, Any], field: str, problem: str) -> None:
    with pytest.raises(InputError) as caught:
        read(raw)
    assert (caught.value.row, caught.value.field) == (3, field)
    assert problem in str(caught.value)


@pytest.mark.slow
@given(
    st.lists(st.text(max_size=30), min_size=3, max_size=7).filter(lambda texts: len(texts) % 2),
    st.text(max_size=20),
)
def test_whatever_was_said_the_messages_stay_and_the_last_can_be_changed(
    texts: list[str], other: str
) -> None:
    talk = [{"role": ("user", "assistant")[n % 2], "content": text} for n, text in enumerate(texts)]
    (row,) = read({"messages": talk, "constraints": [CALM]})
    assert row.instruction is not None
    assert messages(row.instruction) == talk
    changed = with_last_turn(row.instruction, other)
    assert messages(changed) == [*talk[:-1], {"role": "user", "content": other}]
    assert changed.prompt.endswith(other)
    assert last_turn(changed) == other
    (again,) = rows(changed.model_dump(mode="json"), Where("again", 1))
    assert again.instruction == changed
