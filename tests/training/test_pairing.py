"""What an answer is worth beside its pair's other question, and which groups teach anything."""

from __future__ import annotations

import pytest

from verif.data.judgements.pairs import META
from verif.errors import TrainingError
from verif.training.verl.pairing import PairQuestion, asked, consistent, differing
from verif.types import Instruction


def question(pair: str, turn: int) -> str:
    return Instruction(id="i", prompt="Which?", meta={META: {"pair": pair, "turn": turn}}).model_dump_json()


def test_a_rollout_knows_its_question_and_its_number() -> None:
    assert asked(question("p", 1), "3f_2_0") == PairQuestion("p", 1, "2_0")


@pytest.mark.parametrize("row", ["", "{}", Instruction(id="i", prompt="Write.").model_dump_json()])
def test_a_row_that_is_no_question_ends_the_run_with_what_to_do(row: str) -> None:
    with pytest.raises(TrainingError, match=r"no question about a pair.*data.kind: judgements"):
        asked(row, "u_0_0")


PLACES = (("p", 0, "0"), ("p", 0, "1"), ("p", 1, "0"), ("p", 1, "1"), ("q", 0, "0"))
ROWS = [PairQuestion(*place) for place in PLACES]


def test_consistent_rewards_need_the_counterpart_to_be_right() -> None:
    assert consistent(ROWS, [1.0, 1.0, 1.0, 0.0, 1.0]) == [1.0, 0.0, 1.0, 0.0, None]


def test_an_error_is_no_reward_and_takes_its_counterpart_along() -> None:
    assert consistent(ROWS, [1.0, None, 1.0, 1.0, None]) == [1.0, None, 1.0, None, None]


def test_a_habit_of_place_teaches_by_pair_and_never_by_question() -> None:
    """Always "A": right in one order, wrong in the other."""
    rewards = [1.0, 1.0, 0.0, 0.0]
    assert differing(["p", "p", "p", "p"], rewards) == {"p"}
    assert differing(["p0", "p0", "p1", "p1"], rewards) == set()
    assert differing(["p", "p"], [1.0, None]) == set()
