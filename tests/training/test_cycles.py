"""When prompts are drawn, when the generator sleeps, and when it gets weights: the order of a run's events."""

from __future__ import annotations

from collections import Counter
from types import SimpleNamespace
from typing import Any

import pytest

pytestmark = pytest.mark.slow
pytest.importorskip("verl")
from verl.trainer.ppo.v1 import PPOTrainerSync  # noqa: E402

from verif.training.verl.cycles import CycleTrainer  # noqa: E402


class Sampler:
    """Says that the given steps have so many prompts without contrast, the first time."""

    def __init__(self, events: list[str], missing: dict[int, int]) -> None:
        self.events, self.missing = events, missing

    def wait_for_all(self, beat: Any) -> None:
        self.events.append("wait")
        beat(1, 1)

    def look_over(self, steps: Any, since: float) -> Counter[int]:
        return Counter({step: self.missing.pop(step) for step in list(self.missing) if step in steps})

    def count_wait(self) -> None:
        self.events.append("count")


def trainer(every: int, steps: int, *, overlap: bool = False, missing: dict[int, int] | None = None) -> Any:
    """A trainer without veRL's workers, which writes down what it would ask of them."""
    events: list[str] = []
    made = object.__new__(CycleTrainer)
    made.events = events
    made.every, made.overlap, made.total_training_steps = every, overlap, steps
    made.ready = made.submitted = made.replaced = 0
    made.awake, made.timing_raw, made.curr_step_profile = True, {}, False
    made.folder = SimpleNamespace(beat=lambda doing: None)
    made.store = SimpleNamespace(
        covering=lambda step: None, save=lambda first, last, loader: events.append(f"keep {first}-{last}")
    )
    made.train_dataloader = SimpleNamespace(state_dict=dict)
    made.config = SimpleNamespace(data=SimpleNamespace(train_batch_size=2))
    made.replay_buffer = Sampler(events, missing or {})
    made._add_prompts_to_generate = lambda prompts: events.append(f"draw {prompts} for {made.global_steps}")
    made._add_batch_to_generate = lambda: events.append(f"veRL draws for {made.global_steps}")
    made.checkpoint_manager = SimpleNamespace(
        update_weights=lambda step: events.append(f"weights of {step}"),
        sleep_replicas=lambda: events.append("sleep"),
    )
    return made


def run(made: Any, steps: range, validate: tuple[int, ...] = ()) -> list[str]:
    """veRL's loop, as far as it calls hooks."""
    for step in steps:
        made.global_steps = step
        made.prepare_step()
        made.on_sample_end()
        made.events.append(f"update {step}")
        made.on_step_end()
        if step in validate:
            made.on_validate_begin()
            made.events.append("validate")
            made.on_validate_end()
    return made.events


def test_without_cycles_the_trainer_does_what_verls_does() -> None:
    plain, base = trainer(0, 2), trainer(0, 2)
    base.__class__ = type("Base", (PPOTrainerSync,), {})
    assert run(plain, range(1, 3), (1,)) == run(base, range(1, 3), (1,))


def test_a_cycle_draws_at_once_sleeps_once_and_syncs_once() -> None:
    assert run(trainer(2, 4), range(1, 5)) == [
        "draw 2 for 1", "draw 2 for 2", "wait", "keep 1-2", "sleep", "update 1", "update 2", "weights of 2",
        "draw 2 for 3", "draw 2 for 4", "wait", "keep 3-4", "sleep", "update 3", "update 4", "weights of 4",
    ]  # fmt: skip


def test_a_validation_inside_a_cycle_has_the_present_weights() -> None:
    events = run(trainer(3, 3), range(1, 4), (2, 3))
    at = events.index("validate")
    assert events[at - 1 : at + 2] == ["weights of 2", "validate", "sleep"]
    assert events[-2:] == ["weights of 3", "validate"], "at a cycle's end the weights are there already"


def test_prompts_without_contrast_are_replaced_once() -> None:
    events = run(trainer(2, 2, missing={2: 1}), range(1, 3))
    assert events[:6] == ["draw 2 for 1", "draw 2 for 2", "wait", "draw 1 for 2", "wait", "keep 1-2"]


def test_with_overlap_the_next_cycle_is_drawn_before_the_updates_and_awaited_before_the_weights() -> None:
    assert run(trainer(2, 4, overlap=True), range(1, 5)) == [
        "draw 2 for 1", "draw 2 for 2", "wait", "keep 1-2", "draw 2 for 3", "draw 2 for 4",
        "update 1", "update 2", "wait", "keep 3-4", "count", "weights of 2",
        "update 3", "update 4", "weights of 4",
    ]  # fmt: skip


def test_overlap_after_every_update_is_one_step_off_policy() -> None:
    made = trainer(1, 3, overlap=True)
    assert run(made, range(1, 4)) == [
        "draw 2 for 1", "wait", "keep 1-1", "draw 2 for 2", "update 1", "wait", "keep 2-2", "count", "weights of 1",
        "draw 2 for 3", "update 2", "wait", "keep 3-3", "count", "weights of 2", "update 3", "weights of 3",
    ]  # fmt: skip
    assert made.stale, "GRPO and PPO clip against what drew the rollouts"


def test_a_killed_run_takes_the_rollouts_that_were_drawn() -> None:
    made = trainer(3, 6)
    restored: list[int] = []

    def restore(path: str, step: int) -> dict[str, int]:
        restored.append(step)
        return {"at": 9}

    made.store.covering = lambda step: (3, "file") if step <= 3 else None
    made.store.restore = restore
    made.train_dataloader.load_state_dict = lambda state: made.events.append(f"order {state['at']}")
    events = run(made, range(2, 5))
    assert restored == [2]
    assert events[:5] == ["order 9", "sleep", "update 2", "update 3", "weights of 3"]
    assert "draw 2 for 4" in events


def test_a_run_killed_between_a_checkpoint_and_its_numbers_still_has_the_cycle(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = trainer(4, 12)
    made.store.forget_until = lambda step: made.events.append(f"forget until {step}")
    monkeypatch.setattr(PPOTrainerSync, "_save_checkpoint", lambda self: self.events.append("saved"))
    for step, whole in ((4, []), (8, [4])):
        made.global_steps, made.folder.whole = step, lambda whole=whole: whole
        made._save_checkpoint()
    assert made.events == ["saved", "forget until 4", "saved"], (
        "step 8 has no numbers yet: it may be done again"
    )
