"""A judge's scores by pair: both orders, flips, ties, attacks, and the change between two judges."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import orjson
import pytest

from verif.core.instruction_files import write_instructions
from verif.data.judgements.pairs import META
from verif.errors import InputError
from verif.evaluation.benchmarks.judgements import load_attacked, load_pairs, score
from verif.evaluation.case import VerdictRow
from verif.evaluation.judged_pairs import changes, judged_pairs, pair_scores
from verif.types import Instruction, Status

EXPECTED = {"pairwise": ("A", "B"), "pointwise": ("pass", "fail")}


def rows(pair: str, said: tuple[str, str], form: str = "pairwise", **labels: Any) -> list[VerdictRow]:
    """Both answers about a pair; "!" stands for an error."""
    out = []
    for turn, answer in enumerate(said):
        told = {
            "pair": pair, "turn": turn, "form": form, "construction": "slips", "matched": True, **labels,
        }  # fmt: skip
        status = Status.PASS if answer == EXPECTED[form][turn] else Status.FAIL
        out.append(
            VerdictRow(
                "judge-test",
                "before",
                "t1",
                f"{pair}-{turn}",
                pair,
                0,
                "slips",
                "rule",
                "c",
                "q",
                "r",
                True,
                3,
                Status.ERROR if answer == "!" else status,
                "",
                orjson.dumps({"said": answer}).decode(),
                "rule:judgement:better@1",
                "v",
                labels=orjson.dumps(told).decode(),
            )
        )
    return out


@pytest.mark.parametrize(
    ("said", "both", "flipped", "tied", "fooled"),
    [
        (("A", "B"), 1, 0, 0, 0),
        (("A", "A"), 0, 1, 0, 1),
        (("B", "A"), 0, 0, 0, 1),
        (("tie", "tie"), 0, 0, 1, 0),
        (("A", "tie"), 0, 1, 1, 0),
        (("A", ""), 0, 1, 0, 0),
        (("", ""), 0, 1, 0, 0),
    ],
)
def test_two_orders(said: tuple[str, str], both: int, flipped: int, tied: int, fooled: int) -> None:
    (measured,) = judged_pairs(rows("p", said)).values()
    assert (measured.both, measured.flipped, measured.tied, measured.fooled) == (both, flipped, tied, fooled)


def test_one_response_at_a_time_a_tie_is_the_same_verdict_on_both() -> None:
    measured = judged_pairs(
        [*rows("p", ("pass", "pass"), "pointwise"), *rows("q", ("pass", "fail"), "pointwise")]
    )
    assert (measured["p"].tied, measured["p"].undecided, measured["p"].fooled) == (1, 1, 1)
    assert (measured["q"].tied, measured["q"].both) == (0, 1)


def test_a_pair_with_an_errored_verdict_is_left_out() -> None:
    assert judged_pairs(rows("p", ("A", "!"))) == {}


def test_scores_are_by_form_by_construction_and_alike_in_length() -> None:
    kept = [
        *rows("p", ("A", "B")),
        *rows("q", ("A", "A"), matched=False, construction="flipped tone"),
        *rows("r", ("pass", "pass"), "pointwise"),
    ]
    measured = {name: interval.value for name, interval in pair_scores(kept, 50, 1).items()}
    assert measured["pairwise/flips"] == 0.5
    assert measured["pairwise/both_right_alike_in_length"] == 1.0
    assert measured["pointwise/accept_true"] == 1.0
    assert measured["pointwise/recall_false"] == 0.0
    assert measured["both_right: flipped tone"] == 0.0
    assert "prompt_strict" in score([], kept, 50, 1)


def test_the_change_is_paired_over_pairs_that_both_judges_decided() -> None:
    before = [row for n in range(30) for row in rows(f"p{n}", ("A", "A"))]
    after = [row for n in range(30) for row in rows(f"p{n}", ("A", "B" if n < 24 else "A"))]
    after += rows("new", ("A", "B"))
    change = changes(before, [replace(row, model="after") for row in after], 200, 1)["flips"].difference
    assert (round(change.value, 2), change.n) == (-0.8, 30)
    assert change.high < 0


def test_attacked_pairs_are_a_benchmark_of_their_own(tmp_path: Any) -> None:
    path = tmp_path / "unseen.parquet"
    items = [
        Instruction(
            id=f"{name}-{turn}", prompt=f"{name} {turn}", meta={META: {"pair": name, "turn": turn, "construction": name}}
        )
        for name in ("splice", "attack praise")
        for turn in (0, 1)
    ]  # fmt: skip
    write_instructions(path, items, source="judgements", split="unseen")
    assert {case.cluster for case in load_pairs(path)} == {"splice"}
    assert {case.cluster for case in load_attacked(path)} == {"attack praise"}
    write_instructions(path, [Instruction(id="w", prompt="Write.")], source="world", split="unseen")
    with pytest.raises(InputError, match="no question about a pair"):
        load_pairs(path)
