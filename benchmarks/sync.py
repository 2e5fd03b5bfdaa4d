"""`make bench-sync`: how often must the generator get the trainer's weights? The order of arXiv 2506.21495, in miniature.

Online DPO, a sync every ten updates, offline DPO and online GRPO, 60 updates each, seeds 1 to 3, the world's truth as the
reward; then 400 held-out instructions at temperature 1. It starts from the project's own policy (`make run` makes it) and
trains in a plain loop (`benchmarks/sync_loop.py`). Each run is kept: killed, the same command goes on. About an hour on one
core. The last line is one JSON object: differences in points, with a paired interval over instructions.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from benchmarks.main import ROOT
from verif.core.instruction_files import read_instructions
from verif.data.world import truth
from verif.errors import InputError
from verif.stats import paired_bootstrap, proportion
from verif.system.files import digest_tree, write_json

HOME = ROOT / ".verif" / "bench-sync"
ARMS = {"online": ("dpo", 1), "semi": ("dpo", 10), "offline": ("dpo", 0), "grpo": ("grpo", 1)}
"""Algorithm and `sync_every` of each arm."""
SEEDS, UPDATES = (1, 2, 3), 60
Scores = dict[str, list[float]]


def measured(project: Path, home: Path, name: str, seed: int, updates: int, limit: int | None) -> Scores:
    """1 or 0 for each held-out instruction: followed, and grammatical. A run that is kept is not made again."""
    from benchmarks.sync_loop import train
    from verif.training.tiny.inference import load, sample

    policy = project / "models" / "policy"
    if not policy.is_dir():
        raise InputError("there is no policy to start from.", file=policy, hint="Run `make run` first.")
    path = home / f"{digest_tree(policy)[:12]}-{updates}-{limit or 'all'}" / f"{name}-{seed}.json"
    if path.is_file():
        kept: Scores = json.loads(path.read_text("utf-8"))
        return kept
    items = list(read_instructions(project / "data" / "train.parquet"))
    held_out = list(read_instructions(project / "data" / "test.parquet"))[:limit]
    if name in ARMS:
        algorithm, every = ARMS[name]
        model = train(policy, items, algorithm, every, seed, updates)
    else:
        model = load(policy)
    texts = sample(model, [item.prompt for item in held_out], temperature=1.0, seed=11)
    truths = [truth(item, text) for item, text in zip(held_out, texts, strict=True)]
    scores = {
        "followed": [float(seen.followed) for seen in truths],
        "grammatical": [float(seen.grammatical) for seen in truths],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    write_json(path, scores)
    return scores


def compared(runs: dict[tuple[str, int], Scores], arm: str, other: str) -> list[float]:
    """`arm` minus `other` in points, with its interval: the same instructions, all seeds together."""
    seeds = sorted({seed for _, seed in runs})
    before, after, which = [], [], []
    for seed in seeds:
        before += runs[other, seed]["followed"]
        after += runs[arm, seed]["followed"]
        which += list(range(len(runs[arm, seed]["followed"])))
    gain = paired_bootstrap(before, after, clusters=which).difference
    return [round(100 * value, 2) for value in (gain.value, gain.low, gain.high)]


def figures(runs: dict[tuple[str, int], Scores], start: Scores) -> dict[str, Any]:
    """What the last line says."""
    offline, semi, grpo = (
        compared(runs, *pair) for pair in (("online", "offline"), ("semi", "online"), ("grpo", "online"))
    )
    before = sum(start["grammatical"]) / len(start["grammatical"])
    drops = [
        before - sum(scores["grammatical"]) / len(scores["grammatical"])
        for (name, _), scores in runs.items()
        if name in ("online", "semi")
    ]
    return {
        "online_minus_offline": offline[0],
        "online_minus_offline_low": offline[1],
        "semi_minus_online": semi[0],
        "semi_minus_online_interval": semi[1:],
        "grpo_minus_online": grpo[0],
        "grpo_minus_online_interval": grpo[1:],
        "grammar_drop_max": round(100 * max(drops), 2),
        "seeds": sorted({seed for _, seed in runs}),
    }


def main() -> None:
    """All arms of all seeds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--project", type=Path, default=ROOT)
    parser.add_argument("--home", type=Path, default=HOME)
    parser.add_argument("--seeds", type=int, nargs="+", default=list(SEEDS))
    parser.add_argument("--updates", type=int, default=UPDATES)
    parser.add_argument("--limit", type=int, help="held-out instructions")
    asked = parser.parse_args()

    def run(name: str, seed: int) -> Scores:
        scores = measured(asked.project, asked.home, name, seed, asked.updates, asked.limit)
        cell = proportion(int(sum(scores["followed"])), len(scores["followed"]))
        language = sum(scores["grammatical"]) / len(scores["grammatical"])
        line = f"  seed {seed} {name:8} {cell.value:.3f} [{cell.low:.3f}, {cell.high:.3f}]"
        print(f"{line}, grammatical {language:.3f}", flush=True)
        return scores

    start = run("start", 0)
    runs = {(name, seed): run(name, seed) for seed in asked.seeds for name in ARMS}
    print(json.dumps(figures(runs, start)))


if __name__ == "__main__":
    main()
