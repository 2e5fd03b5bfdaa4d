"""Rows drawn by pass rate: those whose rewards differ most come first, the rest has its turn, the order is the file's own."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verif.core.instruction_files import read_instructions, write_instructions
from verif.data.difficulty import marked
from verif.errors import InputError
from verif.recipe import Train
from verif.training import command, row_order
from verif.training.environment import RunFiles
from verif.training.verl.exclusion import without_contrast
from verif.types import Instruction


def row(number: int, rate: float | None = None, decided: int = 8) -> Instruction:
    item = Instruction(id=str(number), prompt=f"Write {number}.")
    return item if rate is None else marked(item, {"pass_rate": rate, "decided": decided})


def rows(rates: list[float | None]) -> list[Instruction]:
    return [row(number, rate) for number, rate in enumerate(rates)]


def test_rows_of_middling_rate_come_first_and_the_others_have_their_turn() -> None:
    items = rows([0.0, 0.5, 1.0] * 200)
    places = row_order.order(items, 1)
    assert sorted(places) == list(range(600))
    middling = [items[place].meta["difficulty"]["pass_rate"] == 0.5 for place in places]
    assert sum(middling[:200]) > 85, "a third of the rows are so: 67 without weights"
    assert sum(middling[400:]) < 45


def test_more_samples_make_an_end_more_certain() -> None:
    assert (
        row_order.weight(row(1, 0.0, 64)) < row_order.weight(row(1, 0.0, 8)) < row_order.weight(row(1, 0.5))
    )


def test_a_row_that_was_not_measured_weighs_as_the_others_do() -> None:
    places = row_order.order(rows([0.5, None] * 300), 1)
    assert 110 < sum(place % 2 for place in places[:300]) < 190


@given(
    st.lists(st.none() | st.floats(0, 1), min_size=1, max_size=30).filter(
        lambda r: any(x is not None for x in r)
    ),
    st.integers(0, 2**31),
)
def test_the_order_is_of_all_rows_and_depends_on_seed_and_rows_alone(
    rates: list[float | None], seed: int
) -> None:
    items = rows(rates)
    assert sorted(row_order.order(items, seed)) == list(range(len(items)))
    assert row_order.order(items, seed) == row_order.order(items, seed)


def test_another_seed_is_another_order() -> None:
    items = rows([0.5] * 50)
    assert row_order.order(items, 1) != row_order.order(items, 2)


def test_rows_that_nobody_measured_are_an_error_that_names_file_and_command(tmp_path: Path) -> None:
    path = tmp_path / "train.parquet"
    write_instructions(path, rows([None, None]), source="s", split="train")
    with pytest.raises(InputError, match="verif difficulty") as caught:
        row_order.order_of(path, 1)
    assert "train.parquet" in str(caught.value)


def test_the_file_that_is_trained_on_holds_the_same_rows_and_is_the_same_when_resumed(tmp_path: Path) -> None:
    path = tmp_path / "train.parquet"
    items = rows([0.0, 0.25, 0.5, 0.75, 1.0])
    write_instructions(path, items, source="s", split="train")
    first = row_order.drawn(path, tmp_path / "drawn.parquet", 3)
    before = first.read_bytes()
    assert read_instructions(first) == [items[place] for place in row_order.order(items, 3)]
    assert row_order.drawn(path, first, 3).read_bytes() == before


def test_verl_shuffles_unless_rows_are_drawn_by_rate(tmp_path: Path) -> None:
    places = RunFiles(tmp_path, tmp_path, tmp_path, tmp_path, tmp_path)
    assert command.data(Train(), places)["data.shuffle"] is True
    assert command.data(Train(draw="pass-rate"), places)["data.shuffle"] is False
    assert "data.gen_batch_size" not in command.data(Train(), places)
    assert command.data(Train(refill=1), places)["data.gen_batch_size"] == 1


@pytest.mark.parametrize(
    "settings",
    [{"algorithm": "dpo"}, {"algorithm": "ppo"}, {"sync_every": 2, "steps": 40}, {"overlap": True}],
)
def test_a_refill_that_could_not_work_is_refused(settings: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="refill"):
        Train.model_validate({"refill": 1, **settings})


def test_a_recipe_that_asks_for_neither_says_nothing_of_them() -> None:
    assert not {"draw", "refill"} & set(Train().model_dump())


def test_groups_without_contrast_have_all_their_rewards_and_one_value() -> None:
    uids = ["a"] * 2 + ["b"] * 2 + ["c"] * 2 + ["d"]
    assert without_contrast(uids, [1.0, 1.0, 1.0, 0.0, None, 1.0, 1.0], 2) == {"a"}
