"""veRL's synchronous trainer with cycles: rollouts for several updates are drawn at once, then the weights go out once.

A step stays one update. At a cycle's first step the prompts of all its steps are submitted and all awaited; the generator
sleeps once, and gets the weights after the cycle's last step. So a sleep that discards weights (veRL's on GPUs) loses
nothing, and between two syncs the generator is free to validate with the present weights. veRL's own
`parameter_sync_step` would make one step of several updates, and sends the generator to sleep after the first of them.

With `overlap` the next cycle is generated while this one is learnt from, and awaited before the weights go out.
"""

from __future__ import annotations

import time
from typing import Any

from verl.utils.debug import marked_timer

from verif.training.progress import RunFolder
from verif.training.verl.cycle_store import CycleStore
from verif.training.verl.generator import PlacedTrainer
from verif.training.verl.preference import against_generator, weigh

ROUNDS = 1
"""How often prompts without contrast are replaced: each round waits for its slowest response."""


class CycleTrainer(PlacedTrainer):
    """Cycles of `sampler_kwargs.every` updates, and DPO; without that setting it is veRL's synchronous trainer."""

    folder: RunFolder
    replay_buffer: Any  # a Sampler; with cycles a PlannedSampler

    def __init__(self, config: Any) -> None:
        options = dict(config.trainer.v1.sampler.sampler_kwargs)
        self.every = int(options.get("every", 0))
        self.overlap = bool(options.get("overlap", False))
        self.beta, self.reference = options.get("beta"), options.get("reference")
        self.store = CycleStore(self.folder.cycles)
        self.ready = self.submitted = 0  # the last steps whose rollouts are there, or are being generated
        self.awake, self.replaced = True, 0
        super().__init__(config)

    @property
    def stale(self) -> bool:
        """Whether updates learn from rollouts of older weights, which a resumed run could not draw again."""
        return self.every > 1 or self.overlap

    def cycle_end(self, step: int) -> int:
        """The last step of the cycle that `step` lies in."""
        last: int = min(self.total_training_steps, -(-step // self.every) * self.every)
        return last

    # ------------------------------------------------------------------------------------- drawing
    def prepare_step(self) -> dict[str, Any]:
        """Draw the cycle's rollouts at its first step, or take those that a killed run had drawn."""
        if not self.every:
            drawn: dict[str, Any] = super().prepare_step()
            return drawn
        step = self.global_steps
        if step > self.ready:
            kept = self.store.covering(step)
            if kept is not None:
                self.train_dataloader.load_state_dict(self.store.restore(kept[1], step))
                self.train_dataloader_it = None
                self.ready = self.submitted = kept[0]
            else:
                self.submit(step, self.cycle_end(step))
                self.settle(step)
        if self.overlap and self.submitted == self.ready < self.total_training_steps:
            self.submit(self.ready + 1, self.cycle_end(self.ready + 1))
        return {}

    def submit(self, first: int, last: int) -> None:
        """Ask the generator for the prompts of some steps, each marked with its step."""
        for step in range(first, last + 1):
            self.submit_for(step, self.config.data.train_batch_size)
        self.submitted = last

    def submit_for(self, step: int, prompts: int) -> None:
        """So many prompts for a step."""
        present, self.global_steps = self.global_steps, step
        try:
            self._add_prompts_to_generate(prompts)
        finally:
            self.global_steps = present

    def settle(self, first: int) -> None:
        """Wait for all that was submitted, replace prompts without contrast, and keep the cycle for a resume."""
        steps = range(first, self.submitted + 1)
        with marked_timer("gen", self.timing_raw, color="red"):
            since = time.time()
            self.replay_buffer.wait_for_all(self.beat_drawing)
            missing = self.replay_buffer.look_over(steps, since)
            self.replaced = 0
            for _ in range(ROUNDS if missing else 0):
                for step, prompts in sorted(missing.items()):
                    self.submit_for(step, prompts)
                self.replaced += sum(missing.values())
                since = time.time()
                self.replay_buffer.wait_for_all(self.beat_drawing)
                missing = self.replay_buffer.look_over(steps, since)
            self.ready = self.submitted
            if self.stale:
                self.store.save(first, self.ready, self.train_dataloader.state_dict())

    def settle_overlapped(self) -> None:
        """Wait for what was generated beside the updates, if anything was; the present step has waited."""
        if self.submitted > self.ready:
            self.settle(self.ready + 1)
            self.replay_buffer.count_wait()

    def beat_drawing(self, ended: int, prompts: int) -> None:
        """The run lives as long as prompts end."""
        self.folder.beat(f"step {self.global_steps}: {ended} of {prompts} prompts generated and verified")

    # ------------------------------------------------------------------------- generator and weights
    def on_sample_end(self) -> None:
        """The generator sleeps once a cycle."""
        if not self.every:
            super().on_sample_end()
        elif self.awake and not self.overlap:
            super().on_sample_end()
            self.awake = False

    def on_step_end(self) -> None:
        """Weights go out at a cycle's end, after whatever is still being generated with the old ones."""
        if not self.every:
            super().on_step_end()
        elif self.global_steps == self.cycle_end(self.global_steps):
            self.settle_overlapped()
            super().on_step_end()
            self.awake = True

    def on_validate_begin(self) -> None:
        """Inside a cycle the generator gets the present weights for a validation: it has nothing else to do."""
        if self.every and self.global_steps and self.global_steps != self.cycle_end(self.global_steps):
            self.settle_overlapped()
            self.checkpoint_manager.update_weights(self.global_steps)
            self.awake = True
        super().on_validate_begin()

    def on_validate_end(self) -> None:
        """Back to sleep until the cycle's end, if its rollouts are there."""
        super().on_validate_end()
        if self.every and self.ready > self.global_steps and not self.overlap:
            self.checkpoint_manager.sleep_replicas()
            self.awake = False

    def _save_checkpoint(self) -> None:
        """A cycle is forgotten once a whole checkpoint has learnt from it: this one counts only with its step's numbers."""
        if self.every and (whole := self.folder.whole()):
            self.store.forget_until(whole[-1])
        super()._save_checkpoint()

    # ------------------------------------------------------------------------------------- learning
    def _compute_old_log_prob(self, batch: Any, metrics: dict[str, Any]) -> Any:
        """Beside veRL's: how far the policy has gone from its generator, against which GRPO and PPO clip in a cycle."""
        made = super()._compute_old_log_prob(batch, metrics)
        if self.every:
            metrics["verif/drift"] = against_generator(made, replace=self.beta is None and self.stale)
        return made

    def _compute_advantage(self, batch: Any, metrics: dict[str, Any]) -> Any:
        if self.beta is None:
            return super()._compute_advantage(batch, metrics)
        sample = self.replay_buffer.current
        written, said = weigh(batch, sample.pairs, float(self.beta), str(self.reference))
        metrics |= said
        metrics |= {
            "dpo/pairs": float(len(sample.pairs)),
            "dpo/no_contrast": float(sample.no_contrast),
            "dpo/replaced": float(self.replaced),
        }
        self.replaced = 0
        return written

    def _update_actor(self, batch: Any, metrics: dict[str, Any]) -> Any:
        """One update a batch; none where no rollout takes part."""
        if self.every:
            teaches = self.replay_buffer.current.teaches
            metrics["verif/updates_left_out"] = float(not teaches)
            if not teaches:
                return batch
        return super()._update_actor(batch, metrics)
