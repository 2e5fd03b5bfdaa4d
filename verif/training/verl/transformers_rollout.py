"""Rollouts by transformers, for machines without vLLM (recipe: `rollout: transformers`).

A veRL rollout replica like vLLM's: a server actor that answers `generate`, and an adapter in the training
worker that sends it new weights. Requests that arrive together are generated as one left-padded batch: on CPU by
`transformers.generate` in fp32, on a GPU in bf16 by `decoder.py`, on the card of the training worker.
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
from verl.plugin.platform import get_platform
from verl.utils.config import omega_conf_to_dataclass
from verl.utils.device import get_device_name
from verl.workers.config import HFModelConfig
from verl.workers.rollout.base import BaseRollout
from verl.workers.rollout.replica import RolloutReplica, RolloutReplicaRegistry, TokenOutput

from verif.training.data_only import OURS
from verif.training.verl.decoder import KEPT, GraphDecoder, Law, row_bytes

NAME = "verif_transformers"
GATHER_S = 0.05
"""How long a batch waits for more requests after its first; on a GPU, until so long none has come."""

Request = tuple[list[int], dict[str, Any], "asyncio.Future[TokenOutput]"]


class GenerationServer:
    """The actor that holds the model; sampling is seeded, so equal requests in equal order answer equally."""

    def __init__(self, config: Any, model_config: Any, rank: int) -> None:
        from transformers import AutoModelForCausalLM

        torch.set_num_threads(max(1, (os.cpu_count() or 2) // 2))
        model = omega_conf_to_dataclass(model_config, dataclass_type=HFModelConfig)
        self.config, self.tokenizer, self.device = config, model.tokenizer, get_device_name()
        self.model = AutoModelForCausalLM.from_pretrained(
            model.local_path, dtype=precision_on(self.device), **OURS
        ).eval()
        self.rows = int(config.max_num_seqs)
        if self.device == "cuda":
            self.model.to("cuda")
            self.decoder = GraphDecoder(self.model, self.tokenizer.pad_token_id, self.tokenizer.eos_token_id)
            self.rows = min(self.rows, self._rows_that_fit())
        torch.manual_seed(int(config.seed) + rank)
        self.waiting: list[Request] = []
        self.step: int | None = None
        self.task: asyncio.Task[None] | None = None

    def _rows_that_fit(self) -> int:
        """Rows whose cache fits into the recipe's share of the card's memory."""
        length = self.config.prompt_length + self.config.response_length
        share = self.config.gpu_memory_utilization * torch.cuda.mem_get_info()[1]
        fit = int(share / KEPT / row_bytes(self.model.config, length, self.model.dtype.itemsize))
        return 1 << max(0, fit.bit_length() - 1)  # batches are rounded up to a power of two

    def ping(self) -> bool:
        """Answers when the model is loaded."""
        return True

    def _nothing(self, *_: object, **__: object) -> None:
        """Calls about device memory, which is not managed here."""

    wake_up = sleep = clear_kv_cache = release_kv_cache = resume_kv_cache = _nothing
    abort_all_requests = resume_generation = start_profile = stop_profile = _nothing

    def load_weights(self, weights: dict[str, Any], step: int | None) -> None:
        """Replace the model's weights; a name the model does not know is an error."""
        dtype = precision_on(self.device)
        state = {name: torch.from_numpy(array).view(dtype) for name, array in weights.items()}
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
            if self.device == "cuda":
                await self._quiet()
            settings = _settings(self.waiting[0][1])
            batch = [r for r in self.waiting if _settings(r[1]) == settings][: self.rows]
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

    async def _quiet(self) -> None:
        """Until a batch is full or no more requests come: on a GPU a large batch takes hardly longer than a small one."""
        before = 0
        while before < len(self.waiting) < self.rows:
            before = len(self.waiting)
            await asyncio.sleep(GATHER_S)

    @torch.inference_mode()
    def _batch(
        self, prompts: list[list[int]], temperature: float, top_p: float, top_k: int, tokens: int
    ) -> list[TokenOutput]:
        """Responses to prompts of token ids, with the log-probability of each token under the sampling law."""
        if self.device == "cuda":
            law = Law(temperature, top_p, top_k, tokens)
            return [self._output(*answer) for answer in self.decoder.answer(prompts, law)]
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
            outputs.append(self._output(row[:length], logs[:length]))
        return outputs

    def _output(self, tokens: list[int], logs: list[float]) -> TokenOutput:
        """One response as veRL takes it."""
        extra = {"global_steps": self.step, "num_cached_tokens": 0}
        return TokenOutput(token_ids=tokens, log_probs=logs, stop_reason="completed", extra_fields=extra)


def precision_on(device: str) -> torch.dtype:
    """fp32 on CPU, where bf16 is emulated or slower in small products; bf16 on a GPU, as vLLM has it."""
    return torch.float32 if device == "cpu" else torch.bfloat16


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


def _card(_worker: Any) -> str:
    """Called in a training worker: the card that Ray gave it."""
    return str(ray.get_runtime_context().get_accelerator_ids()["GPU"][0])


class Replica(RolloutReplica):  # type: ignore[misc]
    """Starts the server actor."""

    async def launch_servers(self) -> None:
        """One server, on the card of the training worker; returns when its model is loaded."""
        options: dict[str, Any] = {"num_cpus": 1}
        if get_device_name() == "cuda":
            card = await self.workers[0].__ray_call__.remote(_card)
            # Ray would hide every card from an actor that asks for none; the worker holds it.
            seen = dict.fromkeys(get_platform().ray_noset_envvars(), "1") | {"CUDA_VISIBLE_DEVICES": card}
            options["runtime_env"] = {"env_vars": seen}
        server: Any = (
            ray.remote(GenerationServer)
            .options(name=_actor_name(self.replica_rank), max_concurrency=self.max_concurrency, **options)
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
        dtype = precision_on(get_device_name())
        state = {name: _plain(tensor.detach().to(dtype).cpu()) for name, tensor in weights}
        await self.server.load_weights.remote(state, global_steps)


def _plain(tensor: torch.Tensor) -> Any:
    """A NumPy array of its own with a tensor's bits: NumPy knows no bf16."""
    bits = tensor if tensor.dtype == torch.float32 else tensor.view(torch.int16)
    return bits.numpy().copy()


# veRL has a public registry for replicas, and none for their adapters.
rollout_base._ROLLOUT_REGISTRY[(NAME, "async")] = f"{__name__}.Adapter"
RolloutReplicaRegistry.register(NAME, lambda: Replica)
