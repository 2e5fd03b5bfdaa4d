"""GRPO and PPO with a sync after every update: a run's batches are those of veRL's own synchronous trainer, bit for bit.

Both trainers run veRL's step over a queue in memory. What a worker is told, every field of every row, and the numbers that
come out are compared; the next step's rollouts depend on the update before, so that one difference would grow.
"""

from __future__ import annotations

import hashlib
from types import SimpleNamespace
from typing import Any

import pytest

from verif.types import Instruction, Reward, Verification

pytestmark = pytest.mark.slow
torch = pytest.importorskip("torch")
pytest.importorskip("verl")
from omegaconf import OmegaConf  # noqa: E402
from transfer_queue import KVBatchMeta  # noqa: E402
from verl.trainer.ppo.v1 import PPOTrainerSync, replay_buffer, trainer_base  # noqa: E402
from verl.utils.tensordict_utils import list_of_dict_to_tensordict  # noqa: E402

from verif.recipe import Train  # noqa: E402
from verif.training import command  # noqa: E402
from verif.training.verl import advantage, preference, sampler  # noqa: E402
from verif.training.verl.cycles import CycleTrainer  # noqa: E402
from verif.training.verl.record import FIELD, RolloutRecord  # noqa: E402

PROMPTS, ROLLOUTS, PROMPT = 3, 4, 2
ROWS = PROMPTS * ROLLOUTS


class Queue:
    """TransferQueue's calls over two dictionaries; a read is a copy."""

    def __init__(self) -> None:
        self.tags: dict[str, dict[str, Any]] = {}
        self.rows: dict[str, dict[str, Any]] = {}

    def kv_list(self) -> dict[str, Any]:
        return {"train": self.tags}

    def kv_batch_get(self, *, keys: list[str], select_fields: list[str], **_: Any) -> Any:
        rows = [
            {name: self.rows[key][name] for name in select_fields if name in self.rows[key]} for key in keys
        ]
        return list_of_dict_to_tensordict(rows)

    def kv_batch_put(
        self, *, keys: list[str], partition_id: str, fields: Any = None, tags: Any = None
    ) -> KVBatchMeta:
        for name, column in ({} if fields is None else dict(fields.items())).items():
            for key, value in zip(keys, column.unbind(), strict=True):
                self.rows[key][name] = value.clone()
        return KVBatchMeta(
            partition_id=partition_id, keys=keys, tags=tags or [self.tags[key] for key in keys]
        )

    def kv_clear(self, *, keys: list[str], partition_id: str) -> None:
        for key in keys:
            self.tags.pop(key, None)
            self.rows.pop(key, None)


class Workers:
    """Actor and critic in one: numbers from the rows' tokens and a weight, which an update moves by what it is given."""

    def __init__(self, queue: Queue) -> None:
        self.queue, self.weight, self.seen = queue, 1.0, []
        self._dispatch_info = {"actor": [0], "critic": [0]}

    def put(self, batch: KVBatchMeta, name: str) -> KVBatchMeta:
        for key in batch.keys:
            ids = self.queue.rows[key]["input_ids"].float()
            self.queue.rows[key][name] = -(ids * self.weight).sin().abs()
        return batch

    def compute_log_prob(self, batch: KVBatchMeta) -> KVBatchMeta:
        self.put(batch, "entropy")
        return self.put(batch, "log_probs")

    def infer_batch(self, batch: KVBatchMeta) -> Any:
        self.put(batch, "values")
        return SimpleNamespace(futures=[])

    def update(self, batch: KVBatchMeta) -> dict[str, Any]:
        told = hashlib.sha256(repr((batch.keys, batch.tags, sorted(batch.extra_info.items()))).encode())
        for key in batch.keys:
            for name, value in sorted(self.queue.rows[key].items()):
                bits = value.numpy().tobytes() if isinstance(value, torch.Tensor) else repr(value).encode()
                told.update(name.encode() + bits)
            self.weight += float(self.queue.rows[key]["advantages"].sum()) / 100
        self.seen.append(told.hexdigest())
        return {"metrics": {"loss": [self.weight], "mfu": [0.0]}}

    def update_actor(self, batch: KVBatchMeta) -> dict[str, Any]:
        return self.update(batch)

    def train_mini_batch(self, batch: KVBatchMeta) -> Any:
        return SimpleNamespace(get=lambda: self.update(batch))


def rollouts(queue: Queue, step: int, weight: float) -> None:
    """A step's rollouts, drawn by its number and the workers' weight; one has no reward."""
    draw = torch.Generator().manual_seed(step)
    for prompt in range(PROMPTS):
        uid = f"s{step}p{prompt}"
        queue.tags[uid] = {"is_prompt": True, "status": "finished", "global_steps": step}
        for index in range(ROLLOUTS):
            length = int(torch.randint(2, 6, (), generator=draw))
            ids = torch.randint(1, 90, (PROMPT + length,), generator=draw)
            score = float((ids.sum() * weight).sin() > 0)
            errored = (prompt, index) == (1, 2)
            reward = Reward(
                value=None if errored else score, state="error" if errored else "scored", formula="average"
            )
            record = RolloutRecord(
                text="t", finished=True, generated=1.0, rewarded=2.0,
                verification=Verification(id="x", verdicts=(), reward=reward),
            )  # fmt: skip
            key, mask = f"{uid}_{index}_0", torch.ones(length, dtype=torch.int64)
            queue.tags[key] = {"global_steps": step, "response_len": length, "seq_len": PROMPT + length}
            queue.rows[key] = {
                "uid": uid, "input_ids": ids, "prompts": ids[:PROMPT], "responses": ids[PROMPT:],
                "response_mask": mask, "loss_mask": mask.clone(),
                "rm_scores": torch.cat([torch.zeros(length - 1), torch.tensor([score])]),
                "rollout_log_probs": -(ids[PROMPT:].float() * weight).sin().abs(),
                "extra_fields": {"reward_extra_info": {FIELD: record.model_dump_json()}},
                "reward_model": {"ground_truth": Instruction(id="i", prompt="Write.").model_dump_json()},
            }  # fmt: skip


def run(
    kind: Any, algorithm: str, monkeypatch: pytest.MonkeyPatch
) -> tuple[list[str], list[dict[str, float]]]:
    """Three steps of veRL's own `step`: what the workers were given, and each step's numbers."""
    queue = Queue()
    for place in (trainer_base, replay_buffer, sampler, preference):
        monkeypatch.setattr(place, "tq", queue)
    monkeypatch.setattr(trainer_base, "ray", SimpleNamespace(get=lambda futures: futures))
    workers = Workers(queue)
    critic = algorithm == "ppo"
    made = object.__new__(type("Fake", (kind,), {"__abstractmethods__": frozenset()}))
    actor = {
        "ppo_mini_batch_size": PROMPTS, "ppo_epochs": 1, "data_loader_seed": 1, "shuffle": False, "entropy_coeff": 0.0,
        "calculate_entropy": False, "loss_agg_mode": "token-mean", "loss_scale_factor": None,
    }  # fmt: skip
    made.config = OmegaConf.create(
        {
            "data": {"train_batch_size": PROMPTS},
            "actor_rollout_ref": {"actor": actor, "rollout": {"n": ROLLOUTS, "temperature": 1.0, "calculate_log_probs": True}},
            "critic": actor, "trainer": {"critic_warmup": 0},
            "algorithm": {
                "adv_estimator": "gae" if critic else advantage.NAME, "gamma": 1.0, "lam": 1.0, "use_kl_in_reward": False,
            },
        }
    )  # fmt: skip
    made.replay_buffer = sampler.Sampler(
        trainer_mode="sync", trainer_config={}, max_off_policy_threshold=None, max_off_policy_strategy="drop",
        sampler_kwargs={"rollouts": ROLLOUTS, "max_error_share": 1.0},
    )  # fmt: skip
    made.every, made.beta, made.parameter_sync_step = 0, None, 1
    made.use_critic, made.use_reference_policy = critic, False
    made.actor_rollout_wg = made.critic_wg = workers
    made.reward_loop_manager = SimpleNamespace(reward_loop_worker_handles=[])
    made.tokenizer, made.curr_step_profile, made.timing_raw = SimpleNamespace(eos_token_id=0), False, {}
    weights: list[int] = []
    made.checkpoint_manager = SimpleNamespace(
        update_weights=weights.append, sleep_replicas=lambda: weights.append(-1)
    )
    made._add_batch_to_generate = lambda: rollouts(queue, made.global_steps, workers.weight)
    numbers = []
    for step in (1, 2, 3):
        made.global_steps, metrics = step, {}
        batch = made.step(metrics, made.timing_raw)
        made.on_step_end()
        queue.kv_clear(keys=batch.keys, partition_id="train")
        numbers.append(metrics)
    assert weights == [-1, 1, -1, 2, -1, 3]
    return workers.seen, numbers


@pytest.mark.parametrize("algorithm", ["grpo", "ppo"])
def test_batches_are_verls_own(algorithm: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not command.cycles(Train(algorithm=algorithm, sync_every=1)), "nothing is said to veRL of cycles"
    before, numbers = run(PPOTrainerSync, algorithm, monkeypatch)
    seen, measured = run(CycleTrainer, algorithm, monkeypatch)
    assert len(set(before)) == (6 if algorithm == "ppo" else 3)
    assert seen == before
    assert measured == numbers
