"""How long a step and the whole training take, each figure with its arithmetic. Estimates, not measurements."""

from __future__ import annotations

from verif.pipeline.planning.hardware import BANDWIDTH_SHARE, COMPUTE_SHARE, Gpu
from verif.pipeline.planning.memory import Estimate
from verif.pipeline.planning.pace import (
    JUDGES,
    flops_per_token,
    lengths,
    mean_service,
    pace,
    simulate,
    simulate_cycle,
    train_flops,
    train_tokens,
)
from verif.pipeline.planning.shapes import Shape, shape_of
from verif.pipeline.planning.simulate import generate
from verif.recipe import HubModel, Recipe, TinyModel, Train

CPU_GFLOPS = 20.0
"""GFLOP/s of one core in fp32 matrix products. Assumption: AVX2, with everything around them."""
CPU_BANDWIDTH_GB_S = 20.0
"""Memory bandwidth that decoding reaches on a workstation, GB/s. Assumption."""


def step_time(recipe: Recipe, gpu: Gpu | None) -> list[Estimate]:
    """The times of the train stage."""
    shape = shape_of(recipe.policy)
    if shape is None:
        return [Estimate("time", "the policy's shape is unknown", None, "s")]
    train = recipe.train
    rollouts = train.prompts_per_step * train.rollouts_per_prompt
    each, passes = flops_per_token(train)
    flops = train_flops(train, shape)
    out = [
        Estimate("rollouts of a step", f"{train.prompts_per_step} prompts x {train.rollouts_per_prompt}", rollouts, ""),
        Estimate("tokens of a step", f"{_rows(train)} x (mean prompt + mean response)", train_tokens(train) / 1e3, "thousand"),
        Estimate("FLOPs of the train phase", f"({passes}) x N x tokens = {each} N per token", flops / 1e12, "TFLOP"),
    ]  # fmt: skip
    if train.algorithm == "dpo":
        saved = "no reference is computed" if not train.has_reference else "the reference is a second model"
        share = train.rows_per_step / rollouts
        out.append(Estimate("rollouts trained on", f"one pair a prompt at most; {saved}", 100 * share, "%"))
    if not train.gpus:
        return out + _cpu(recipe, shape, flops)
    if gpu is None:
        return [*out, Estimate("time", "resources.train.gpu_type names no GPU that is known", None, "s")]
    return out + _gpu(recipe, shape, gpu)


def _rows(train: Train) -> str:
    return "the pairs' rollouts" if train.algorithm == "dpo" else "rollouts"


def _gpu(recipe: Recipe, shape: Shape, gpu: Gpu) -> list[Estimate]:
    train = recipe.train
    at = pace(train, shape, gpu)
    tokens = lengths(at.rollouts, at.limit)
    ends = generate(at.decoder, tokens, at.engines)
    active = at.rollouts / at.engines
    iteration = at.decoder.iteration_s + at.decoder.per_rollout_s * active
    out = [
        Estimate(
            "one iteration of an engine",
            f"(2 B x N + {active:.0f} rollouts x KV of half a mean response)"
            f" / ({train.tensor_parallel} x {gpu.bandwidth_tb_s:g} TB/s x {BANDWIDTH_SHARE})",
            iteration * 1e3,
            "ms",
            gpu.source,
        ),
        Estimate(
            "generated tokens per second",
            f"{at.engines} engines, all rollouts of the step, the long tail included",
            sum(tokens) / max(ends) / 1e3,
            "thousand",
        ),
        Estimate("generation", f"simulated; the longest of {at.rollouts} responses decides", max(ends), "s"),
        Estimate(
            "training",
            f"FLOPs / ({train.gpus * train.nodes} x {gpu.tflops:g} TFLOP/s x {COMPUTE_SHARE})",
            at.train_s,
            "s",
        ),
    ]
    known = JUDGES.get(recipe.judge.repo) if isinstance(recipe.judge, HubModel) else None
    if known is None:
        return [*out, Estimate("judging", "no measured figure for this judge: not guessed", None, "s")]
    simulated = simulate(at, known, 1)
    step_s, cycles = simulated.step_s, []
    if not train.on_policy:
        whole = simulate_cycle(at, known, 1, train.cycle, overlap=train.overlap)
        step_s = whole.step_s
        each, grid = f"a sync at each: {simulated.step_s:.0f} s", "other cycles, more judges: --simulate"
        waits, idle = 100 * whole.wait_share, 100 * whole.generator_idle_share
        cycles = [
            Estimate(
                f"an update, a sync every {train.cycle}{', overlapped' if train.overlap else ''}",
                f"simulated, one judge replica; {each}",
                step_s,
                "s",
            ),
            Estimate("of it awaiting rewards", f"share of that time; {grid}", waits, "%"),
            Estimate(
                "of it the generator idle", "while rewards are awaited and the policy learns", idle, "%"
            ),
        ]
    hours = step_s * train.steps / 3600
    gpus = at.gpus + known.gpus
    return [
        *out,
        Estimate("one verdict", "mean, so that a batch takes what was measured", mean_service(known), "s", known.source),
        Estimate("waiting for rewards", "simulated with one judge replica, overlapped", simulated.wait_s, "s"),
        Estimate("step", "generation + waiting + training", simulated.step_s, "s"),
        *cycles,
        Estimate("the whole training", f"{train.steps} steps (validation, checkpoints not counted)", hours, "h"),
        Estimate("GPU-hours", f"({at.gpus} + {known.gpus} for the judge) GPUs x hours", gpus * hours, "h"),
    ]  # fmt: skip


def _cpu(recipe: Recipe, shape: Shape, flops: float) -> list[Estimate]:
    train = recipe.train
    asked = recipe.resources.get("train")
    cores = asked.cpus if asked else 2
    tokens = lengths(train.prompts_per_step * train.rollouts_per_prompt, train.response_tokens)
    generation = max(tokens) * 4 * shape.parameters / (CPU_BANDWIDTH_GB_S * 1e9)
    training = flops / (cores * CPU_GFLOPS * 1e9)
    assumed = "the rates are assumed"
    return [
        Estimate(
            "generation, at least",
            f"{max(tokens)} iterations x 4 B x N / {CPU_BANDWIDTH_GB_S:g} GB/s",
            generation,
            "s",
            assumed,
        ),
        Estimate("training, at least", f"FLOPs / ({cores} cores x {CPU_GFLOPS:g} GFLOP/s)", training, "s", assumed),
        Estimate(
            "step",
            "a tiny model is bound by what surrounds it, not by FLOPs: fit a run (--simulate --fit RUN)"
            if isinstance(recipe.policy, TinyModel)
            else "generation + training, the engine's overhead not counted",
            None if isinstance(recipe.policy, TinyModel) else generation + training,
            "s",
        ),
    ]  # fmt: skip
