"""How long a step of a recipe takes on GPUs, and with how many judges: arithmetic, then simulation.

Decoding is bound by memory bandwidth, training by FLOPs, the judge by what the paper measured. The shares of
the peaks and the lengths are assumptions (`verif.planning.hardware`); the result is for planning, not a promise.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, replace
from functools import lru_cache

from verif.planning.hardware import (
    BANDWIDTH_SHARE,
    COMPUTE_SHARE,
    LENGTH_SPREAD,
    MEAN_PROMPT_SHARE,
    MEAN_RESPONSE_SHARE,
    Gpu,
)
from verif.planning.shapes import Shape
from verif.planning.simulate import Decoder, Step, generate, judge, step
from verif.recipe import Train

SEED = 1
MAX_NUM_SEQS = 1024
"""Active rollouts of an engine at most: vLLM's own default on GPUs of this size."""


@dataclass(frozen=True)
class Judge:
    """A judge replica: `gpus`, `slots` calls at once, and the seconds it takes for a batch of 512 rollouts."""

    gpus: int
    batch_s: float
    source: str
    slots: int = 128
    rollouts: int = 512
    spread: float = 0.5


JUDGES: dict[str, Judge] = {
    "Qwen/QwQ-32B": Judge(8, 180.0, "arXiv 2506.09942: 180 s a batch on eight H800, 128 calls at once"),
    "THU-KEG/IF-Verifier-7B": Judge(
        1, 120.0, "arXiv 2506.09942: 120 s a batch on one H800, 128 calls at once"
    ),
}
"""By hub repository. `spread` (deviation over mean of the lognormal service time) is an assumption."""


@dataclass(frozen=True)
class Pace:
    """What a step's parts take on one set of GPUs, in seconds; `decoder` is one rollout engine."""

    decoder: Decoder
    engines: int
    gpus: int
    rollouts: int
    train_s: float
    limit: int

    def scaled(self, gpus: int) -> Pace:
        """More GPUs with as many more rollouts (the batch per GPU, and so generation and training, stay)."""
        factor = gpus / self.gpus
        return replace(
            self, gpus=gpus, engines=round(self.engines * factor), rollouts=round(self.rollouts * factor)
        )


def pace(train: Train, shape: Shape, gpu: Gpu) -> Pace:
    """The pace of a recipe's `train` section on its GPUs."""
    gpus, tp = train.gpus * train.nodes, train.tensor_parallel
    reach = gpu.bandwidth_tb_s * 1e12 * BANDWIDTH_SHARE * tp
    context = train.prompt_tokens * MEAN_PROMPT_SHARE + train.response_tokens * MEAN_RESPONSE_SHARE / 2
    rollouts = train.prompts_per_step * train.rollouts_per_prompt
    return Pace(
        decoder=Decoder(2 * shape.parameters / reach, shape.kv_bytes() * context / reach, slots=MAX_NUM_SEQS),
        engines=gpus // tp,
        gpus=gpus,
        rollouts=rollouts,
        train_s=train_flops(train, shape) / (gpus * gpu.tflops * 1e12 * COMPUTE_SHARE),
        limit=train.response_tokens,
    )


def flops_per_token(train: Train) -> tuple[int, str]:
    """FLOPs for a token and a parameter in the train phase, and their sum in words."""
    passes = [(6, "update"), (2, "old log-probabilities")]
    if train.gpus:
        passes.append((2, "forward again, activations being checkpointed"))
    if train.kl_coefficient > 0:
        passes.append((2, "reference"))
    if train.algorithm == "ppo":
        passes.append((8, "critic"))
    return sum(n for n, _ in passes), " + ".join(f"{n} ({what})" for n, what in passes)


def train_tokens(train: Train) -> float:
    """Mean tokens of a step: prompts and responses of all rollouts."""
    each = train.prompt_tokens * MEAN_PROMPT_SHARE + train.response_tokens * MEAN_RESPONSE_SHARE
    return train.prompts_per_step * train.rollouts_per_prompt * each


def train_flops(train: Train, shape: Shape) -> float:
    """FLOPs of a step's train phase."""
    return flops_per_token(train)[0] * shape.parameters * train_tokens(train)


def lengths(rollouts: int, limit: int, seed: int = SEED) -> list[int]:
    """Response lengths in tokens: lognormal with a long tail, cut at the limit."""
    rng, sigma = random.Random(seed), math.sqrt(math.log(1 + LENGTH_SPREAD**2))
    mu = math.log(limit * MEAN_RESPONSE_SHARE) - sigma**2 / 2
    return [min(limit, max(1, round(rng.lognormvariate(mu, sigma)))) for _ in range(rollouts)]


def services(tokens: list[int], limit: int, model: Judge, seed: int = SEED) -> list[float]:
    """Judge seconds of each rollout; one that was cut at its limit is unscorable and is not judged."""
    rng, sigma = random.Random(f"judge-{seed}"), math.sqrt(math.log(1 + model.spread**2))
    mu = math.log(mean_service(model)) - sigma**2 / 2
    drawn = [rng.lognormvariate(mu, sigma) for _ in tokens]
    return [seconds if length < limit else 0.0 for seconds, length in zip(drawn, tokens, strict=True)]


@lru_cache
def mean_service(model: Judge) -> float:
    """The mean service time with which one replica takes `batch_s` for a batch that arrives at once."""
    rng, sigma = random.Random(SEED), math.sqrt(math.log(1 + model.spread**2))
    runs = [[rng.lognormvariate(-(sigma**2) / 2, sigma) for _ in range(model.rollouts)] for _ in range(20)]
    ends = [max(judge([0.0] * model.rollouts, run, model.slots)) for run in runs]
    return model.batch_s / (sum(ends) / len(ends))


def simulate(at: Pace, model: Judge, replicas: int, *, overlapped: bool = True, seed: int = SEED) -> Step:
    """One step with so many judge replicas; the same seed draws the same lengths and service times."""
    tokens = lengths(at.rollouts, at.limit, seed)
    ends = generate(at.decoder, tokens, at.engines)
    times = services(tokens, at.limit, model, seed)
    return step(ends, times, replicas * model.slots, at.train_s, overlapped=overlapped)
