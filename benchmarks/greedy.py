"""`python -m benchmarks.greedy`, after `make run`: with which settings do greedy answers gain, not only those at temperature 1?

One training of the policy that lies here in one process (`benchmarks.tiny_grpo`), rewarded by the world's truth under a
formula of the verifier, so that no judge's fault is in it. Every `--every` steps held-out instructions are answered
greedily and at temperature 1. A line of JSON each time; `by_type` are the greedy answers.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from benchmarks.tiny_grpo import TOKENS, Written, train
from verif.core.instruction_files import read_instructions
from verif.core.reward import combine
from verif.data.world import truth
from verif.errors import VerifError
from verif.project import load_stage
from verif.training.tiny.inference import load, sample
from verif.types import FORMULAS, Instruction, Status, is_hard

ROOT = Path(__file__).parents[1]


def by_truth(said: Sequence[Written], formula: str) -> list[float | None]:
    """The rewards that a judge without faults would have led to."""
    out: list[float | None] = []
    for w in said:
        statuses = [Status.PASS if ok else Status.FAIL for ok in truth(w.item, w.text).constraints]
        kinds = [is_hard(constraint) for constraint in w.item.constraints]
        hard = [status for status, code in zip(statuses, kinds, strict=True) if code]
        soft = [status for status, code in zip(statuses, kinds, strict=True) if not code]
        out.append(combine(hard, soft, formula)[0])
    return out


def shares(
    loaded: tuple[Any, Any], items: Sequence[Instruction], temperature: float, seed: int
) -> dict[str, Any]:
    """Shares of the answers that keep everything, that are grammatical, and that keep each type of constraint."""
    texts = sample(loaded, [item.prompt for item in items], temperature=temperature, tokens=TOKENS, seed=seed)
    told = [truth(item, text) for item, text in zip(items, texts, strict=True)]
    types = defaultdict[str, list[bool]](list)
    for item, truths in zip(items, told, strict=True):
        for family, ok in zip(item.meta["families"], truths.constraints, strict=True):
            types[str(family)].append(ok)
    return {
        "followed": round(fmean(truths.followed for truths in told), 4),
        "grammatical": round(fmean(truths.grammatical for truths in told), 4),
        "by_type": {name: round(fmean(values), 2) for name, values in sorted(types.items())},
    }


def main() -> int:
    """One training, with a look at every so many steps."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--project", type=Path, default=ROOT, help="where `make run` made data and policy")
    parser.add_argument("--formula", choices=FORMULAS, default="parts")
    parser.add_argument("--temperature", type=float, default=0.9)
    parser.add_argument("--prompts", type=int, default=16)
    parser.add_argument("--rate", type=float, default=1e-3)
    parser.add_argument("--falling", action="store_true", help="the rate falls to nothing")
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--every", type=int, default=35)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    try:
        stage = load_stage(asked.project)
        items, test = (read_instructions(stage.data / f"{name}.parquet") for name in ("train", "test"))
        loaded = load(stage.models / "policy")
    except VerifError as error:
        parser.exit(2, f"{error}\n")

    def look(step: int) -> None:
        greedy, sampled = (shares(loaded, test, temperature, asked.seed + step) for temperature in (0.0, 1.0))
        said = {
            "greedy": greedy["followed"],
            "t1": sampled["followed"],
            "grammatical": sampled["grammatical"],
        }
        print(json.dumps({"step": step, **said, "by_type": greedy["by_type"]}), flush=True)

    def seen(step: int, _: Sequence[Written]) -> None:
        if step % asked.every == 0 or step == asked.steps:
            look(step)

    look(0)
    train(
        loaded, items, lambda said: by_truth(said, asked.formula), seen, steps=asked.steps, seed=asked.seed,
        prompts=asked.prompts, temperature=asked.temperature, rate=asked.rate, falling=asked.falling,
    )  # fmt: skip
    return 0


if __name__ == "__main__":
    sys.exit(main())
