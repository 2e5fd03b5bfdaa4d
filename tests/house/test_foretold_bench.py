"""`make bench-pressure` and `python -m benchmarks.greedy`: what they reward, which judges they make, how they rank them."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow
pytest.importorskip("torch")
from benchmarks import foretold  # noqa: E402
from benchmarks.greedy import by_truth  # noqa: E402
from benchmarks.tiny_grpo import Written  # noqa: E402
from verif.data.world import draw  # noqa: E402
from verif.data.world.responses import reference  # noqa: E402


def test_the_truth_pays_by_the_formula_and_not_all_or_nothing() -> None:
    rng = random.Random(3)
    item = next(i for i in iter(lambda: draw(rng, "train"), None) if len(i.constraints) == 4)
    said = [Written(item, reference(item, rng), True), Written(item, "", True)]
    assert by_truth(said, "parts")[0] == by_truth(said, "all")[0] == 1.0
    partly, all_or_nothing = by_truth(said, "parts")[1], by_truth(said, "all")[1]
    assert all_or_nothing == 0.0
    assert partly is not None
    assert 0 <= partly < 1


def test_every_hardened_judge_goes_on_from_one_that_is_made() -> None:
    names = [made.name for made in foretold.JUDGES]
    assert len(set(names)) == len(names) >= 8
    for made in foretold.JUDGES:
        if made.rounds:
            assert sum(foretold.is_before(judge, made) for judge in foretold.JUDGES) == 1


def test_a_correlation_of_one_where_the_audit_orders_judges_as_their_pupils_lose() -> None:
    lost = [0.4, 0.3, 0.1, 0.05]
    rows: list[dict[str, Any]] = [
        {"lost": loss, "false_among_selected": loss + 0.1, "recall_false": 0.5 + n % 2}
        for n, loss in enumerate(lost)
    ]
    assert foretold.ranked(rows, "false_among_selected") == 1.0
    assert abs(foretold.ranked(rows, "recall_false")) < 1


def test_what_was_made_is_kept_and_not_made_again(tmp_path: Path) -> None:
    made: list[int] = []

    def make() -> dict[str, Any]:
        made.append(1)
        return {"truth": 0.5}

    path = tmp_path / "pupil.json"
    assert foretold.kept(path, make)["truth"] == foretold.kept(path, make)["truth"] == 0.5
    assert made == [1]
    assert json.loads(path.read_text())["cpu_seconds"] >= 0
