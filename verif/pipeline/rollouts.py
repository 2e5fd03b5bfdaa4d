"""Answers of the policy that is going to be trained: what an audit under pressure and a hardening judge begin with."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence

from verif.audit.golden import read_golden
from verif.audit.pressure.run import Drawn
from verif.errors import InputError
from verif.project import Stage
from verif.recipe import PressureSection, TinyModel
from verif.types import Instruction

MAX_CONTEXT = 16384


def under_pressure(stage: Stage, section: PressureSection) -> list[Drawn]:
    """What the audit asks about: one half of the instructions at `temperature`, the other at `hotter`."""
    items = held_out(stage, section.prompts)
    half = (len(items) + 1) // 2
    seed = stage.recipe.seed
    return [
        *draw(stage, items[:half], section.samples, section.temperature, section.tokens, seed),
        *draw(stage, items[half:], section.samples, section.hotter, section.tokens, seed),
    ]


def held_out(stage: Stage, n: int) -> list[Instruction]:
    """`n` instructions of the golden set, each once, drawn with the recipe's seed: no judge and no policy learns from them."""
    cases = read_golden(stage.data / "golden.parquet")
    different = {case.instruction.prompt: case.instruction for case in cases}
    items = [item.model_copy(update={"id": f"pressure-{k}"}) for k, item in enumerate(different.values())]
    return random.Random(f"pressure-{stage.recipe.seed}").sample(items, min(n, len(items)))


def draw(
    stage: Stage, items: Sequence[Instruction], samples: int, temperature: float, tokens: int, seed: int
) -> list[Drawn]:
    """`samples` answers of `models/policy` to each instruction; the same seed and machine give the same texts."""
    if not (stage.models / "policy" / "config.json").is_file():
        raise InputError("there is no policy to draw answers from.", file=stage.models / "policy",
                         hint="Run `dvc repro policy`.")  # fmt: skip
    many = [item for item in items for _ in range(samples)]
    write = _by_transformers if isinstance(stage.recipe.policy, TinyModel) else _by_vllm
    texts = write(stage, many, temperature, tokens, seed)
    return [
        Drawn(item, tuple(texts[n * samples : (n + 1) * samples]), temperature)
        for n, item in enumerate(items)
    ]


def _by_transformers(
    stage: Stage, many: Sequence[Instruction], temperature: float, tokens: int, seed: int
) -> list[str]:
    """A tiny model's answers; batches and their order are fixed, so no server's timing is in them."""
    from verif.training.tiny.inference import load, sample

    prompts = [item.prompt for item in many]
    return sample(load(stage.models / "policy"), prompts, temperature=temperature, tokens=tokens, seed=seed)


def _by_vllm(
    stage: Stage, many: Sequence[Instruction], temperature: float, tokens: int, seed: int
) -> list[str]:
    """A large model's answers: each has a seed of its own, and what has arrived is kept if the run is killed."""
    from verif.evaluation.case import Case
    from verif.evaluation.generate import AnswerFile, Sampling, generate
    from verif.system.files import digest_tree
    from verif.system.serving import check_model, serve

    folder = stage.models / "policy"
    check_model(folder)
    cases = [Case(item.model_copy(update={"id": f"{item.id}/{n}"})) for n, item in enumerate(many)]
    sampling = Sampling("pressure", temperature, tokens, seed)
    resources = stage.recipe.resources.get("verifier")
    config = json.loads((folder / "config.json").read_text("utf-8"))
    context = min(int(config.get("max_position_embeddings", 512)), MAX_CONTEXT)
    file = AnswerFile(stage.state / "pressure" / f"answers-{digest_tree(folder)[:16]}.jsonl")
    try:
        log = stage.state / "logs" / "pressure-policy.log"
        gpus = resources.gpus if resources else 0
        with serve(folder, log=log, gpus=gpus, context=context, alone=True) as url:
            answers = generate(cases, sampling, file, url=url, model="model", label="pressure, policy")
    finally:
        file.close()
    return [answers[case.id].text for case in cases]
