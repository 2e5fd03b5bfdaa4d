"""How much memory and disk a recipe's models need, each figure with its arithmetic. Estimates, not measurements."""

from __future__ import annotations

from dataclasses import dataclass

from verif.pipeline.planning.hardware import Gpu
from verif.pipeline.planning.shapes import Shape, judge_shape, shape_of
from verif.recipe import HubModel, Recipe, Train
from verif.system.processor import REAL
from verif.training.buffers import rollout_tokens, sequences
from verif.training.command import KEPT, KEPT_WATCHED
from verif.training.workers import micro_batch

JUDGE_SHARE = 0.9
"""vLLM's own default for `gpu_memory_utilization`, which the judge's server keeps."""
"""`trainer.max_actor_ckpt_to_keep` of `verif.training.command`."""
GB = 1e9


@dataclass(frozen=True)
class Estimate:
    """One figure: what it is of, how it is calculated, its value and unit. None: it cannot be known here."""

    what: str
    arithmetic: str
    value: float | None
    unit: str = "GB"
    source: str = ""


def policy_memory(recipe: Recipe, gpu: Gpu | None) -> list[Estimate]:
    """What the policy's training and its rollout engine take on one device."""
    shape = shape_of(recipe.policy)
    if shape is None:
        return [_unknown("policy", recipe.policy)]
    train = recipe.train
    devices = max(1, train.gpus) * train.nodes
    n, per = shape.parameters, f"/ {devices} devices" if devices > 1 else ""
    out = [
        Estimate("policy parameters", _count(shape), n / 1e9, "billion", shape.source),
        *_state(train, shape, devices, per),
    ]
    if train.has_reference and not train.lora:  # else it is the weights without their adapters
        why = "KL term" if train.kl_coefficient > 0 else "dpo.reference: start"
        out.append(Estimate("reference policy (fp32)", f"4 B x N {per}", 4 * n / devices / GB, source=why))
    if train.algorithm == "ppo":
        out.append(Estimate("critic with its optimizer", f"16 B x N {per}", 16 * n / devices / GB))
    state = sum(e.value or 0.0 for e in out if e.unit == "GB")
    activations = _activations(train, shape)
    training = state + sum(e.value or 0.0 for e in activations)
    out += [*activations, Estimate("peak while training", "the sum above", training)]
    return out + (_on_gpu(train, shape, gpu, state, training) if train.gpus else _on_cpu(train, shape))


def _state(train: Train, shape: Shape, devices: int, per: str) -> list[Estimate]:
    """Weights, and gradients and moments of what is trained: all weights, or A values of LoRA's adapters."""
    n, trained, name = shape.parameters, shape.parameters, "N"
    own: list[Estimate] = []
    if train.lora:
        trained, name = shape.adapters(train.lora.rank), "A"
        arithmetic = f"rank {train.lora.rank} x what goes in and out of each linear layer of {shape.layers}"
        own = [
            Estimate("adapter parameters A", arithmetic, trained / 1e6, "million"),
            Estimate("adapters (fp32)", f"4 B x A {per}", 4 * trained / devices / GB),
        ]
    return [
        Estimate("weights (fp32)", f"4 B x N {per}", 4 * n / devices / GB, source="veRL's FSDP: model_dtype fp32"),
        *own,
        Estimate("gradients (fp32)", f"4 B x {name} {per}", 4 * trained / devices / GB, source="reduce_dtype fp32"),
        Estimate("Adam moments (fp32)", f"2 x 4 B x {name} {per}", 8 * trained / devices / GB, source="AdamW"),
    ]  # fmt: skip


def judge_memory(recipe: Recipe, gpu: Gpu | None) -> list[Estimate]:
    """What one judge replica takes on each of its GPUs; nothing for a recipe without a judge."""
    if recipe.judge.kind == "none":
        return []
    shape = judge_shape(recipe)
    if shape is None:
        return [_unknown("judge", recipe.judge)]
    asked = recipe.resources.get("verifier")
    gpus = max(1, asked.gpus) if asked else 1
    size = 2 if asked and asked.gpus else 4
    out = [
        Estimate("judge parameters", _count(shape), shape.parameters / 1e9, "billion", shape.source),
        Estimate("judge weights", f"{size} B x N / {gpus}", size * shape.parameters / gpus / GB),
        Estimate(
            "judge KV cache per token",
            f"2 x {shape.layers} layers x {shape.kv_heads} KV heads x {shape.head_dim} x {size} B / {gpus}",
            shape.kv_bytes(size) / gpus / 1e3,
            "kB",
        ),
    ]
    if gpu and asked and asked.gpus:
        room = JUDGE_SHARE * gpu.memory_gb * GB - size * shape.parameters / gpus
        out.append(
            Estimate(
                "judge tokens in its KV cache",
                f"({JUDGE_SHARE} x {gpu.memory_gb:g} GB - weights) / KV per token",
                max(0.0, room) / (shape.kv_bytes(size) / gpus) / 1e3,
                "thousand",
                gpu.source,
            )
        )
    return out


def disk(recipe: Recipe) -> list[Estimate]:
    """What a recipe's weights and checkpoints take on disk."""
    out = []
    for role, model in (("policy", recipe.policy), ("judge", recipe.judge)):
        shape = shape_of(model)
        if shape is not None and isinstance(model, HubModel):
            out.append(Estimate(f"{role} weights from the hub (bf16)", "2 B x N", 2 * shape.parameters / GB))
    policy = shape_of(recipe.policy)
    if policy is not None:
        many = KEPT_WATCHED if recipe.watched else KEPT
        each, said = 12 * policy.parameters, "(4 + 8) B x N (weights, moments)"
        if lora := recipe.train.lora:
            each = 4 * policy.parameters + 12 * policy.adapters(lora.rank)
            said = "(4 B x N + 12 B x A) (weights; adapters and their moments)"
        out.append(Estimate("checkpoints", f"{many} kept x {said}", many * each / GB))
        out.append(Estimate("trained model (fp32)", "4 B x N", 4 * policy.parameters / GB))
    return out


def _activations(train: Train, shape: Shape) -> list[Estimate]:
    rows, length = micro_batch(train), train.prompt_tokens + train.response_tokens
    if train.gpus:
        return [
            Estimate(
                "activations of a micro-batch",
                f"{shape.layers} layers x {rows} x {length} tokens x {shape.hidden} x 2 B (checkpointed)",
                shape.layers * rows * length * shape.hidden * 2 / GB,
            ),
            Estimate(
                "logits of a micro-batch",
                f"{rows} x {length} tokens x {shape.vocabulary} x (4 + 4) B (fp32 and their gradient)",
                rows * length * shape.vocabulary * 8 / GB,
                source="upper bound: every row at its limit",
            ),
            Estimate(
                "one gathered layer, and the embeddings (bf16)",
                f"2 B x ({shape.layer / 1e6:.0f} + {shape.embeddings / 1e6:.0f}) million",
                2 * (shape.layer + shape.embeddings) / GB,
            ),
        ]
    width = 10 * shape.hidden + 3 * shape.ffn  # what a layer keeps for its gradient, in values per token
    return [
        Estimate(
            "activations of a micro-batch",
            f"{shape.layers} layers x {rows} x {length} tokens x (10 x {shape.hidden} + 3 x {shape.ffn}) x 4 B",
            shape.layers * rows * length * width * 4 / GB,
            source="no checkpointing on CPU; upper bound: every row at its limit",
        ),
        Estimate(
            "logits of a micro-batch",
            f"{rows} x {length} tokens x {shape.vocabulary} x (4 + 4) B (and their gradient)",
            rows * length * shape.vocabulary * 8 / GB,
        ),
    ]


def _on_gpu(train: Train, shape: Shape, gpu: Gpu | None, state: float, training: float) -> list[Estimate]:
    tp = train.tensor_parallel
    weights, kv = 2 * shape.parameters / tp, shape.kv_bytes() / tp
    out = [
        Estimate("rollout weights (bf16)", f"2 B x N / tensor parallel {tp}", weights / GB),
        Estimate(
            "KV cache per token",
            f"2 x {shape.layers} layers x {shape.kv_heads} KV heads x {shape.head_dim} x 2 B / {tp}",
            kv / 1e3,
            "kB",
        ),
    ]
    if gpu is None:
        return [*out, Estimate("room on a GPU", "resources.train.gpu_type names no GPU that is known", None)]
    reserved = train.rollout_share * gpu.memory_gb
    engines = (train.generator_gpus or train.gpus) * train.nodes // tp
    rollouts = train.prompts_per_step * train.rollouts_per_prompt / engines
    wanted = rollouts * (train.prompt_tokens + train.response_tokens)
    return [
        *out,
        Estimate(
            "tokens in the KV cache of an engine",
            f"({train.rollout_share} x {gpu.memory_gb:g} GB - weights) / KV per token",
            max(0.0, reserved * GB - weights) / kv / 1e3,
            "thousand",
            f"at most {wanted / 1e3:.0f} thousand are wanted: {rollouts:.0f} rollouts at their limit",
        ),
        *_room(train, gpu, state, training, reserved),
    ]


def _room(train: Train, gpu: Gpu, state: float, training: float, reserved: float) -> list[Estimate]:
    """What is left of a GPU, in GB: of one that trains and generates by turns, or of one that only trains."""
    if train.generator_gpus:
        left = gpu.memory_gb - training
        return [
            Estimate(
                f"room on a {gpu.name} that trains", f"{gpu.memory_gb:g} GB - {training:.1f}", left, source=gpu.source
            )
        ]  # fmt: skip
    return [
        Estimate(
            "peak while rolling out",
            f"FSDP state {state:.1f} + {train.rollout_share} x {gpu.memory_gb:g} GB of vLLM",
            state + reserved,
        ),
        Estimate(
            f"room on a {gpu.name}",
            f"{gpu.memory_gb:g} GB - max({training:.1f}, {state + reserved:.1f})",
            gpu.memory_gb - max(training, state + reserved),
            source=gpu.source,
        ),
    ]


def _on_cpu(train: Train, shape: Shape) -> list[Estimate]:
    large = shape.parameters >= REAL
    tokens, rows = rollout_tokens(train, real=large), sequences(train, real=large)
    return [
        Estimate("rollout weights (fp32)", "4 B x N", 4 * shape.parameters / GB),
        Estimate(
            "KV cache per token",
            f"2 x {shape.layers} layers x {shape.kv_heads} KV heads x {shape.head_dim} x 4 B",
            shape.kv_bytes(4) / 1e3,
            "kB",
        ),
        Estimate(
            "KV cache reserved",
            f"{tokens} tokens ({rows} rollouts at their limit) x KV per token",
            tokens * shape.kv_bytes(4) / GB,
        ),
        Estimate(
            "programs around them",
            "Ray, veRL, vLLM and the verifier: not counted; resources.train.memory_gb covers them",
            None,
        ),
    ]


def _count(shape: Shape) -> str:
    query, kv = shape.heads * shape.head_dim, shape.kv_heads * shape.head_dim
    tied = "1 (tied)" if shape.tied else "2"
    return (
        f"{shape.layers} x (2 x {shape.hidden} x {query} + 2 x {shape.hidden} x {kv}"
        f" + 3 x {shape.hidden} x {shape.ffn} + norms and biases) + {tied} x {shape.vocabulary} x {shape.hidden}"
    )


def _unknown(role: str, model: object) -> Estimate:
    repo = getattr(model, "repo", "")
    return Estimate(
        f"{role} parameters",
        f"the shape of {repo} is unknown: add it to verif/pipeline/planning/shapes.py"
        if repo
        else "those of the registered version, which is fetched when the stage runs",
        None,
        "",
    )
