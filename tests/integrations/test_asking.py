"""What all integrations share: rows of a batch become items, and an answer is a reward or none."""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verif.core.asked import item_of, items_of
from verif.core.failures import reward_or_raise
from verif.core.rows import Where
from verif.errors import InputError, NoRewardError
from verif.integrations import host
from verif.integrations.asking import Asker
from verif.integrations.host import written_for
from verif.integrations.trl import VerifReward

HERE = Where("the batch", 3)
COMMA = {"instruction_id_list": ["punctuation:no_comma"], "kwargs": [{}]}
RULE = {"kind": "rule", "text": "No commas.", "rule": "punctuation:no_comma", "params": {}}
BROKEN = {
    "id": "1",
    "prompt": "p",
    "constraints": [{"kind": "checker", "text": "t", "source": "def broken("}],
}
SOFT = {"id": "1", "constraints": [{"kind": "soft", "text": "Be good."}]}
CHAT = [{"role": "system", "content": "You are terse."}, {"role": "user", "content": "Describe the harbour."}]


@pytest.mark.parametrize(
    "row",
    [
        COMMA,
        {"ground_truth": json.dumps(COMMA)},
        {"ground_truth": COMMA},
        {"reward_model": {"ground_truth": json.dumps(COMMA)}},
        {"constraints": [RULE], "difficulty": 3},
        {"instruction": "an unrelated text", "ground_truth": COMMA, "solution": "42"},
        # as Arrow gives structs back: every field that any row of the table has
        {
            "constraints": [{**RULE, "source": None, "dimension": None, "params": {"keyword": None}}],
            "answer": None,
        },
    ],
)
def test_a_row_of_any_form_is_asked_about(row: dict[str, Any]) -> None:
    item = item_of(row, "A boat, a gull.", HERE, prompt=CHAT)
    assert [one.rule for one in item.instruction.constraints] == ["punctuation:no_comma"]
    assert (item.instruction.prompt, item.instruction.system) == ("Describe the harbour.", "You are terse.")
    assert Asker("").ask_now([item])[0].reward.value == 0.0


@pytest.mark.parametrize(
    ("said", "text"),
    [
        ("A boat.", "A boat."),
        (None, ""),
        ([{"role": "assistant", "content": "A boat."}], "A boat."),
        ([{"role": "assistant", "content": "x"}, {"role": "tool", "content": "y"}, {"role": "assistant", "content": None}], ""),
        ([{"role": "assistant", "content": [{"type": "text", "text": "A "}, {"type": "text", "text": "boat."}]}], "A boat."),
    ],
)  # fmt: skip
def test_what_was_said_is_the_last_message(said: Any, text: str) -> None:
    assert item_of(COMMA, said, HERE, prompt="p").response.text == text


@pytest.mark.parametrize(
    ("row", "said", "prompt", "problem"),
    [
        ({"label": 1}, "x", "p", "row 3: has no constraints. Its columns are: label, prompt."),
        ({"ground_truth": "{"}, "x", "p", "row 3, field 'ground_truth': is neither JSON"),
        ({"ground_truth": "3"}, "x", "p", "row 3, field 'ground_truth': must be an object"),
        ({**COMMA, "kwargs": []}, "x", "p", "row 3, field 'kwargs': has 0 entries for 1"),
        (COMMA, 3, "p", "row 3, field 'completion': must be text or chat messages, not int"),
        (COMMA, [{"role": "user", "content": "x"}], "p", "field 'completion': holds no message of an assistant"),
        (COMMA, "x", [{"role": "system", "content": "x"}], "row 3, field 'prompt'"),
        (SOFT, "x", "  ", "row 3, field 'prompt': is empty"),
        (SOFT, "x", [*CHAT, {"role": "assistant", "content": "Yes?"}, CHAT[-1]], "has earlier turns"),
    ],
)  # fmt: skip
def test_a_wrong_row_is_named(row: Any, said: Any, prompt: Any, problem: str) -> None:
    with pytest.raises(InputError) as error:
        item_of(row, said, HERE, prompt=prompt)
    assert problem in str(error.value)


@pytest.mark.slow
@given(
    st.dictionaries(
        st.sampled_from(["prompt", "messages", "ground_truth", "constraints", "instruction", "kwargs", "id",
                         "instruction_id_list", "reward_model", "checkers", "functions", "extra_info"]),
        st.recursive(
            st.none() | st.integers() | st.text(max_size=5),
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
            max_leaves=6,
        ),
    )
)  # fmt: skip
def test_any_row_is_an_item_or_one_clear_error(row: dict[str, Any]) -> None:
    with suppress(InputError):
        assert item_of(row, "x", HERE).id == "3"


def test_a_batch_knows_its_rows_from_what_else_it_is_given() -> None:
    columns = {**{name: [value] * 2 for name, value in COMMA.items()}, "trainer_state": object(), "odd": [1]}
    items = items_of(columns, ["A boat.", "A, b."], prompts=["p", "p"])
    assert [item.id for item in items] == ["1", "2"]
    assert [one.reward.value for one in Asker("").ask_now(items)] == [1.0, 0.0]


async def test_it_may_be_asked_inside_a_running_loop() -> None:
    [item] = items_of({name: [value] for name, value in COMMA.items()}, ["A boat."], ["p"])
    assert Asker("").ask_now([item])[0].reward.value == 1.0
    assert (await Asker("").ask([item]))[0].reward.value == 1.0


def test_an_error_is_raised_with_its_reason() -> None:
    [found] = Asker("").ask_now([item_of(BROKEN, "x", HERE)])
    with pytest.raises(NoRewardError, match="no reward for item '3': "):
        reward_or_raise(found)


def test_another_version_of_a_host_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host, "version", lambda _: "1.17.2rc1")
    with pytest.warns(UserWarning, match=r"written for trl 1\.16; 1\.17\.2rc1 is installed"):
        assert written_for("trl", "1.16") == (1, 17)


def test_trl_gets_none_for_an_error_and_the_share_of_them() -> None:
    told: dict[str, float] = {}
    rows = [json.dumps(COMMA), json.dumps(COMMA), json.dumps(BROKEN)]
    rewards = asyncio.run(
        VerifReward("")(
            prompts=[CHAT] * 3,
            completions=[[{"role": "assistant", "content": text}] for text in ("A boat.", "A, b.", "x")],
            completion_ids=[[1], [2], [3]],
            ground_truth=rows,
            log_metric=told.__setitem__,
            trainer_state=None,
        )
    )
    assert rewards == [1.0, 0.0, None]
    assert told == {"verif/errors": pytest.approx(1 / 3)}


def test_trl_raises_where_a_none_would_count(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = {"prompts": ["p"], "completions": ["x"], "ground_truth": [json.dumps(BROKEN)]}
    with pytest.raises(NoRewardError):
        asyncio.run(VerifReward("", strict=True)(**broken))
    monkeypatch.setattr(host, "version", lambda _: "1.15.0")
    with pytest.warns(UserWarning, match="1.15.0"):
        old = VerifReward("")
    with pytest.raises(NoRewardError):
        asyncio.run(old(**broken))


def test_every_integration_is_one_short_file_that_says_what_an_error_becomes(root: Path) -> None:
    files = [file for file in (root / "verif" / "integrations").glob("*.py") if file.name != "__init__.py"]
    assert len(files) == 10
    for file in (*files, *(root / "verif" / "service" / "dialects").glob("[a-z]*.py")):
        text = file.read_text("utf-8")
        assert len(text.splitlines()) <= 80, file
        if file.name not in ("asking.py", "host.py", "dialect.py"):
            assert "error" in text.split('"""')[1].lower(), file


@pytest.mark.slow
def test_the_page_is_true_and_names_every_integration(root: Path) -> None:
    page = (root / "docs/integrations.md").read_text("utf-8")
    code = page.split("```python\n")[1].split("```")[0]
    env = {**os.environ, "PYTHONPATH": str(root)}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "[1.0, 0.0]", done.stderr[-1000:]
    for name in re.findall(r"\(\.\./examples/([\w./]+)\)", page):
        assert (root / "examples" / name).is_file()
        assert len((root / "examples" / name).read_text("utf-8").splitlines()) <= 40
