"""Labelled responses: read whole, or refused with the place of the mistake; `prepare` adds them to the golden set."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from verif.audit.cases import from_golden
from verif.audit.golden import read_golden
from verif.data.labelled import read_labelled
from verif.data.tables import write_golden
from verif.errors import InputError, RecipeError
from verif.pipeline.stages import prepare
from verif.project import Stage
from verif.recipe import LABELLED, Recipe, parse_recipe

ROW = {
    "id": "7",
    "prompt": "Describe the boat. Be calm. Name a colour. Use no colons.",
    "checkers": ["[llm] Style: Be calm.", "[llm] Semantic: Name a colour.", "[rule] Digit: Avoid the use of colons."],
    "functions": ["", "", "def check_following(instruction, response):\n    return ':' not in response"],
    "response": "A blue boat.",
    "truth": [True, None, None],
}  # fmt: skip
ONE = {
    "id": "8",
    "prompt": "Be calm.",
    "constraints": [{"kind": "soft", "text": "Be calm."}],
    "response": "Hm.",
}


def file(folder: Path, *rows: Any) -> Path:
    path = folder / "labelled.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def without(name: str) -> dict[str, Any]:
    return {key: value for key, value in ROW.items() if key != name}


def test_the_example_shows_every_way_to_label(root: Path) -> None:
    cases = from_golden(read_labelled(root / LABELLED / "example.jsonl"))
    assert [case.soft for case in cases] == [True, False, True]
    assert [case.hard for case in cases] == [None, None, None]


def test_one_value_speaks_of_the_soft_constraints_only(tmp_path: Path) -> None:
    (first, second) = read_labelled(file(tmp_path, {**ROW, "truth": True}, {**ONE, "truth": False}))
    assert first.truth == [True, True, None], "a person does not count colons"
    assert second.truth == [False]


def test_a_prepared_golden_file_can_be_given_as_well(tmp_path: Path) -> None:
    items = read_labelled(file(tmp_path, ROW, {**ROW, "response": "A boat."}))
    write_golden(tmp_path / "golden.parquet", items)
    assert read_labelled(tmp_path / "golden.parquet") == items


@pytest.mark.parametrize(
    ("row", "field", "problem"),
    [
        (without("truth"), "truth", "is missing"),
        (without("response"), "response", "is missing"),
        (without("prompt"), "prompt", "is missing"),
        ({"prompt": "p", "response": "r", "truth": True}, "instruction", "no constraints"),
        ({**ROW, "response": 3}, "response", "must be text"),
        ({**ROW, "truth": "yes"}, "truth", "must be a list, true or false"),
        ({**ROW, "truth": [True, 1, None]}, "truth.1", "must be true, false or null"),
        ({**ROW, "truth": [True, True]}, "truth", "2 values for 3 constraints"),
        ({**ROW, "truth": [True, True, None, True]}, "truth.3", "there is no constraint 3"),
        ({**ROW, "truth": False}, "truth", "does not say which fails"),
        ({**ONE, "constraints": [{"kind": "rule", "text": "t", "rule": "punctuation:no_comma"}], "truth": True},
         "truth", "there are none"),
        ({**ROW, "response": "Another."}, "", ""),
        ({**ROW, "response": "A red boat."}, "response", "the same response to '7' stands in row 1"),
        ({**ROW, "prompt": "Another prompt."}, "id", "'7' is another instruction in row 1"),
    ],
)  # fmt: skip
def test_a_bad_row_is_named(tmp_path: Path, row: Any, field: str, problem: str) -> None:
    path = file(tmp_path, {**ROW, "response": "A red boat."}, row)
    if not problem:
        assert len(read_labelled(path)) == 2, "an instruction may have several responses"
        return
    with pytest.raises(InputError) as caught:
        read_labelled(path)
    assert (caught.value.row, caught.value.field) == (2, field)
    assert str(path) in str(caught.value)
    assert problem in str(caught.value)


def recipe(labelled: str) -> Recipe:
    data = {"kind": "verinstruct", "validation": 2, "test": 2, "golden": 2, "labelled": labelled}
    raw = {"name": "t", "data": data, "policy": {"kind": "scratch"}, "judge": {"kind": "scratch"}}
    return parse_recipe(raw, "t")


@pytest.mark.slow
def test_prepare_adds_them_to_the_golden_set_and_refuses_a_bad_file_first(tmp_path: Path) -> None:
    rows = [{**without("truth"), "id": n, "prompt": f"Thing {n}. {ROW['prompt']}"} for n in range(12)]
    (tmp_path / LABELLED).mkdir(parents=True)
    path = file(tmp_path / LABELLED, ROW)
    source = tmp_path / "rows.jsonl"
    source.write_text("".join(json.dumps(row) + "\n" for row in rows))
    stage = Stage(tmp_path, recipe(f"{LABELLED}/{path.name}"), source)
    prepare.run(stage)
    last = read_golden(stage.data / "golden.parquet")[-1]
    assert (last.instruction.id, last.text, last.truth) == ("7", "A blue boat.", (True, None, None))
    assert json.loads((stage.reports / "data.json").read_text())["source"]["labelled"] == 1
    before = (stage.data / "golden.parquet").read_bytes()
    file(tmp_path / LABELLED, ROW, without("truth"))
    with pytest.raises(InputError, match=r"labelled\.jsonl, row 2, field 'truth'"):
        prepare.run(stage)
    path.unlink()
    with pytest.raises(InputError, match=r"does not exist.*docs/audit\.md"):
        prepare.run(stage)
    assert (stage.data / "golden.parquet").read_bytes() == before


def test_a_changed_label_makes_its_stages_run_again(root: Path) -> None:
    """DVC knows the folder, and a recipe can name no file elsewhere."""
    stages = yaml.safe_load((root / "dvc.yaml").read_text())["stages"]
    for name in ("prepare", "verifier"):
        assert str(LABELLED) in stages[name]["deps"]
    for path in ("labels.jsonl", f"{LABELLED}/../labels.jsonl", f"/{LABELLED}/labels.jsonl"):
        with pytest.raises(
            RecipeError, match=r"data\.verinstruct\.labelled.*does not lie in recipes/labelled"
        ):
            recipe(path)
