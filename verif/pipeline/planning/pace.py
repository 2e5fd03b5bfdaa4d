"""How long a step of a recipe takes on GPUs, and with how many judges: arithmetic, then simulation.

Decoding is bound by memory bandwidth, training by FLOPs, the judge by what the paper measured. The shares of
the peaks and the lengths are assumptions (`verif.pipeline.planning.hardware`); the result is for planning, not a promise.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, replace
from functools import lru_cache
from statistics import fmean

from verif.pipeline.planning.hardware import (
    BANDWIDTH_SHARE,
    COMPUTE_SHARE,
    LENGTH_SPREAD,
    MEAN_PROMPT_SHARE,
    MEAN_RESPONSE_SHARE,
    Gpu,
)
from verif.pipeline.planning.shapes import Shape
from verif.pipeline.planning.simulate import (
    Decoder,
    SimulatedCycle,
    SimulatedStep,
    cycle,
    generate,
    judge,
    step,
)
from verif.recipe import Train

SEED = 1
MAX_NUM_SEQS = 1024
"""Active rollouts of an engine at most: vLLM's own default on GPUs of this size."""


@dataclass(frozen=True)
class JudgePace:
    """A judge replica: `gpus`, `slots` calls at once, and the seconds it takes for a batch of 512 rollouts.

    Service times are lognormal with `spread` (deviation over mean), cut at `longest` times the mean: a verdict
    has a limit of tokens. Both are assumptions (the mean verdict is taken for half as long as the limit), and
    so is that a service takes as long when fewer calls are in the replica.
    """

    gpus: int
    batch_s: float
    source: str
    slots: int = 128
    rollouts: int = 512
    spread: float = 0.5
    longest: float = 2.0

    def draw(self, count: int, seed: object) -> list[float]:
        """Service times in units of the uncut mean."""
        rng, sigma = random.Random(str(seed)), math.sqrt(math.log(1 + self.spread**2))
        return [min(self.longest, rng.lognormvariate(-(sigma**2) / 2, sigma)) for _ in range(count)]


JUDGES: dict[str, JudgePace] = {
    "Qwen/QwQ-32B": JudgePace(8, 180.0, "arXiv 2506.09942: 180 s a batch on eight H800, 128 calls at once"),
    "THU-KEG/IF-Verifier-7B": JudgePace(
        1, 120.0, "arXiv 2506.09942: 120 s a batch on one H800, 128 calls at once"
    ),
}
"""By hub repository. That the released code keeps 128 calls open is read from it; the seconds are the paper's."""


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
        engines=(train.generator_gpus * train.nodes or gpus) // tp,
        gpus=train.node_gpus * train.nodes,
        rollouts=rollouts,
        train_s=train_flops(train, shape) / (gpus * gpu.tflops * 1e12 * COMPUTE_SHARE),
        limit=train.response_tokens,
    )


def flops_per_token(train: Train) -> tuple[int, str]:
    """FLOPs for a token and a parameter in the train phase, and their sum in words."""
    update = (4, "update, no gradients of weights") if train.lora else (6, "update")
    passes = [update, (2, "old log-probabilities")]
    if train.gpus:
        passes.append((2, "forward again, activations being checkpointed"))
    if train.has_reference:
        passes.append((2, "reference"))
    if train.algorithm == "ppo":
        passes.append((8, "critic"))
    return sum(n for n, _ in passes), " + ".join(f"{n} ({what})" for n, what in passes)


def train_tokens(train: Train) -> float:
    """Mean tokens that a step trains on: prompts and responses of all rollouts, or of its pairs."""
    each = train.prompt_tokens * MEAN_PROMPT_SHARE + train.response_tokens * MEAN_RESPONSE_SHARE
    return train.rows_per_step * each


def train_flops(train: Train, shape: Shape) -> float:
    """FLOPs of a step's train phase."""
    return flops_per_token(train)[0] * shape.parameters * train_tokens(train)


def lengths(rollouts: int, limit: int, seed: int = SEED) -> list[int]:
    """Response lengths in tokens: lognormal with a long tail, cut at the limit."""
    rng, sigma = random.Random(seed), math.sqrt(math.log(1 + LENGTH_SPREAD**2))
    mu = math.log(limit * MEAN_RESPONSE_SHARE) - sigma**2 / 2
    return [min(limit, max(1, round(rng.lognormvariate(mu, sigma)))) for _ in range(rollouts)]


@lru_cache
def unit_s(model: JudgePace) -> float:
    """Seconds of an uncut mean service: those with which a batch that arrives at once takes `batch_s`."""
    runs = [model.draw(model.rollouts, f"batch-{seed}") for seed in range(20)]
    return model.batch_s / fmean(max(judge([0.0] * model.rollouts, run, model.slots)) for run in runs)


def mean_service(model: JudgePace) -> float:
    """Mean seconds of a service."""
    return unit_s(model) * fmean(model.draw(10_000, "mean"))


@lru_cache(maxsize=64)
def drawn(at: Pace, model: JudgePace, seed: int) -> tuple[list[float], list[float]]:
    """A step's ends of generation and its judge seconds; a response cut at its limit is unscorable, not judged."""
    tokens = lengths(at.rollouts, at.limit, seed)
    unit = unit_s(model)
    times = [
        seconds * unit if length < at.limit else 0.0
        for seconds, length in zip(model.draw(at.rollouts, seed), tokens, strict=True)
    ]
    return generate(at.decoder, tokens, at.engines), times


def simulate(
    at: Pace, model: JudgePace, replicas: int, *, overlapped: bool = True, seed: int = SEED
) -> SimulatedStep:
    """One step with so many judge replicas; the same seed draws the same lengths and service times."""
    ends, times = drawn(at, model, seed)
    return step(ends, times, replicas * model.slots, at.train_s, overlapped=overlapped)


def simulate_cycle(
    at: Pace, model: JudgePace, replicas: int, updates: int, *, overlap: bool = False, seed: int = SEED
) -> SimulatedCycle:
    """One cycle of `updates` updates whose rollouts are generated at once; weights on their way are not counted."""
    ends, times = drawn(replace(at, rollouts=at.rollouts * updates), model, seed)
    return cycle(ends, times, replicas * model.slots, at.train_s, updates, overlap=overlap)
