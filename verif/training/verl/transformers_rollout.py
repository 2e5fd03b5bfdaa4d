"""Rollouts by `transformers.generate`, for machines without vLLM (recipe: `rollout: transformers`).

A veRL rollout replica like vLLM's: a server actor that answers `generate`, and an adapter in the training
worker that sends it new weights. Requests that arrive together are generated as one left-padded batch.
Loaded in every process by `actor_rollout_ref.model.external_lib`.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from typing import Any

import ray
import torch
import verl.workers.rollout.base as rollout_base
from verl.utils.config import omega_conf_to_dataclass
from verl.workers.config import HFModelConfig
from verl.workers.rollout.base import BaseRollout
from verl.workers.rollout.replica import RolloutReplica, RolloutReplicaRegistry, TokenOutput

from verif.training.data_only import OURS

NAME = "verif_transformers"
GATHER_S = 0.05
"""How long a batch waits for more requests after its first."""

Request = tuple[list[int], dict[str, Any], "asyncio.Future[TokenOutput]"]


class GenerationServer:
    """The actor that holds the model; sampling is seeded, so equal requests in equal order answer equally."""

    def __init__(self, config: Any, model_config: Any, rank: int) -> None:
        from transformers import AutoModelForCausalLM

        torch.set_num_threads(max(1, (os.cpu_count() or 2) // 2))
        model = omega_conf_to_dataclass(model_config, dataclass_type=HFModelConfig)
        self.config, self.tokenizer = config, model.tokenizer
        self.model = AutoModelForCausalLM.from_pretrained(
            model.local_path, dtype=torch.float32, **OURS
        ).eval()
        torch.manual_seed(int(config.seed) + rank)
        self.waiting: list[Request] = []
        self.step: int | None = None
        self.task: asyncio.Task[None] | None = None

    def ping(self) -> bool:
        """Answers when the model is loaded."""
        return True

    def _nothing(self, *_: object, **__: object) -> None:
        """Calls about device memory, which is not managed here."""

    wake_up = sleep = clear_kv_cache = release_kv_cache = resume_kv_cache = _nothing
    abort_all_requests = resume_generation = start_profile = stop_profile = _nothing

    def load_weights(self, weights: dict[str, Any], step: int | None) -> None:
        """Replace the model's weights; a name the model does not know is an error."""
        state = {name: torch.from_numpy(array) for name, array in weights.items()}
        unknown = self.model.load_state_dict(state, strict=False).unexpected_keys
        if unknown:
            raise ValueError(f"weights for unknown parameters: {unknown[:3]}")
        self.model.tie_weights()
        self.step = step

    async def generate(
        self, prompt_ids: Sequence[int], sampling_params: dict[str, Any], **_: Any
    ) -> TokenOutput:
        """One response."""
        sampling_params.setdefault("max_tokens", self.config.response_length)
        done: asyncio.Future[TokenOutput] = asyncio.get_running_loop().create_future()
        self.waiting.append((list(prompt_ids), dict(sampling_params), done))
        if self.task is None or self.task.done():
            self.task = asyncio.create_task(self._drain())
        return await done

    async def _drain(self) -> None:
        """Generate batch after batch of requests with the same sampling settings."""
        await asyncio.sleep(GATHER_S)
        while self.waiting:
            settings = _settings(self.waiting[0][1])
            batch = [r for r in self.waiting if _settings(r[1]) == settings][: self.config.max_num_seqs]
            chosen = {id(request) for request in batch}
            self.waiting = [request for request in self.waiting if id(request) not in chosen]
            try:
                outputs = await asyncio.to_thread(self._batch, [request[0] for request in batch], *settings)
            except Exception as error:
                for request in batch:
                    request[2].set_exception(error)
            else:
                for request, output in zip(batch, outputs, strict=True):
                    request[2].set_result(output)

    @torch.inference_mode()
    def _batch(
        self, prompts: list[list[int]], temperature: float, top_p: float, top_k: int, tokens: int
    ) -> list[TokenOutput]:
        """Responses to prompts of token ids, with the log-probability of each token under the sampling law."""
        pad, end = self.tokenizer.pad_token_id, self.tokenizer.eos_token_id
        width = max(map(len, prompts))
        ids = torch.tensor([[pad] * (width - len(prompt)) + prompt for prompt in prompts])
        mask = torch.tensor([[0] * (width - len(prompt)) + [1] * len(prompt) for prompt in prompts])
        sampling = {"temperature": temperature, "top_p": top_p, "top_k": max(0, top_k)} if temperature else {}
        made = self.model.generate(
            input_ids=ids,
            attention_mask=mask,
            do_sample=temperature > 0,
            max_new_tokens=tokens,
            eos_token_id=end,
            pad_token_id=pad,
            return_dict_in_generate=True,
            output_logits=True,
            **sampling,
        )
        new = made.sequences[:, width:]
        scale = temperature or 1.0
        steps = [
            torch.log_softmax(logits.float() / scale, -1).gather(1, column[:, None])[:, 0]
            for logits, column in zip(made.logits, new.T, strict=True)
        ]
        outputs = []
        for row, logs in zip(new.tolist(), torch.stack(steps, 1).tolist(), strict=True):
            length = row.index(end) + 1 if end in row else len(row)
            outputs.append(
                TokenOutput(
                    token_ids=row[:length],
                    log_probs=logs[:length],
                    stop_reason="completed",
                    extra_fields={"global_steps": self.step, "num_cached_tokens": 0},
                )
            )
        return outputs


def _settings(sampling: dict[str, Any]) -> tuple[float, float, int, int]:
    """What must be equal within a batch: temperature, top_p, top_k, budget of tokens."""
    return (
        float(sampling.get("temperature", 1.0)),
        float(sampling.get("top_p", 1.0)),
        int(sampling.get("top_k", -1) or 0),
        int(sampling["max_tokens"]),
    )


def _actor_name(rank: int) -> str:
    return f"{NAME}_{rank}"


class Replica(RolloutReplica):  # type: ignore[misc]
    """Starts the server actor."""

    async def launch_servers(self) -> None:
        """One server; returns when its model is loaded."""
        server: Any = (
            ray.remote(GenerationServer)
            .options(name=_actor_name(self.replica_rank), max_concurrency=self.max_concurrency, num_cpus=1)
            .remote(self.config, self.model_config, self.replica_rank)
        )
        await server.ping.remote()
        self.servers, self._server_handle = [server], server
        self._server_address = _actor_name(self.replica_rank)


class Adapter(BaseRollout):  # type: ignore[misc]
    """The training worker's side: sends weights to the server."""

    def __init__(self, config: Any, model_config: Any, device_mesh: Any, replica_rank: int = -1) -> None:
        super().__init__(config, model_config, device_mesh)
        self.rank = int(os.environ["RANK"]) if replica_rank == -1 else replica_rank
        self.server: Any = None

    async def resume(self, tags: Any) -> None:
        """Nothing sleeps."""

    async def release(self) -> None:
        """Nothing to release."""

    async def update_weights(
        self, weights: Any, wire_format: str = "named_tensors", global_steps: int | None = None, **_: Any
    ) -> None:
        """Send every parameter as it is now."""
        if wire_format != "named_tensors":
            raise ValueError(f"{NAME} takes whole weights, not {wire_format}")
        if self.server is None:
            self.server = ray.get_actor(_actor_name(self.rank))
        state = {name: tensor.detach().float().cpu().numpy().copy() for name, tensor in weights}
        await self.server.load_weights.remote(state, global_steps)


# veRL has a public registry for replicas, and none for their adapters.
rollout_base._ROLLOUT_REGISTRY[(NAME, "async")] = f"{__name__}.Adapter"
RolloutReplicaRegistry.register(NAME, lambda: Replica)
