"""`verif difficulty`: the policy's samples, verified; what is undecided is left out of a row's share."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from verif import verify_many
from verif.audit.pressure.run import Drawn
from verif.cli.app import main
from verif.core.instruction_files import write_instructions
from verif.data.difficulty import pass_rate
from verif.errors import InputError, RecipeError
from verif.pipeline import difficulty
from verif.project import Stage
from verif.recipe import parse_recipe
from verif.service.client import lost
from verif.types import Instruction, Item, Verification

RULE = {"kind": "rule", "text": "No commas.", "rule": "punctuation:no_comma"}
CALM = {"kind": "soft", "text": "Be calm."}
SAID = {
    "0": ("A boat, blue.", "A boat, red.", "A, b."),
    "1": ("A boat.", "A, b.", ""),
    "2": ("A boat.", "A sea.", "OUTAGE"),
    "3": ("OUTAGE", "OUTAGE", "OUTAGE"),
    "4": ("A boat.", "A, b.", "A, c."),
}
"""What the policy says to each row."""


class InProcess:
    """A verifier of hard constraints alone that is down where the policy says so: what it skips is no doubt."""

    def __init__(self, _: str) -> None: ...

    async def __aenter__(self) -> InProcess:
        return self

    async def __aexit__(self, *_: object) -> None: ...

    async def verify(self, items: Sequence[Item]) -> AsyncIterator[Verification]:
        for item in reversed(items):
            yield (
                lost(item, "down")
                if item.response.text == "OUTAGE"
                else verify_many([item], formula="hard-only")[0]
            )


@contextmanager
def leased(_: Stage) -> Iterator[Any]:
    yield SimpleNamespace(url="http://nowhere")


def draw(_: Stage, items: Sequence[Instruction], samples: int, *__: Any) -> list[Drawn]:
    return [Drawn(item, SAID[item.id][:samples], 1.0) for item in items]


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stage:
    rows = [
        {
            "id": key,
            "prompt": f"Boat {key}.",
            "constraints": [RULE, CALM] if key == "4" else [RULE],
            "meta": {"from": "x"},
        }
        for key in (*SAID, "held out")
    ]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / "models" / "policy").mkdir(parents=True)
    data = {"kind": "rows", "validation": 2, "test": 2, "golden": 2}
    recipe = parse_recipe(
        {"name": "t", "data": data, "policy": {"kind": "scratch"}, "judge": {"kind": "none"}}, "t"
    )
    monkeypatch.setattr(difficulty, "draw", draw)
    monkeypatch.setattr(difficulty, "VerifierClient", InProcess)
    monkeypatch.setattr(difficulty.lease, "verifier", leased)
    made = Stage(tmp_path, recipe, tmp_path / "rows.jsonl")
    train = [item for item in difficulty.rows_of(made) if item.id in SAID]
    write_instructions(made.data / "train.parquet", train, source="rows", split="train")
    monkeypatch.setattr("verif.project.load_stage", lambda: made)
    return made


def test_the_command_writes_rows_that_say_how_hard_they_are(
    stage: Stage, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "rated.jsonl"
    with pytest.raises(SystemExit) as ended:
        main(["difficulty", "--out", str(out), "--samples", "3"])
    assert ended.value.code == 0
    items = difficulty.rows_of(Stage(tmp_path, stage.recipe, out))
    assert items[-1].id == "held out"
    assert "difficulty" not in items.pop().meta
    told = {item.id: item.meta["difficulty"] for item in items}
    assert {key: (value["passed"], value["decided"]) for key, value in told.items()} == {
        "0": (0, 3), "1": (1, 3), "2": (2, 2), "3": (0, 0), "4": (1, 3),
    }  # fmt: skip
    assert [pass_rate(item) for item in items] == [0.0, 0.3333, 1.0, None, 0.3333]
    assert all(item.meta["from"] == "x" for item in items)
    said = capsys.readouterr().out
    assert "5 rows to train on, by the share of 3 samples" in said
    assert "2 rows teach nothing yet" in said


def test_each_row_once_and_the_first_alone_where_that_is_asked(stage: Stage, tmp_path: Path) -> None:
    line = stage.source.read_text().splitlines()[0]
    stage.source.write_text(f"{line}\n{line}\n" + stage.source.read_text())
    assert [item.id for item in difficulty.rows_of(stage)] == [*SAID, "held out"]
    out = tmp_path / "rated.jsonl"
    with pytest.raises(SystemExit):
        main(["difficulty", "--out", str(out), "--samples", "3", "--limit", "2"])
    items = difficulty.rows_of(Stage(tmp_path, stage.recipe, out))
    assert [item.id for item in items if "difficulty" in item.meta] == ["0", "1"]


def test_what_cannot_be_measured_is_named(stage: Stage, tmp_path: Path) -> None:
    world = parse_recipe(
        {"name": "t", "data": {"kind": "world"}, "policy": {"kind": "scratch"}, "judge": {"kind": "scratch"}},
        "t",
    )
    with pytest.raises(RecipeError, match="no file of rows"):
        difficulty.rows_of(Stage(tmp_path, world, stage.source))
    same = [{"id": "1", "prompt": p, "constraints": [RULE]} for p in ("a", "b")]
    stage.source.write_text("".join(json.dumps(row) + "\n" for row in same))
    with pytest.raises(InputError, match=r"rows\.jsonl, row 2, field 'id': '1' is another instruction"):
        difficulty.rows_of(stage)
