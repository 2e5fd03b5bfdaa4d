"""Rollouts that were drawn for several updates: each goes into its own update, and pairs' rows alone stay.

veRL's queue is a dictionary here, with prompts and rollouts as veRL tags them.
"""

from __future__ import annotations

from typing import Any

import pytest

from verif.errors import TrainingError
from verif.types import Instruction, Reward, Status, Verdict, Verification

pytestmark = pytest.mark.slow
torch = pytest.importorskip("torch")
pytest.importorskip("verl")
from verl.trainer.ppo.v1 import replay_buffer  # noqa: E402

from verif.training.verl import planned as module  # noqa: E402
from verif.training.verl import sampler as masking  # noqa: E402
from verif.training.verl.record import FIELD, RolloutRecord  # noqa: E402

INSTRUCTION = Instruction(id="i", prompt="Write.").model_dump_json()
LENGTH = 3


def record(value: float | None, p_pass: float | None = None, rewarded: float = 2.0) -> str:
    state: Any = "error" if value is None else "scored"
    evidence = {} if p_pass is None else {"p_pass": p_pass}
    verdict = Verdict(status=Status.PASS, covers=(0,), part="judge:x", evidence=evidence)
    verification = Verification(
        id="x", verdicts=(verdict,), reward=Reward(value=value, state=state, formula="average")
    )
    return RolloutRecord(
        text="t", finished=True, generated=1.0, rewarded=rewarded, verification=verification
    ).model_dump_json()


class Queue:
    """`steps` gives each step's prompts, and each prompt its rollouts' records."""

    def __init__(self, steps: dict[int, dict[str, list[str]]]) -> None:
        self.tags: dict[str, dict[str, Any]] = {}
        self.rows: dict[str, dict[str, Any]] = {}
        for step, prompts in steps.items():
            for uid, records in prompts.items():
                self.tags[uid] = {"is_prompt": True, "status": "finished", "global_steps": step}
                for index, text in enumerate(records):
                    key = f"{uid}_{index}_0"
                    self.tags[key] = {"global_steps": step, "response_len": LENGTH}
                    self.rows[key] = {
                        "extra_fields": {"reward_extra_info": {FIELD: text}},
                        "reward_model": {"ground_truth": INSTRUCTION},
                        "response_mask": torch.ones(LENGTH, dtype=torch.int64),
                        "loss_mask": torch.ones(LENGTH, dtype=torch.int64),
                        "rm_scores": torch.ones(LENGTH),
                    }

    def kv_list(self) -> dict[str, Any]:
        return {"train": self.tags}

    def kv_batch_get(self, *, keys: list[str], partition_id: str, select_fields: list[str]) -> dict[str, Any]:
        made: dict[str, Any] = {name: [self.rows[key][name] for key in keys] for name in select_fields}
        if "response_mask" in made:
            made["response_mask"] = torch.nested.as_nested_tensor(made["response_mask"], layout=torch.jagged)
        return made

    def kv_batch_put(
        self, *, keys: list[str], partition_id: str, fields: Any = None, tags: Any = None
    ) -> None:
        for key, tag in zip(keys, tags or (), strict=bool(tags)):
            self.tags[key] = tag
        for name, column in ({} if fields is None else fields).items():
            for key, value in zip(keys, column.unbind(), strict=True):
                self.rows[key][name] = value

    def kv_clear(self, *, keys: list[str], partition_id: str) -> None:
        for key in keys:
            self.tags.pop(key, None)
            self.rows.pop(key, None)


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A sampler over a queue of the given steps, of runs with the given pairs."""

    def build(steps: dict[int, dict[str, list[str]]], pairs: str | None = "random") -> tuple[Queue, Any]:
        queue = Queue(steps)
        for place in (module, masking, replay_buffer):
            monkeypatch.setattr(place, "tq", queue)
        settings = {"rollouts": 2, "max_error_share": 1.0, "pairs": pairs, "seed": 1}
        sampler = module.PlannedSampler(
            trainer_mode="sync",
            trainer_config={},
            max_off_policy_threshold=None,
            max_off_policy_strategy="drop",
            sampler_kwargs=settings,
        )
        return queue, sampler

    return build


STEPS = {
    4: {"a": [record(1.0), record(0.0)], "b": [record(1.0), record(1.0)]},
    5: {"c": [record(0.0), record(1.0)], "d": [record(None), record(1.0)]},
}


def test_each_step_gets_what_was_drawn_for_it_and_of_that_the_pairs(drawn: Any) -> None:
    queue, sampler = drawn(STEPS)
    batch, _ = sampler.sample(4, "train", 2)
    assert batch.keys == ["a_0_0", "a_1_0"]
    assert sampler.current.pairs == [("a_0_0", "a_1_0")]
    assert sampler.current.no_contrast == 1
    assert set(sampler.current.rows) == {"a_0_0", "a_1_0", "b_0_0", "b_1_0"}, "all are kept in the records"
    assert "b_0_0" not in queue.rows
    assert "c_0_0" in queue.rows, "another step's rollouts stay"
    batch, _ = sampler.sample(5, "train", 2)
    assert sampler.current.pairs == [("c_1_0", "c_0_0")]
    assert sampler.current.errors == 1
    assert not any(key.startswith("d") for key in batch.keys), "an errored rollout is in no pair"


def test_a_step_without_a_pair_teaches_nothing_and_says_so(drawn: Any) -> None:
    queue, sampler = drawn({4: {"b": [record(1.0), record(1.0)]}})
    batch, _ = sampler.sample(4, "train", 1)
    assert not sampler.current.teaches
    assert sampler.current.no_contrast == 1
    assert all(queue.rows[key]["response_mask"].sum() == 0 for key in batch.keys)
    assert not any(tag["is_padding"] for tag in batch.tags), "veRL takes the mean age of what is no padding"
    assert not any(queue.tags[key]["is_padding"] for key in batch.keys)


def test_a_step_of_errors_alone_has_an_age_too(drawn: Any) -> None:
    queue, sampler = drawn({4: {"b": [record(None), record(None)]}}, None)
    batch, _ = sampler.sample(4, "train", 1)
    assert not sampler.current.teaches
    assert len(batch.keys) == 2
    assert all(queue.rows[key]["response_mask"].sum() == 0 for key in batch.keys)
    assert not any(tag["is_padding"] for tag in batch.tags)


def test_without_pairs_all_rollouts_of_the_step_take_part(drawn: Any) -> None:
    _, sampler = drawn(STEPS, None)
    batch, _ = sampler.sample(4, "train", 2)
    assert len(batch.keys) == 4
    assert sampler.current.teaches


def test_prompts_without_contrast_are_counted_by_step(drawn: Any) -> None:
    _, sampler = drawn(STEPS)
    sampler.wait_for_all(lambda *_: None)
    assert sampler.look_over([4, 5], since=0.0) == {4: 1, 5: 1}


def test_rewards_are_awaited_once_a_cycle(drawn: Any) -> None:
    late = {4: {"a": [record(1.0), record(0.0, rewarded=9.0)]}, 5: STEPS[5]}
    _, sampler = drawn(late)
    sampler.wait_for_all(lambda *_: None)
    sampler.look_over([4, 5], since=5.0)
    sampler.sample(4, "train", 1)
    assert sampler.current.waited_s == 4.0, "from when the trainer began to wait, not before"
    sampler.sample(5, "train", 2)
    assert sampler.current.waited_s == 0.0


def test_with_overlap_a_wait_counts_for_the_step_in_which_it_passed(drawn: Any) -> None:
    _, sampler = drawn({4: STEPS[4], 5: {"c": [record(1.0), record(0.0, rewarded=9.0)]}})
    sampler.sample(4, "train", 1)
    sampler.look_over([5], since=5.0)
    sampler.count_wait()
    assert sampler.current.waited_s == 4.0
    sampler.sample(5, "train", 1)
    assert sampler.current.waited_s == 0.0, "once is enough"


def test_best_worst_without_the_judges_probability_ends_the_run(drawn: Any) -> None:
    _, sampler = drawn(STEPS, "best-worst")
    with pytest.raises(TrainingError, match="no verdict of the judge has log-probabilities"):
        sampler.sample(4, "train", 2)
    _, sampler = drawn({4: {"a": [record(1.0, 0.9), record(1.0, 0.6)]}}, "best-worst")
    sampler.sample(4, "train", 1)
    assert sampler.current.pairs == [("a_0_0", "a_1_0")]


def test_a_step_whose_rollouts_are_all_gone_ends_the_run(drawn: Any) -> None:
    _, sampler = drawn({4: {"a": []}})
    with pytest.raises(TrainingError, match="not one rollout came back"):
        sampler.sample(4, "train", 1)
