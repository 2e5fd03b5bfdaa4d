"""Rows that lie: one error with file, row and field, whatever a field holds; a right row is not refused."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from verif.core.rows import Where, rows
from verif.errors import InputError
from verif.service.dialects.nemo_gym import NEMO_GYM

HERE = Where("rows.jsonl", 3)
LONG = "0x" + "f" * 5000
RULE = {"kind": "rule", "text": "t", "rule": "punctuation:no_comma", "params": {}}


def deep() -> Any:
    return orjson.loads("[" * 1000 + "]" * 1000)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"instruction_id_list": f"[{LONG}]", "kwargs": "[{}]"}, "'instruction_id_list': is neither JSON"),
        ({"doc": {"prompt": "q", "instruction_id_list": [], "kwargs": []}, "resps": [["y"]]}, "a second response beside"),
        ({"doc": f"{{'id': {LONG}, 'prompt': 'p'}}", "resps": ["r"], "prompt": None}, "'doc': is neither JSON"),
        ({"instruction_id_list": "[b'a']", "kwargs": "[{}]"}, "'instruction_id_list': is neither JSON"),
        ({"instruction_id_list": ["punctuation:no_comma"], "kwargs": "[{'a': {1, 2}}]"}, "'kwargs': is neither"),
        ({"ground_truth": [{"instruction_id": 5}]}, "'ground_truth.0.instruction_id': must be a list, is the number 5"),
        ({"constraints": [RULE], "id": "1", "meta": {"history": 5}}, "'meta.history': must be a list of chat"),
        ({"response": deep(), "output": deep()}, "is nested too deeply"),
    ],
)  # fmt: skip
def test_it_is_one_error_with_its_place(change: dict[str, Any], problem: str) -> None:
    with pytest.raises(InputError) as caught:
        rows({"prompt": "p", "response": "r", **change}, HERE)
    assert str(caught.value).startswith("rows.jsonl, row 3")
    assert problem in str(caught.value)


@pytest.mark.parametrize(
    "prompt",
    [
        '{"a": 1} Convert this to YAML.',
        '[{"a": 1}]',
        '[{"name": "x"}, {"name": "y"}]\nSort by name.',
        '{"a": 1}',
    ],
)
def test_a_prompt_may_begin_with_json(prompt: str) -> None:
    (read,) = rows({"prompt": prompt, "response": "r"}, HERE)
    assert read.prompt == prompt


@pytest.mark.parametrize(
    "prompt", ['[{"role": "user", "content": "p"}]', "[{'role': 'user', 'content': 'p'}]", '{"role": "user", "content": "p"}']
)  # fmt: skip
def test_messages_in_a_cell_are_messages(prompt: str) -> None:
    (read,) = rows({"prompt": prompt, "response": "r"}, HERE)
    assert read.prompt == "p"


def test_a_python_tuple_is_a_list() -> None:
    (read,) = rows(
        {"prompt": "p", "response": "r", "instruction_id_list": "['keywords:existence']",
         "kwargs": "[{'keywords': ('a', 'b')}]"}, HERE,
    )  # fmt: skip
    assert read.instruction is not None
    assert read.instruction.constraints[0].kind == "rule"


@pytest.mark.parametrize(("status", "finished"), [("completed", True), (None, True), ("failed", False)])
def test_a_rollout_in_a_file_is_read_as_the_service_reads_it(status: str | None, finished: bool) -> None:
    said = [
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": text}]}
        for text in "ab"
    ]
    rollout = {
        "id": 1, "responses_create_params": {"input": "p"}, "instruction_id_list": ["punctuation:no_comma"],
        "kwargs": [{}], "response": {"output": said, "status": status},
    }  # fmt: skip
    (read,) = rows(rollout, HERE)
    (asked,) = NEMO_GYM.read(rollout, {})
    assert (read.response, read.finished) == (asked.response.text, asked.response.finished) == ("b", finished)


@pytest.mark.parametrize("part", [{"text": 5}, {"type": "image"}, 5])
def test_what_is_no_text_is_refused_and_not_judged_as_an_empty_response(part: Any) -> None:
    response = {"output": [{"type": "message", "content": [part]}]}
    rollout = {
        "id": 1,
        "responses_create_params": {"input": "p"},
        "instruction_id_list": [],
        "kwargs": [],
        "response": response,
    }
    for read in (lambda: rows(rollout, HERE), lambda: NEMO_GYM.read(rollout, {})):
        with pytest.raises(InputError, match=r"response\.output': must be parts of text"):
            read()
