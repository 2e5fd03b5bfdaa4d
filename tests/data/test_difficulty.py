"""Pass rates of rows: counted, reported, and what they keep out of training."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verif.data.difficulty import BINS, bin_of, distribution, marked, outside, pass_rate
from verif.data.verinstruct import prepare_verinstruct
from verif.errors import InputError, RecipeError
from verif.recipe import RowsData, parse_recipe
from verif.system.files import digest
from verif.types import Instruction

RULE = {"kind": "rule", "text": "No commas.", "rule": "punctuation:no_comma"}


def row(number: int, rate: Any) -> dict[str, Any]:
    meta = {} if rate is None else {"difficulty": {"pass_rate": rate}}
    return {"id": str(number), "prompt": f"Boat {number}.", "constraints": [RULE], "meta": meta}


def rows_file(folder: Path, rates: list[Any]) -> Path:
    path = folder / "rows.jsonl"
    path.write_text("".join(json.dumps(row(n, rate)) + "\n" for n, rate in enumerate(rates)))
    return path


@given(st.floats(0, 1))
def test_every_rate_has_its_bin(rate: float) -> None:
    name = bin_of(rate)
    assert (name == "never") == (rate == 0)
    assert (name == "always") == (rate == 1)
    assert name in BINS


@pytest.mark.parametrize("value", [None, "0.5", True, -0.1, 1.5, float("nan"), [0.5], {}])
def test_what_is_no_rate_is_not_known(value: Any) -> None:
    item = marked(Instruction(id="1", prompt="p"), {"pass_rate": value})
    assert pass_rate(item) is None
    assert bin_of(pass_rate(item)) == "not known"
    assert outside(item, (0, 1)) == ""
    assert "is not known" in outside(item, (0.1, 1))


def test_a_recipe_leaves_rows_out_and_the_report_counts_what_was_read(tmp_path: Path) -> None:
    path = rows_file(tmp_path, [0, 0.125, 0.5, 1, None, 0.875] * 20)
    every = prepare_verinstruct(path, RowsData(validation=8, test=8, golden=8), 1)
    assert not every.quarantine
    some = prepare_verinstruct(path, RowsData(validation=8, test=8, golden=8, pass_rate=(0.1, 0.9)), 1)
    assert {pass_rate(item) for item in some.train} == {0.125, 0.5, 0.875}
    assert (some.validation, some.test) == (every.validation, every.test), (
        "what is held out stays representative"
    )
    assert len(some.quarantine) == len(every.train) - len(some.train)
    reasons = {entry["reason"].partition(",")[0] for entry in some.quarantine}
    assert reasons == {
        "the starting policy follows it in 0% of its samples",
        "the starting policy follows it in 100% of its samples",
        "its pass rate is not known",
    }
    assert every.summary["pass_rates"] == some.summary["pass_rates"]
    assert sum(every.summary["pass_rates"].values()) == len(every.train)
    assert every.summary["pass_rates"]["never"] == sum(pass_rate(item) == 0 for item in every.train)
    with pytest.raises(InputError, match="leaves 0 of"):
        prepare_verinstruct(path, RowsData(validation=8, test=8, golden=8, pass_rate=(0.6, 0.7)), 1)


def test_rows_that_nobody_measured_are_prepared_and_told_as_before(tmp_path: Path) -> None:
    splits = prepare_verinstruct(
        rows_file(tmp_path, [None] * 80), RowsData(validation=8, test=8, golden=8), 1
    )
    assert "pass_rates" not in splits.summary
    assert distribution(splits.train) == {}


def recipe(**data: Any) -> Any:
    return parse_recipe(
        {
            "name": "t",
            "data": {"kind": "rows", **data},
            "policy": {"kind": "scratch"},
            "judge": {"kind": "none"},
        },
        "t",
    )


def test_a_recipe_without_the_key_is_the_recipe_it_was() -> None:
    assert "pass_rate" not in recipe().model_dump()["data"]
    assert digest(recipe().model_dump(mode="json")) == digest(
        recipe(pass_rate=[0, 1]).model_dump(mode="json")
    )


@pytest.mark.parametrize("bounds", [[0.9, 0.1], [0, 1.5], [-1, 1], [0.5], "all"])
def test_bounds_that_are_none_are_named(bounds: Any) -> None:
    with pytest.raises(RecipeError, match="pass_rate"):
        recipe(pass_rate=bounds)
