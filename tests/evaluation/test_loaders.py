"""Published formats, on rows written here: what loads, what is refused and how the refusal reads."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from verif.errors import InputError, RecipeError
from verif.evaluation import catalog
from verif.evaluation.benchmarks import conversations, followbench, ifeval
from verif.evaluation.case import Generation, conversation, waves


def write(path: Path, rows) -> Path:
    text = json.dumps(rows) if path.suffix == ".json" else "".join(json.dumps(row) + "\n" for row in rows)
    path.write_text(text, "utf-8")
    return path


IFEVAL_ROW = {
    "key": 1,
    "prompt": "Say no commas.",
    "instruction_id_list": ["punctuation:no_comma", "length_constraints:number_words"],
    "kwargs": [{"num_words": None}, {"relation": "at least", "num_words": 3}],
}


def multi_if_row(key: str, turns: int = 3) -> dict:
    row = {"key": key, "language": "English"}
    for turn in range(1, turns + 1):
        row[f"turn_{turn}_prompt"] = json.dumps({"role": "user", "content": f"turn {turn}"})
        ids = ["punctuation:no_comma", "change_case:english_lowercase", "punctuation:no_comma"][:turn]
        row[f"turn_{turn}_instruction_id_list"] = json.dumps(ids)
        row[f"turn_{turn}_kwargs"] = json.dumps(["{}"] * turn)
    return row


def sysbench_row() -> dict:
    criteria = {str(n): {"criteria_content": f"criterion {n}", "criteria_type": "format"} for n in (2, 1, 10)}
    messages = [{"role": "system", "content": "Be brief."}]
    for turn in (1, 2):
        messages += [{"role": "user", "content": f"q{turn}"}, {"role": "assistant", "content": ""}]
    return {
        "system_id": 7,
        "messages": messages,
        "prompt_infos": {f"q{t}": {"criteria": criteria} for t in (1, 2)},
    }


def test_ifeval_nulls_mean_not_given(tmp_path) -> None:
    (case,) = ifeval.load(write(tmp_path / "a.jsonl", [IFEVAL_ROW]))
    assert [c.params for c in case.instruction.constraints] == [{}, {"relation": "at least", "num_words": 3}]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"prompt": 3}, ["row 2", "'prompt'", "must be str"]),
        ({"kwargs": [{}]}, ["row 2", "'kwargs'", "2 instructions but 1"]),
        (
            {"instruction_id_list": ["punctuation:no_coma", "x"]},
            ["row 2", "Did you mean punctuation:no_comma"],
        ),
        ({"kwargs": [{}, {"num_word": 3}]}, ["row 2", "length_constraints:number_words"]),
        ({}, ["row 2", "comes twice"]),
    ],
)
def test_ifeval_bad_rows_name_file_row_and_field(tmp_path, change, words) -> None:
    path = write(tmp_path / "a.jsonl", [IFEVAL_ROW, {**IFEVAL_ROW, **change}])
    with pytest.raises(InputError) as error:
        ifeval.load(path)
    assert all(word in str(error.value) for word in ["a.jsonl", *words]), str(error.value)


def test_missing_field_torn_json_and_no_file(tmp_path) -> None:
    with pytest.raises(InputError, match="row 1, field 'prompt': the field is missing"):
        ifeval.load(write(tmp_path / "a.jsonl", [{"key": 1}]))
    (tmp_path / "b.jsonl").write_text('{"key": 1, "pro')
    with pytest.raises(InputError, match="row 1: is not JSON"):
        ifeval.load(tmp_path / "b.jsonl")
    with pytest.raises(InputError, match="does not exist"):
        ifeval.load(tmp_path / "c.jsonl")
    (tmp_path / "d.json").write_text("{}")
    with pytest.raises(InputError, match="the field is missing"):
        followbench.load(tmp_path / "d.json")
    (tmp_path / "e.parquet").write_bytes(b"PAR1 no")
    with pytest.raises(InputError, match="cannot be read"):
        ifeval.load(tmp_path / "e.parquet")


def test_multi_if_asks_each_turn_with_the_models_own_answers(tmp_path) -> None:
    cases = ifeval.load_multi_if(write(tmp_path / "m.jsonl", [multi_if_row("a"), multi_if_row("b", 2)]))
    assert [c.id for c in cases] == ["a/1", "a/2", "a/3", "b/1", "b/2"]
    assert [[c.id for c in wave] for wave in waves(cases)] == [["a/1", "b/1"], ["a/2", "b/2"], ["a/3"]]
    known = {c.id: c for c in cases}
    said = {"a/1": Generation("one"), "a/2": Generation("two")}
    asked = conversation(known["a/3"], known, said)
    assert [m["content"] for m in asked] == ["turn 1", "one", "turn 2", "two", "turn 3"]
    assert [m["role"] for m in asked] == ["user", "assistant", "user", "assistant", "user"]


def followbench_rows() -> list[dict[str, object]]:
    """One example's levels 0 to 5."""
    return [
        {
            "example_id": 1,
            "category": "format",
            "source": "s",
            "level": n,
            "instruction": f"wording {n}",
            "target": "",
        }
        for n in range(6)
    ]


def test_followbench_folder_is_all_of_its_category_files(tmp_path) -> None:
    for name in ("format", "style"):
        write(tmp_path / f"{name}_constraints.json", followbench_rows())
    cases = followbench.load(tmp_path)
    assert len({case.id for case in cases}) == len(cases) == 10
    (tmp_path / "none").mkdir()
    with pytest.raises(InputError, match=r"no \*_constraints"):
        followbench.load(tmp_path / "none")


def test_followbench_levels_gain_constraints(tmp_path) -> None:
    rows = followbench_rows()
    cases = followbench.load(write(tmp_path / "format_constraints.json", rows))
    assert [len(c.instruction.constraints) for c in cases] == [1, 2, 3, 4, 5]
    assert {c.cluster for c in cases} == {"format/1"}
    assert "'wording 1'" in cases[1].instruction.constraints[1].text
    rows.append(rows[-1])
    with pytest.raises(InputError, match="row 7, field 'level': level 5 of example 1 comes twice"):
        followbench.load(write(tmp_path / "format_constraints.json", rows))


def test_sysbench_and_cfbench(tmp_path) -> None:
    cases = conversations.load_sysbench(write(tmp_path / "s.json", [sysbench_row()]))
    assert [c.text for c in cases[0].instruction.constraints] == [
        "criterion 1",
        "criterion 2",
        "criterion 10",
    ]
    asked = conversation(cases[1], {c.id: c for c in cases}, {"7/1": Generation("fine")})
    assert [m["role"] for m in asked] == ["system", "user", "assistant", "user"]
    row = {"idx": 1, "prompt": "p", "split": "hard", "criteria": [["a", "主需", "x"], ["b", "次需", "x"]]}
    (case,) = conversations.load_cfbench(write(tmp_path / "c.json", [row]))
    assert case.labels["primary"] == [True, False]
    row["criteria"] = [["a", "primary"]]
    with pytest.raises(InputError, match="row 1, field 'criteria'"):
        conversations.load_cfbench(write(tmp_path / "c.json", [row]))


def broken(row: dict, *where: object, value: object) -> dict:
    """A copy of the row with one place overwritten."""
    out = json.loads(json.dumps(row))
    *parents, last = where
    place = out
    for step in parents:
        place = place[step]
    place[last] = value
    return out


@pytest.mark.parametrize(
    ("where", "value", "words"),
    [
        (("messages",), ["hello"], ["'messages'", "must be an object"]),
        (("messages",), [{"role": "system", "content": "x"}], ["'messages'", "no message of a user"]),
        (("messages", 0), {"role": "system"}, ["'content'", "missing"]),
        (("messages", 0), {"content": "x"}, ["'role'", "missing"]),
        (("messages", 0, "content"), None, ["'content'", "must be str, is NoneType"]),
        (("messages", 1, "content"), ["q1"], ["'content'", "must be str, is list"]),
        (("prompt_infos",), None, ["'prompt_infos'", "must be dict"]),
        (("prompt_infos", "q1"), ["x"], ["'prompt_infos, turn 1'", "no criteria"]),
        (("prompt_infos", "q2"), None, ["'prompt_infos, turn 2'", "no criteria"]),
        (("prompt_infos", "q2", "criteria"), {}, ["'prompt_infos, turn 2'", "no criteria"]),
        (("prompt_infos", "q1", "criteria", "a"), {"criteria_content": "c"}, ["turn 1", "number, is 'a'"]),
        (("prompt_infos", "q1", "criteria", "1"), "c", ["turn 1", "must be an object"]),
        (("prompt_infos", "q1", "criteria", "1"), {"criteria_content": None}, ["'criteria_content'", "str"]),
        (("system_id",), {"a": 1}, ["'system_id'", "number or text"]),
    ],
)
def test_sysbench_bad_rows_name_file_row_and_field(tmp_path, where, value, words) -> None:
    path = write(
        tmp_path / "s.jsonl", [sysbench_row() | {"system_id": 6}, broken(sysbench_row(), *where, value=value)]
    )
    with pytest.raises(InputError) as error:
        conversations.load_sysbench(path)
    assert all(word in str(error.value) for word in ["s.jsonl, row 2", *words]), str(error.value)


def test_a_row_without_a_constraint_is_refused(tmp_path) -> None:
    """It would be asked and then be missing from every n."""
    bare = {**IFEVAL_ROW, "instruction_id_list": [], "kwargs": []}
    with pytest.raises(InputError, match="row 1, field 'instruction_id_list': there is no instruction"):
        ifeval.load(write(tmp_path / "a.jsonl", [bare]))
    turn = {**multi_if_row("a"), "turn_1_instruction_id_list": "[]", "turn_1_kwargs": "[]"}
    with pytest.raises(InputError, match="row 1, field 'instruction_id_list'"):
        ifeval.load_multi_if(write(tmp_path / "m.jsonl", [turn]))
    with pytest.raises(InputError, match="row 1, field 'criteria': the row has no criteria"):
        conversations.load_cfbench(write(tmp_path / "c.jsonl", [{"idx": 1, "prompt": "p", "criteria": []}]))


def test_unknown_benchmark_and_missing_path_are_recipe_errors(tmp_path) -> None:
    with pytest.raises(RecipeError, match="ifeval"):
        catalog.get("ifeval2")
    with pytest.raises(RecipeError, match="needs a file"):
        catalog.load("ifeval", "", tmp_path, tmp_path)


def test_public_files_load(reference_data) -> None:
    assert len(ifeval.load(reference_data / "ifeval" / "input_data.jsonl")) == 541
    counts = {
        p.stem: len(followbench.load(p)) for p in sorted((reference_data / "followbench").glob("*.json"))
    }
    assert counts["format_constraints"] == 150
    assert counts["example_constraints"] == 200
    assert sum(counts.values()) == 820  # the file's rows but for level 0
