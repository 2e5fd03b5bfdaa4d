"""What the sampler takes out of a batch, when it stops a run, and what a validation is worth that has errors.

veRL's queue is a dictionary here: what stands in it afterwards is what every loss of veRL reads.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from verif.errors import TrainingError
from verif.types import Instruction, Reward, Status, Verdict, Verification

pytestmark = pytest.mark.slow
torch = pytest.importorskip("torch")
pytest.importorskip("verl")
from verif.training.verl import sampler as module  # noqa: E402
from verif.training.verl.record import FIELD, RolloutRecord  # noqa: E402
from verif.training.verl.trainer import VerifTrainer  # noqa: E402

LENGTHS = [3, 5, 2, 4, 1, 6]
STATES = ["scored", "error", "scored", "scored", "error", "scored"]  # group b has one survivor
UIDS = ["a", "a", "a", "b", "b", "c"]
INSTRUCTION = Instruction(id="i", prompt="Write.").model_dump_json()


def record(state: str, value: float = 1.0) -> str:
    verdicts = (Verdict(status=Status.ERROR, covers=(0,), reason="the judge hung."),) * (state == "error")
    made = Reward(value=None if state == "error" else value, state=state, formula="average")  # type: ignore[arg-type]
    verification = Verification(id="x", verdicts=verdicts, reward=made)
    found = RolloutRecord(text="t", finished=True, generated=1.0, rewarded=2.0, verification=verification)
    return found.model_dump_json()


class Queue:
    """What veRL keeps of each rollout, by key and field."""

    def __init__(self, states: list[str]) -> None:
        self.keys = [f"{uid}_0_{index}" for index, uid in enumerate(UIDS)]
        self.rows: dict[str, dict[str, Any]] = {
            key: {
                "extra_fields": {"reward_extra_info": {FIELD: record(state)}},
                "reward_model": {"ground_truth": INSTRUCTION},
                "response_mask": torch.ones(length, dtype=torch.int64),
                "loss_mask": torch.ones(length, dtype=torch.int64),
                "rm_scores": torch.ones(length),
            }
            for key, length, state in zip(self.keys, LENGTHS, states, strict=True)
        }

    def kv_batch_get(self, *, keys: list[str], partition_id: str, select_fields: list[str]) -> dict[str, Any]:
        found = {name: [self.rows[key][name] for key in keys] for name in select_fields}
        if "response_mask" in found:
            found["response_mask"] = torch.nested.as_nested_tensor(
                found["response_mask"], layout=torch.jagged
            )
        return found

    def kv_batch_put(self, *, keys: list[str], partition_id: str, fields: Any) -> None:
        for name, column in fields.items():
            for key, value in zip(keys, column.unbind(), strict=True):
                self.rows[key][name] = value


@pytest.fixture
def sample(monkeypatch: pytest.MonkeyPatch) -> Any:
    """One step's batch through the sampler, its rollouts in the given states; the queue and the batch afterwards."""

    def draw(states: list[str], allowed: float) -> tuple[Queue, Any]:
        queue = Queue(states)
        batch = SimpleNamespace(keys=queue.keys, partition_id="train", tags=[{} for _ in queue.keys])
        monkeypatch.setattr(module, "tq", queue)
        monkeypatch.setattr(module.ReplayBuffer, "sample", lambda self, **_: (batch, {}))
        made = object.__new__(module.Sampler)
        made.rollouts, made.max_error_share, made.current = 3, allowed, module.Sample()
        made.sample(1, "train", 2)
        return queue, batch

    return draw


def test_what_is_left_out_has_an_empty_mask_in_every_loss_and_the_rest_is_untouched(sample: Any) -> None:
    queue, batch = sample(STATES, 1.0)
    for key, uid, state, length, tag in zip(queue.keys, UIDS, STATES, LENGTHS, batch.tags, strict=True):
        part = float(uid == "a" and state == "scored")
        for name in ("response_mask", "loss_mask", "rm_scores"):
            assert queue.rows[key][name].tolist() == [part] * length, f"{key}: {name}"
        assert tag == ({} if part else {"is_padding": True})


def test_more_errors_than_the_recipe_allows_end_the_run_with_their_reason(sample: Any) -> None:
    sample(STATES, 2 / 6)
    with pytest.raises(
        TrainingError, match=r"2 of 6 rollouts have no reward \(allowed: 30%\): 2 x the judge hung"
    ):
        sample(STATES, 0.3)


def test_an_error_in_a_validation_is_counted_and_is_no_reward_of_0() -> None:
    made = object.__new__(VerifTrainer)
    written: list[Any] = []
    made.folder = SimpleNamespace(write_validation=lambda step, numbers: written.append((step, numbers)))
    made.global_steps = 4
    records = [record("scored", 1.0), record("scored", 0.5), record("error"), record("error")]
    numbers = made._val_metrics_update(None, None, {FIELD: records}, None)
    assert numbers == {
        "val/errors": 2.0,
        "val/responses": 4.0,
        "val/reward_mean": 0.75,
        "val/full_reward_share": 0.5,
    }
    assert written == [(4, numbers)]
