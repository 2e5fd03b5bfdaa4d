"""What the sampler of a judge hands veRL: groups by pair, rewards beside the other question, batches that teach.

veRL's queue is a dictionary here: what stands in it afterwards is what its estimator and losses read.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from verif.data.judgements.pairs import META
from verif.errors import TrainingError
from verif.types import Instruction, Reward, Verification

pytestmark = pytest.mark.slow
torch = pytest.importorskip("torch")
pytest.importorskip("verl")
from verif.training.verl import pair_sampler as module  # noqa: E402
from verif.training.verl import sampler as plain  # noqa: E402
from verif.training.verl.record import FIELD, RolloutRecord  # noqa: E402

LENGTH, ROLLOUTS = 3, 2
Batches = list[dict[str, list[float]]]
"""Per batch: pair to the rewards of its two questions' rollouts, question by question."""


def record(value: float) -> str:
    made = Reward(value=value, state="scored", formula="hard-only")
    verification = Verification(id="x", verdicts=(), reward=made)
    return RolloutRecord(
        text="t", finished=True, generated=1.0, rewarded=2.0, verification=verification
    ).model_dump_json()


class Queue:
    """What veRL keeps of each rollout, by key and field."""

    def __init__(self) -> None:
        self.rows: dict[str, dict[str, Any]] = {}

    def fill(self, batch: dict[str, list[float]], number: int) -> list[str]:
        keys = []
        for pair, rewards in batch.items():
            for turn in (0, 1):
                told = {META: {"pair": pair, "turn": turn}}
                item = Instruction(id="i", prompt="Which?", meta=told).model_dump_json()
                for session in range(ROLLOUTS):
                    key = f"{pair}{turn}{number}_{session}_0"
                    keys.append(key)
                    self.rows[key] = {
                        "extra_fields": {
                            "reward_extra_info": {FIELD: record(rewards[turn * ROLLOUTS + session])}
                        },
                        "reward_model": {"ground_truth": item},
                        "response_mask": torch.ones(LENGTH, dtype=torch.int64),
                        "loss_mask": torch.ones(LENGTH, dtype=torch.int64),
                        "rm_scores": torch.ones(LENGTH),
                        "uid": key.split("_")[0],
                    }
        return keys

    def kv_batch_get(self, *, keys: list[str], partition_id: str, select_fields: list[str]) -> dict[str, Any]:
        measured = {name: [self.rows[key][name] for key in keys] for name in select_fields}
        if "response_mask" in measured:
            measured["response_mask"] = torch.nested.as_nested_tensor(
                measured["response_mask"], layout=torch.jagged
            )
        return measured

    def kv_batch_put(self, *, keys: list[str], partition_id: str, fields: Any) -> None:
        for name, column in fields.items():
            values = column.tolist() if name == "uid" else column.unbind()
            for key, value in zip(keys, values, strict=True):
                self.rows[key][name] = value

    def kv_clear(self, *, keys: list[str], partition_id: str) -> None:
        for key in keys:
            del self.rows[key]


@pytest.fixture
def sample(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Batches through the sampler until it gives one; the queue, the batch, and how many were drawn."""

    def draw(batches: Batches, **options: Any) -> tuple[Queue, Any, Any]:
        queue, left = Queue(), list(batches)

        def next_batch(self: Any, **_: Any) -> Any:
            keys = queue.fill(left.pop(0), len(left))
            return SimpleNamespace(keys=keys, partition_id="train", tags=[{} for _ in keys]), {}

        for place in (module, plain):
            monkeypatch.setattr(place, "tq", queue)
        monkeypatch.setattr(plain.ReplayBuffer, "sample", next_batch)
        made = object.__new__(module.PairSampler)
        made.rollouts, made.max_error_share, made.current = ROLLOUTS, 0.2, plain.Sample()
        settings = {"by_pair": True, "both": False, "draws": 1, **options}
        for name, value in settings.items():
            setattr(made, name, value)
        made.refill_fn = lambda _: None
        batch, _ = made.sample(1, "train", 4)
        return queue, batch, made

    return draw


HABIT, MIXED, ALIKE = [1.0, 1.0, 0.0, 0.0], [1.0, 0.0, 1.0, 1.0], [1.0] * 4


def scores(queue: Queue, pair: str) -> list[float]:
    return [float(row["rm_scores"].sum()) for key, row in sorted(queue.rows.items()) if key.startswith(pair)]


def test_both_questions_of_a_pair_are_one_group_and_the_last_token_has_the_reward(sample: Any) -> None:
    queue, batch, made = sample([{"p": HABIT, "q": ALIKE}])
    assert {row["uid"] for key, row in queue.rows.items() if key.startswith("p")} == {"p"}
    assert scores(queue, "p") == HABIT
    assert all(row["rm_scores"].tolist()[:-1] == [0, 0] for row in queue.rows.values())
    silent = {key for key, row in queue.rows.items() if not row["loss_mask"].any()}
    assert silent == {key for key in batch.keys if key.startswith("q")} == made.current.left_out


def test_by_question_a_habit_of_place_teaches_nothing(sample: Any) -> None:
    queue, batch, _ = sample([{"p": HABIT, "q": MIXED}], by_pair=False)
    taught = {key[:2] for key in batch.keys if queue.rows[key]["loss_mask"].any()}
    assert taught == {"q0"}


def test_a_consistent_reward_needs_the_other_order_too(sample: Any) -> None:
    queue, _, _ = sample([{"p": MIXED, "q": MIXED}], both=True)
    assert scores(queue, "p") == [1.0, 0.0, 1.0, 0.0]


def test_batches_are_drawn_until_enough_groups_differ(sample: Any) -> None:
    queue, batch, made = sample(
        [{"p": HABIT, "q": ALIKE}, {"r": ALIKE, "s": MIXED}, {"t": MIXED, "u": MIXED}], draws=3
    )
    assert {key[0] for key in batch.keys} == {"p", "s"}
    assert set(batch.keys) == set(queue.rows)
    assert made.drawn == 2
    assert len(batch.keys) == 8


def test_after_the_last_draw_what_differs_is_filled_up_with_what_has_no_part(sample: Any) -> None:
    queue, batch, _ = sample([{"p": ALIKE, "q": ALIKE}, {"r": ALIKE, "s": MIXED}], draws=2)
    assert {key[0] for key in batch.keys} == {"r", "s"}
    assert [key[0] for key in batch.keys if queue.rows[key]["loss_mask"].any()] == ["s"] * 4
    assert len(batch.keys) == 8


def test_a_judge_that_is_always_right_ends_the_run_with_what_to_do(sample: Any) -> None:
    with pytest.raises(TrainingError, match="no group has two different rewards"):
        sample([{"p": ALIKE, "q": ALIKE}] * 60, draws=2)
