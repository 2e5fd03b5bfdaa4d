"""Prompts whose rollouts all earn the same are replaced, up to a bound; errors are no equality; every batch has its size.

veRL's queue is a dictionary here, and its data loader a list of what each prompt's rollouts will earn.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from verif.errors import TrainingError
from verif.recipe import Train
from verif.training import command
from verif.types import Instruction, Reward, Verification

pytestmark = pytest.mark.slow
torch = pytest.importorskip("torch")
pytest.importorskip("verl")
from verif.training.verl import refill as module  # noqa: E402
from verif.training.verl import sampler as plain  # noqa: E402
from verif.training.verl.record import FIELD, RolloutRecord  # noqa: E402

ROLLOUTS = 3
INSTRUCTION = Instruction(id="i", prompt="Write.").model_dump_json()
Earned = tuple[float | None, ...]
"""What the rollouts of one prompt earn; None is an error."""
MIXED, ALIKE, NONE, BROKEN, LONELY = (1.0, 0.0, 1.0), (1.0,) * 3, (0.0,) * 3, (1.0, None, 1.0), (None,) * 3


def record(value: float | None) -> str:
    made = Reward(value=value, state="error" if value is None else "scored", formula="all")
    verification = Verification(id="x", verdicts=(), reward=made)
    return RolloutRecord(
        text="t", finished=True, generated=1.0, rewarded=2.0, verification=verification
    ).model_dump_json()


class Loader:
    """veRL's queue and data loader: prompts come in the order of the list, each with its rollouts."""

    def __init__(self, prompts: list[Earned]) -> None:
        self.prompts, self.place = prompts, 0
        self.rows: dict[str, dict[str, Any]] = {}
        self.waiting: list[str] = []
        self.asked: list[int] = []

    def submit(self, count: int) -> None:
        self.asked.append(count)
        for _ in range(count):
            for session, reward in enumerate(self.prompts[self.place]):
                key = f"p{self.place}_{session}_0"
                self.rows[key] = {
                    "extra_fields": {"reward_extra_info": {FIELD: record(reward)}},
                    "reward_model": {"ground_truth": INSTRUCTION},
                    "response_mask": torch.ones(2, dtype=torch.int64),
                }
                self.waiting.append(key)
            self.place += 1

    def sample(self, **asked: Any) -> Any:
        keys, self.waiting = self.waiting, []
        assert len(keys) == asked["batch_size"] * ROLLOUTS, "each draw waits for all that it asked for"
        return SimpleNamespace(keys=keys, partition_id="train", tags=[{"key": key} for key in keys]), {}

    def kv_batch_get(self, *, keys: list[str], partition_id: str, select_fields: list[str]) -> Any:
        read = {name: [self.rows[key][name] for key in keys] for name in select_fields}
        if "response_mask" in read:
            read["response_mask"] = torch.nested.as_nested_tensor(read["response_mask"], layout=torch.jagged)
        return read

    def kv_batch_put(self, *, keys: list[str], partition_id: str, fields: Any) -> None:
        for name, column in fields.items():
            for key, value in zip(keys, column.unbind(), strict=True):
                self.rows[key][name] = value

    def kv_clear(self, *, keys: list[str], partition_id: str) -> None:
        for key in keys:
            del self.rows[key]


@pytest.fixture
def step(monkeypatch: pytest.MonkeyPatch) -> Any:
    """One step over the given prompts: the prompts of its batch, its numbers, the loader and the sampler."""

    def draw(prompts: list[Earned], size: int = 2, refill: int = 1, errors: float = 1.0) -> Any:
        loader = Loader(prompts)
        for place in (module, plain):
            monkeypatch.setattr(place, "tq", loader)
        monkeypatch.setattr(plain.ReplayBuffer, "sample", loader.sample)
        made = module.RefillSampler(
            trainer_mode="sync", trainer_config={}, max_off_policy_threshold=None, max_off_policy_strategy="drop",
            sampler_kwargs={"rollouts": ROLLOUTS, "max_error_share": errors, "refill": refill}, refill_fn=loader.submit,
        )  # fmt: skip
        loader.submit(size)
        batch, numbers = made.sample(1, "train", size)
        assert [tag["key"] for tag in batch.tags] == batch.keys, "each rollout keeps its tag"
        assert set(batch.keys) == set(loader.rows), "nothing else is left in the queue"
        return list(dict.fromkeys(key.split("_")[0] for key in batch.keys)), numbers, loader, made

    return draw


def test_a_prompt_whose_rollouts_are_alike_is_replaced_by_the_next(step: Any) -> None:
    batch, numbers, loader, made = step([ALIKE, MIXED, MIXED, MIXED])
    assert batch == ["p1", "p2"]
    assert loader.asked == [2, 1], "as many as are missing"
    assert numbers == {"verif/no_contrast": 1.0, "verif/refilled": 1.0}
    assert len(made.current.rows) == 9, "what was replaced is among the step's rollouts"
    assert made.current.left_out == {f"p0_{session}_0" for session in range(ROLLOUTS)}


def test_it_ends_at_its_bound_and_the_batch_has_its_size(step: Any) -> None:
    batch, numbers, loader, _ = step([ALIKE, NONE, NONE, ALIKE, ALIKE, MIXED], refill=2)
    assert batch == ["p4", "p5"]
    assert loader.asked == [2, 2, 2]
    assert numbers == {"verif/no_contrast": 5.0, "verif/refilled": 4.0}


@pytest.mark.parametrize("errored", [BROKEN, LONELY, (0.0, 0.0)])
def test_a_group_with_an_error_or_a_lost_rollout_is_not_alike(
    step: Any, errored: Earned, monkeypatch: Any
) -> None:
    if len(errored) < ROLLOUTS:
        monkeypatch.setattr(Loader, "sample", lost)
    batch, numbers, loader, _ = step([errored, MIXED, MIXED])
    assert batch == ["p0", "p1"]
    assert loader.asked == [2]
    assert numbers == {"verif/no_contrast": 0.0, "verif/refilled": 0.0}


def lost(self: Loader, **_: Any) -> Any:
    keys, self.waiting = self.waiting, []
    return SimpleNamespace(keys=keys, partition_id="train", tags=[{"key": key} for key in keys]), {}


def test_a_batch_of_errors_alone_is_drawn_again_whole(step: Any) -> None:
    batch, numbers, loader, _ = step([LONELY, LONELY, MIXED, ALIKE, MIXED])
    assert batch == ["p2", "p4"]
    assert loader.asked == [2, 2, 1]
    assert numbers == {"verif/no_contrast": 1.0, "verif/refilled": 1.0}


def test_errors_are_a_share_of_the_whole_step(step: Any) -> None:
    """One error among the three rollouts of a refill is a third of them, and a ninth of the step's."""
    batch, *_ = step([ALIKE, MIXED, BROKEN], errors=0.2)
    assert batch == ["p1", "p2"]
    with pytest.raises(TrainingError, match="2 of 6 rollouts have no reward"):
        step([BROKEN, BROKEN, MIXED], errors=0.2)


def test_the_same_prompts_and_rewards_give_the_same_draws(step: Any) -> None:
    prompts = [ALIKE, MIXED, NONE, MIXED, NONE, ALIKE, MIXED, MIXED]
    first, again = (step(prompts, size=3, refill=3) for _ in range(2))
    assert first[0] == again[0] == ["p1", "p3", "p6"]
    assert first[2].asked == again[2].asked == [3, 2, 1, 1]


def test_the_command_names_the_sampler_only_where_the_recipe_asks() -> None:
    plain_settings = command.sampler(Train())
    assert plain_settings["trainer.v1.sampler.custom_sampler.name"] == "Sampler"
    settings = command.sampler(Train(refill=2))
    assert settings["trainer.v1.sampler.custom_sampler.name"] == "RefillSampler"
    assert settings["+trainer.v1.sampler.sampler_kwargs.refill"] == 2
