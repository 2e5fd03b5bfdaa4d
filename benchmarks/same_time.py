"""`make bench-control`: what supervised training brings in the same processor time as reinforcement took.

Works on the clone that `make bench` left: the starting policy is trained on with its own pairs for the processor
time that all training steps had (their seconds times the cores), and compared with both models on the held-out
instructions (T = 1, the world's truth). The evaluation of each run has a shorter control; this one leaves no doubt.
About a quarter of an hour on one core.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
from pathlib import Path

from benchmarks.main import HOME
from verif.core.instruction_files import read_instructions
from verif.data.tables import read_policy_pairs
from verif.data.world import truth
from verif.stats import paired_bootstrap, proportion


def spent_s(clone: Path) -> float:
    """Wall seconds of all training steps of the clone's run: start-up and validation are not charged."""
    records = [json.loads(path.read_text()) for path in clone.glob(".verif/runs/*/steps/step_*.json")]
    return sum(float(record.get("verif/step_s", 0.0)) for record in records)


def kept(model: Path, clone: Path) -> list[float]:
    """1 for each held-out instruction whose response keeps all constraints, 0 for each other."""
    from verif.training.tiny.inference import load, sample

    items = list(read_instructions(clone / "data" / "test.parquet"))
    texts = sample(load(model), [item.prompt for item in items], temperature=1.0, seed=11)
    return [float(all(truth(item, text).constraints)) for item, text in zip(items, texts, strict=True)]


def main() -> None:
    """One seed's control."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    clone = HOME / f"seed-{parser.parse_args().seed}"
    wall, cores = spent_s(clone), os.cpu_count() or 1
    if not wall:
        raise SystemExit(f"{clone} holds no training: run `make bench` first")
    from verif.training.tiny.pretrain import continue_training

    out = clone / ".verif" / "same-time-control"
    shutil.rmtree(out, ignore_errors=True)
    pairs = [(p.prompt, p.response) for p in read_policy_pairs(clone / "data" / "policy_pairs.parquet")]
    trained = continue_training(
        clone / "models" / "policy", out, pairs,
        cpu_seconds=wall * cores,
    )  # fmt: skip
    print(
        f"reinforcement's steps took {wall:.0f} s on {cores} cores; "
        f"the control made {trained.steps} supervised steps in {trained.cpu_seconds:.0f} processor seconds"
    )
    scores = {
        name: kept(model, clone)
        for name, model in {
            "before": clone / "models" / "policy",
            "after": clone / "models" / "trained",
            "control": out,
        }.items()
    }
    for name, values in scores.items():
        cell = proportion(int(sum(values)), len(values))
        print(f"  {name:8} {cell.value:.3f} [{cell.low:.3f}, {cell.high:.3f}]  n = {cell.n}")
    gains = {}
    for name, pair in {
        "gain": ("before", "after"),
        "control_gain": ("before", "control"),
        "gain_over_control": ("control", "after"),
    }.items():
        difference = paired_bootstrap(scores[pair[0]], scores[pair[1]]).difference
        gains[name] = [round(100 * x, 2) for x in (difference.value, difference.low, difference.high)]
    print(json.dumps(gains))


if __name__ == "__main__":
    main()
