"""A cycle's rollouts on disk: what was drawn comes back as it was, for the steps that are still to come."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from verif.errors import TrainingError

pytestmark = pytest.mark.slow
torch = pytest.importorskip("torch")
pytest.importorskip("verl")
from verl.utils.tensordict_utils import list_of_dict_to_tensordict  # noqa: E402

from verif.training.verl import cycle_store as module  # noqa: E402
from verif.training.verl.cycle_store import CycleStore, plain  # noqa: E402


class Queue:
    """Tags by key, and rows by key as dictionaries."""

    def __init__(self) -> None:
        self.tags: dict[str, dict[str, Any]] = {}
        self.rows: dict[str, dict[str, Any]] = {}

    def kv_list(self, partition_id: str) -> dict[str, Any]:
        return {partition_id: self.tags}

    def kv_batch_get(self, *, keys: list[str], partition_id: str) -> Any:
        return list_of_dict_to_tensordict([self.rows[key] for key in keys])

    def kv_batch_put(self, *, keys: list[str], partition_id: str, tags: Any, fields: Any = None) -> None:
        for index, key in enumerate(keys):
            self.tags[key] = tags[index]
            if fields is not None:
                self.rows[key] = {name: fields[name][index] for name in fields.keys()}  # noqa: SIM118


def queue() -> Queue:
    made = Queue()
    for step in (4, 5, 6):
        uid = f"p{step}"
        made.tags[uid] = {"is_prompt": True, "status": "finished", "global_steps": step}
        for index in range(2):
            key = f"{uid}_{index}_0"
            made.tags[key] = {"global_steps": step, "seq_len": step}
            made.rows[key] = {
                "responses": torch.arange(step + index),
                "rollout_log_probs": torch.randn(step + index),
                "extra_fields": {"reward_extra_info": {"verif_record": "{}"}, "turns": [1, 2.5, None]},
                "raw_prompt": [{"role": "user", "content": "Write."}],
            }
    return made


def test_the_steps_to_come_are_back_and_the_others_are_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, after = queue(), Queue()
    store = CycleStore(tmp_path / "cycles")
    monkeypatch.setattr(module, "tq", before)
    store.save(4, 6, {"samples": 96})
    assert store.covering(7) is None
    found = store.covering(5)
    assert found
    assert found[0] == 6
    monkeypatch.setattr(module, "tq", after)
    assert store.restore(found[1], 5) == {"samples": 96}
    assert set(after.tags) == {key for key in before.tags if key.startswith(("p5", "p6"))}
    for key, row in after.rows.items():
        assert torch.equal(row["rollout_log_probs"], before.rows[key]["rollout_log_probs"])
        assert torch.equal(row["responses"], before.rows[key]["responses"])
        for name in ("extra_fields", "raw_prompt"):
            value = getattr(row[name], "data", row[name])
            assert value == before.rows[key][name]


def test_keeping_a_cycle_takes_time_in_proportion_to_its_rollouts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def seconds(rollouts: int) -> float:
        kept = Queue()
        for number in range(rollouts):
            kept.tags[f"p_{number}"] = {"global_steps": 1}
            kept.rows[f"p_{number}"] = {name: torch.zeros(3 + number % 2) for name in "abcd"}
        monkeypatch.setattr(module, "tq", kept)
        times = []
        for _ in range(3):
            began = time.process_time()
            CycleStore(tmp_path).save(1, 1, {})
            times.append(time.process_time() - began)
        return min(times)

    assert seconds(800) < 10 * seconds(200), (
        "four times the rollouts; taken apart for each it was sixteen times"
    )


def test_a_cycle_is_forgotten_when_a_checkpoint_has_learnt_from_all_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = CycleStore(tmp_path)
    monkeypatch.setattr(module, "tq", queue())
    store.save(4, 6, {})
    store.forget_until(5)
    assert store.covering(6)
    store.forget_until(6)
    assert store.covering(6) is None


def test_what_is_no_data_is_refused_by_name() -> None:
    with pytest.raises(TrainingError, match="field tool is a object and cannot be kept"):
        plain({"tool": object()}["tool"], "tool")
