"""A file of conversations becomes data to train on: whole, in one split each, and repaired where it must be."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from verif.core.instruction_files import last_turn, messages, read_instructions, write_instructions
from verif.core.rows import Where, rows
from verif.data.answering import asking
from verif.data.verinstruct import opening, prepare_verinstruct
from verif.recipe import RowsData
from verif.system.tables import read_table
from verif.types import Instruction

SECTION = RowsData(validation=16, test=16, golden=16, require_checker=True)
COUNT = 150
NEVER = "def check_following(instruction, response):\n    return False"


def conversation(number: int, *constraints: dict[str, Any]) -> dict[str, Any]:
    talk = [
        {"role": "system", "content": "Answer as a sailor."},
        {"role": "user", "content": f"Describe boat {number}."},
        {"role": "assistant", "content": "It is blue."},
        {"role": "user", "content": "Shorter."},
    ]
    rule = {"kind": "rule", "text": "No commas.", "rule": "punctuation:no_comma", "turn": "all"}
    return {"id": str(number), "messages": talk, "constraints": [rule, *constraints]}


def prepared(folder: Path, rows: list[dict[str, Any]]) -> Any:
    path = folder / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return prepare_verinstruct(path, SECTION, 1)


def test_turns_of_a_conversation_stay_in_one_split_and_keep_their_messages(tmp_path: Path) -> None:
    calm = {"kind": "soft", "text": "Be calm.", "turn": 2}
    splits = prepared(tmp_path, [conversation(n, calm) for n in range(COUNT)])
    assert not splits.quarantine, "two conversations that end alike are not the same question"
    parts = {name: getattr(splits, name) for name in ("train", "validation", "test")}
    begin = {name: {opening(item) for item in items} for name, items in parts.items()}
    assert not begin["train"] & (begin["validation"] | begin["test"])
    assert {item.id.partition("/")[2] for item in parts["train"]} == {"1", "2"}
    write_instructions(tmp_path / "train.parquet", parts["train"], source="rows", split="train")
    assert read_instructions(tmp_path / "train.parquet") == parts["train"]
    asked = [row["prompt"] for row in read_table(tmp_path / "train.parquet", ["prompt"])]
    assert asked == [messages(item) for item in parts["train"]]
    assert {len(talk) for talk in asked} == {2, 4}


def test_the_length_of_a_conversation_counts(tmp_path: Path) -> None:
    long = conversation(999)
    long["messages"][0]["content"] = "Answer as a sailor. " * 200
    splits = prepared(tmp_path, [*(conversation(n) for n in range(COUNT)), long])
    assert [entry["id"] for entry in splits.quarantine] == ["999/1", "999/2"]
    assert "may exceed 1024 tokens" in splits.quarantine[0]["reason"]


def test_a_finding_of_one_turn_is_not_another_turn_s(tmp_path: Path) -> None:
    """A checker that nothing passes binds the second turn, where it has the place that the rule has in the first."""
    dead = {"kind": "checker", "text": "Use at least 5 words.", "source": NEVER, "turn": 2}
    row = conversation(999)
    row["messages"][3]["content"] = "Shorter. Use at least 5 words."
    row["constraints"] = [{**row["constraints"][0], "turn": 1}, dead, {**row["constraints"][0], "turn": 2}]
    row["constraints"].append({"kind": "soft", "text": "Be calm.", "turn": 2})
    section = SECTION.model_copy(update={"screening": "drop-constraint"})
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(r) + "\n" for r in [*(conversation(n) for n in range(COUNT)), row]))
    splits = prepare_verinstruct(path, section, 1)
    assert {(entry["id"], entry["action"]) for entry in splits.quarantine} == {("999/2", "dropped")}
    known = [*splits.train, *splits.validation, *splits.test, *(item.instruction for item in splits.golden)]
    (second,) = {item.id: item for item in known if item.id == "999/2"}.values()
    assert [c.text for c in second.constraints] == ["No commas.", "Be calm."]
    assert messages(second)[-1]["content"] == "Shorter.", "the policy is not asked for what nobody checks"
    assert second.prompt.endswith("Shorter.")


def test_how_to_mark_an_answer_is_said_to_the_policy(tmp_path: Path) -> None:
    number = {"kind": "reference", "text": "How many?", "answer": "4", "compare": "number"}
    talk = [{"role": "user", "content": t} for t in ("Two boats.", "And two more: how many?")]
    raw = {"id": "1", "messages": talk, "constraints": [number, {"kind": "soft", "text": "Be calm."}]}
    (row,) = rows(raw, Where("f", 1))
    assert row.instruction is not None
    made: Instruction = asking(row.instruction)
    assert last_turn(made).startswith("And two more: how many?\n\n")
    assert made.prompt.endswith(last_turn(made))
    assert messages(made)[-1]["content"] == last_turn(made)


@pytest.mark.parametrize("place", ["system", "history"])
def test_screen_writes_a_conversation_as_it_is_trained_on(tmp_path: Path, place: str) -> None:
    from verif.cli.screen import written

    checker = {
        "kind": "checker",
        "text": "No commas.",
        "source": "def check_following(i, r):\n    return ',' not in r",
    }
    talk = conversation(1)["messages"][: 2 if place == "system" else 4]
    (row,) = rows({"id": "1", "messages": talk, "constraints": [checker]}, Where("f", 1))
    assert row.instruction is not None
    (again,) = rows(written(row.instruction), Where("f", 1))
    assert again.instruction == row.instruction
