"""Every form and every kind of file gives the same verdicts; what cannot be kept or read is refused by name."""

from __future__ import annotations

import gzip
import json
import os
import re
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner, Result

from benchmarks.file_forms import (
    CONTAINERS,
    FOLLOWED,
    FORMS,
    LISTS,
    OWN,
    PAIRS,
    PROMPT,
    RESPONSES,
    RLVR_IFEVAL,
    SYSTEM,
    USER,
)
from verif import read_rows, score
from verif.audit.pairs import load
from verif.cli.app import app
from verif.core.containers.values import values
from verif.core.instruction_files import messages
from verif.core.rows import Row, Where, row, rows
from verif.errors import InputError

HERE = Where("rows.jsonl", 3)


def run(*args: str) -> Result:
    return CliRunner().invoke(app(args[0]), list(args[1:]))


def jsonl(path: Path, *found: Any) -> str:
    path.write_text("".join(json.dumps(value) + "\n" for value in found), "utf-8")
    return str(path)


@pytest.mark.parametrize("name", FORMS)
def test_a_form_is_read_as_it_is(tmp_path: Path, name: str) -> None:
    path = jsonl(tmp_path / "rows.jsonl", *(FORMS[name](said) for said in RESPONSES))
    found = list(score(read_rows(path)))
    assert tuple(scored.followed for scored in found) == FOLLOWED
    assert {scored.row.prompt for scored in found} <= {PROMPT, f"user\n{PROMPT}\nassistant\n"}


@pytest.mark.parametrize("name", ["TRL", "veRL", "own"])
def test_the_system_message_is_kept(name: str) -> None:
    (found,) = rows(FORMS[name]("Quiet water"), HERE)
    assert found.instruction is not None
    assert messages(found.instruction) == [{"role": "system", "content": SYSTEM}, USER]


@pytest.mark.parametrize("kind", CONTAINERS)
def test_a_kind_of_file_is_known_by_what_is_in_it(tmp_path: Path, kind: str) -> None:
    CONTAINERS[kind](tmp_path / kind, [FORMS["IFEval"](said) for said in RESPONSES])
    assert tuple(scored.followed for scored in score(read_rows(tmp_path / kind))) == FOLLOWED


@pytest.mark.parametrize(
    "kind", ["rows.jsonl", "rows.json", "rows.jsonl.gz", "rows.jsonl.zst", "rows.arrow", "rows.parquet"]
)
def test_a_pipe_is_read(tmp_path: Path, kind: str) -> None:
    CONTAINERS[kind](tmp_path / kind, [FORMS["IFEval"](said) for said in RESPONSES])
    reading, writing = os.pipe()
    content = (tmp_path / kind).read_bytes()
    threading.Thread(target=lambda: (os.write(writing, content), os.close(writing))).start()
    assert len(list(read_rows(f"/dev/fd/{reading}"))) == 4
    os.close(reading)


@pytest.mark.parametrize("kind", ["rows.arrow", "rows.feather", "rows.parquet"])
def test_a_packed_table_is_read_and_one_that_ends_early_is_named(tmp_path: Path, kind: str) -> None:
    CONTAINERS[kind](tmp_path / kind, [FORMS["IFEval"](said) for said in RESPONSES])
    content = (tmp_path / kind).read_bytes()
    packed = tmp_path / f"{kind}.gz"
    packed.write_bytes(gzip.compress(content))
    assert len(list(read_rows(packed))) == 4
    packed.write_bytes(gzip.compress(content[: len(content) // 2]))
    with pytest.raises(InputError, match=re.escape(packed.name)):
        list(read_rows(packed))


def test_history_is_kept_for_rules_and_shown_to_a_judge() -> None:
    talk = [{"role": "user", "content": "Hello."}, {"role": "assistant", "content": "Hi."}, USER]
    (found,) = rows({"prompt": talk, **LISTS, "response": "Quiet water"}, HERE)
    assert found.instruction is not None
    assert messages(found.instruction) == talk
    soft = {**OWN, "constraints": [{"kind": "soft", "text": "Be calm."}]}
    (judged,) = rows({"prompt": talk, "reward_model": {"ground_truth": json.dumps(soft)}}, HERE)
    assert judged.instruction is not None
    assert messages(judged.instruction)[1:] == [*talk[:2], {"role": "user", "content": soft["prompt"]}]
    assert "Hello." in judged.instruction.prompt


def test_each_sample_is_scored_and_counted(tmp_path: Path) -> None:
    whole = {"key": 1, "prompt": PROMPT, **LISTS, "response": list(RESPONSES)}
    path = jsonl(tmp_path / "k.jsonl", whole, whole)
    assert [scored.followed for scored in score(read_rows(path))] == list(FOLLOWED) * 2
    said = run("score", path).stderr
    assert "mean 0.250" in said
    assert "pass@4 1.000" in said


@pytest.mark.parametrize("order", ["together", "in turns"])
def test_samples_on_lines_of_their_own_are_counted_together(tmp_path: Path, order: str) -> None:
    lines = [
        {"key": key, "prompt": f"{PROMPT} {key}", **LISTS, "response": said}
        for key in (1, 2)
        for said in RESPONSES[:2]
    ]
    path = jsonl(tmp_path / "k.jsonl", *(lines if order == "together" else lines[::2] + lines[1::2]))
    said = run("score", path).stderr
    assert "mean 0.500" in said
    assert "pass@2 1.000" in said
    assert "pass@" not in run("score", jsonl(tmp_path / "once.jsonl", *lines[::2])).stderr


def test_a_repeated_prompt_among_many_is_no_sample(tmp_path: Path) -> None:
    lines = [
        {"key": n, "prompt": f"{PROMPT} {max(n, 1)}", **LISTS, "response": "Quiet water"} for n in range(4)
    ]
    assert "several responses" not in run("score", jsonl(tmp_path / "r.jsonl", *lines)).stderr


@pytest.mark.parametrize("name", PAIRS)
def test_pairs_of_other_forms(tmp_path: Path, name: str) -> None:
    found = load(Path(jsonl(tmp_path / "pairs.jsonl", PAIRS[name])))
    assert len(found) == (2 if name == "RewardBench 2" else 1)
    assert (found[0].instruction.prompt, found[0].chosen.text) == (PROMPT, "Quiet water")


def test_a_null_response_is_an_empty_one_and_a_missing_one_is_counted(tmp_path: Path) -> None:
    asked = {"key": 1, "prompt": PROMPT, **LISTS}
    path = jsonl(tmp_path / "r.jsonl", asked | {"response": None}, asked | {"response": "Quiet water"}, asked)
    done = run("score", path)
    assert done.exit_code == 0
    assert "2 of 3 instructions have a response" in done.stderr
    assert "unscorable: 1 of 2: the response is empty" in done.stderr
    refused = run("score", path, "--strict-coverage")
    assert "1 instructions have no response" in str(refused.exception)
    with pytest.raises(InputError, match="none of 1 instructions has a response"):
        raise run("score", jsonl(tmp_path / "none.jsonl", asked)).exception or AssertionError
    with pytest.raises(InputError, match="there are no rows"):
        raise run("score", jsonl(tmp_path / "empty.jsonl")).exception or AssertionError


def test_an_unknown_type_is_an_error_of_that_constraint_or_refused(tmp_path: Path) -> None:
    asked = {
        "key": 1,
        "prompt": PROMPT,
        "instruction_id_list": ["punctuation:no_comma", "my:own"],
        "kwargs": [{}, {}],
    }
    path = jsonl(tmp_path / "r.jsonl", asked | {"response": "Quiet water"})
    out = tmp_path / "out.jsonl"
    assert run("score", path, "--out", str(out)).exit_code == 0
    found = json.loads(out.read_text())
    assert [verdict["status"] for verdict in found["verdicts"]] == ["pass", "error"]
    assert "my:own" in found["verdicts"][1]["reason"]
    assert found["all"] is None
    assert "my:own" in str(run("score", path, "--strict-types").exception)


@pytest.mark.parametrize(("change", "said"), [
    ({"response": float("nan")}, "field 'response': must be text, is NaN. Write null"),
    ({"response": 3}, "field 'response': must be text, is the number 3"),
    ({"kwargs": [{}, {"num_words": float("nan"), "relation": "at least"}]}, "field 'kwargs.1.num_words': is NaN."),
    ({"kwargs": "[{}, {"}, "field 'kwargs': is neither JSON"),
    ({"checkers": [], "functions": [], "reward_model": {}}, "the keys of two forms, veRL and lists"),
    ({"doc": {}, "resps": [["y"]], "instruction_id_list": [], "kwargs": []}, "two forms, lm-eval samples and lists"),
    ({"completion": "another"}, "has several responses, in response and completion"),
    ({"prompt": [{"role": "user", "content": [{"type": "image"}]}]}, "field 'prompt.0.content': must be parts of text"),
    ({"prompt": [{"role": "judge", "content": "x"}]}, "field 'prompt.0.role': must be system, user, assistant or tool"),
    ({"prompt": [USER, {"role": "system", "content": "x"}]}, "a system message that is not its first"),
    ({"response": []}, "has 0"),
])  # fmt: skip
def test_a_message_says_where_what_and_what_was_expected(change: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError) as caught:
        rows({**FORMS["IFEval"]("Quiet water"), **change}, HERE)
    assert said in str(caught.value)
    assert str(caught.value).startswith("rows.jsonl, row 3")


@pytest.mark.parametrize("kind", [kind for kind in CONTAINERS if kind != "shards"])
def test_a_truncated_file_is_one_clear_error(tmp_path: Path, kind: str) -> None:
    CONTAINERS[kind](tmp_path / kind, [FORMS["IFEval"]("Quiet water " * 200) for _ in range(50)])
    content = (tmp_path / kind).read_bytes()
    cut = len(content) // 2
    if kind in ("rows.jsonl", "rows.csv"):  # at the end of a row nothing would be amiss
        cut = content.rfind(b"\n", 0, cut) + 10
    (tmp_path / kind).write_bytes(content[:cut])
    with pytest.raises(InputError) as caught:
        list(read_rows(tmp_path / kind))
    assert kind in str(caught.value)
    assert "not UTF-8" not in str(caught.value)


def test_nan_in_json_is_named(tmp_path: Path) -> None:
    (tmp_path / "r.jsonl").write_text('{"prompt": "p", "response": NaN}\n')
    with pytest.raises(InputError, match=r"row 1: is not JSON: NaN is no JSON number\. Write null"):
        list(read_rows(tmp_path / "r.jsonl"))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)


@pytest.mark.slow
@given(st.sampled_from(sorted(FORMS)), st.data())
@settings(max_examples=150, deadline=None)
def test_a_wrong_type_in_any_field_is_an_input_error(name: str, data: st.DataObject) -> None:
    raw = FORMS[name]("Quiet water")
    raw[data.draw(st.sampled_from(sorted(raw)))] = data.draw(json_values)
    with suppress(InputError):
        assert all(isinstance(found, Row) for found in rows(raw, HERE, strict_types=False))


@pytest.mark.slow
@given(st.lists(json_values, max_size=4), st.integers(0, 3), st.integers(1, 7))
@settings(max_examples=60, deadline=None)
def test_a_list_is_read_element_by_element(
    tmp_path_factory: pytest.TempPathFactory, given_values: list[Any], indent: int, chunk: int
) -> None:
    plain = json.loads(json.dumps(given_values), parse_constant=lambda _: None)
    path = tmp_path_factory.mktemp("list") / "r.json"
    path.write_text(json.dumps(plain, indent=indent or None), "utf-8")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("verif.core.containers.json_list._CHUNK", chunk)
        assert [value for _, _, value in values(str(path))] == plain


def test_open_instructs_functions_are_read() -> None:
    found = row(RLVR_IFEVAL | {"response": "a, b"}, HERE)
    assert [scored.followed for scored in score([found])] == [False]


@pytest.mark.slow
def test_a_million_rows_take_no_more_memory_than_a_few(tmp_path: Path) -> None:
    import tracemalloc

    line = json.dumps(FORMS["IFEval"]("Quiet water"))
    peaks = []
    for count in (2_000, 40_000):
        (tmp_path / "r.json").write_text("[" + ",".join([line] * count) + "]")
        tracemalloc.start()
        assert sum(1 for _ in values(str(tmp_path / "r.json"))) == count
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 3 * peaks[0] + (1 << 20)
