"""The published IFEval verdicts of the GPT-4 responses of 2023-11-07, one by one.

540 of 541 prompts have verdicts (key 2785's prompt differs between the files).
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from verif.core.row_files import join
from verif.core.score import Scored, score

#: (line, constraint) -> why the published verdict is wrong. docs/measurements.md shows it.
KNOWN_WRONG = {
    "strict": set(),
    # A fork that draws a random letter when it is given one outside a-z: strict says 4 of 4 '#' pass, loose
    # (which includes the strict response) says they fail.
    "loose": {(20, 1)},
}
TOTALS = {"strict": (417, 697), "loose": (430, 712)}


@pytest.fixture(scope="module")
def folder(reference_data: Path) -> Path:
    return reference_data / "ifeval"


def scored(folder: Path, mode: str) -> list[Scored]:
    rows = join(folder / "input_data.jsonl", folder / f"eval_results_{mode}.jsonl")
    return list(score(rows, loose=mode == "loose"))


@pytest.mark.parametrize("mode", ["strict", "loose"])
def test_every_published_verdict_is_reproduced(folder: Path, mode: str) -> None:
    lines = (folder / f"eval_results_{mode}.jsonl").read_text("utf-8").splitlines()
    published = [json.loads(line) for line in lines]
    ours = scored(folder, mode)
    assert len(ours) == len(published) == 540
    differ = {
        (item.row.where.row, index)
        for item, truth in zip(ours, published, strict=True)
        for index, (verdict, follows) in enumerate(
            zip(item.verdicts, truth["follow_instruction_list"], strict=True)
        )
        if (verdict.status == "pass") != follows
    }
    assert differ == KNOWN_WRONG[mode]
    followed = sum(item.followed is True for item in ours)
    passed = sum(verdict.status == "pass" for item in ours for verdict in item.verdicts)
    assert (followed, passed) == tuple(total + len(KNOWN_WRONG[mode]) for total in TOTALS[mode])


def test_the_published_verdict_we_contradict_contradicts_itself(folder: Path) -> None:
    strict, loose = (
        json.loads((folder / f"eval_results_{mode}.jsonl").read_text("utf-8").splitlines()[19])
        for mode in ("strict", "loose")
    )
    assert strict["response"] == loose["response"]
    assert strict["response"].count("#") == 4
    assert strict["follow_instruction_list"][1] is True
    assert loose["follow_instruction_list"][1] is False


@pytest.mark.slow
def test_without_kwargs_or_with_nulls_as_the_hub_publishes_them(folder: Path, tmp_path: Path) -> None:
    """The hub's table holds every parameter name in every row, null where it does not apply."""
    rows = [json.loads(line) for line in (folder / "input_data.jsonl").read_text("utf-8").splitlines()]
    names = sorted({name for row in rows for kwargs in row["kwargs"] for name in kwargs})
    wide = tmp_path / "wide.jsonl"
    with wide.open("w") as stream:
        for row in rows:
            row["kwargs"] = [{**dict.fromkeys(names), **kwargs} for kwargs in row["kwargs"]]
            stream.write(json.dumps(row) + "\n")
    theirs = list(score(join(wide, folder / "eval_results_strict.jsonl")))
    assert [item.verdicts for item in theirs] == [item.verdicts for item in scored(folder, "strict")]
