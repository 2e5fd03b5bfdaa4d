"""`make bench-sync`: how often must the generator get the trainer's weights? The order of arXiv 2506.21495, in miniature.

Online DPO, a sync every ten updates, offline DPO and online GRPO; beside them online DPO that is rewarded for hard or for
soft constraints alone. 60 updates each, seeds 1 to 3, the world's truth as the reward; then five answers to each of 400
held-out instructions at temperature 1. It starts from the project's own policy (`verif stage prepare` and `verif stage
policy` are enough) and trains in a plain loop (`benchmarks/sync_loop.py`), two runs at a time, one thread each. A run that
ended is kept: killed, the same command goes on. The last line is one JSON object: differences in points, with a paired
interval over instructions.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import fmean, stdev
from typing import Any, TypeVar

from benchmarks.main import ROOT
from benchmarks.sync_loop import Schedule, kept, train
from verif.core.instruction_files import read_instructions
from verif.data.world import truth
from verif.errors import InputError
from verif.stats import paired_bootstrap, proportion
from verif.system.files import digest, digest_code, digest_path, write_json
from verif.training.tiny.inference import load, sample
from verif.types import Instruction

HOME = ROOT / ".verif" / "bench-sync"
START = "start"
ARMS = {
    "online": Schedule("dpo", 1),
    "semi": Schedule("dpo", 10),
    "offline": Schedule("dpo", 0),
    "grpo": Schedule("grpo", 1),
    "hard-only": Schedule("dpo", 1, "rule"),
    "soft-only": Schedule("dpo", 1, "soft"),
}
SEEDS, UPDATES, SAMPLED, ANSWERS = (1, 2, 3), 60, 11, 5
Scores = dict[str, list[float]]
Runs = dict[tuple[str, int], Scores]
R = TypeVar("R")


@dataclass(frozen=True)
class Settings:
    """Where a benchmark starts from, where it keeps its runs, how long they are, and the answers to each instruction."""

    project: Path
    home: Path
    updates: int
    limit: int | None
    answers: int = ANSWERS

    @property
    def folder(self) -> Path:
        """Runs of the same policy, data, code and length: others are no answer to the same question."""
        parts = [self.project / "models" / "policy", *(self.data(split) for split in ("train", "test"))]
        for part in parts:
            if not part.exists():
                raise InputError(
                    "there is nothing to start from.",
                    file=part,
                    hint="Run `verif stage prepare` and `verif stage policy` first.",
                )
        code = digest_code(Path(train.__code__.co_filename))
        return (
            self.home / digest([*map(digest_path, parts), code, self.updates, self.limit, self.answers])[:12]
        )

    def data(self, split: str) -> Path:
        """A split's rows."""
        return self.project / "data" / f"{split}.parquet"


def measured(settings: Settings, folder: Path, name: str, seed: int) -> Scores:
    """Of each held-out instruction: followed, its hard and its soft part, grammatical, 1 or 0, or the mean of its answers.

    A kept run is not made again.
    """
    path = folder / f"{name}-{seed}.json"
    if path.is_file():
        done: Scores = json.loads(path.read_text("utf-8"))
        return done
    items = list(read_instructions(settings.data("train")))
    held_out = list(read_instructions(settings.data("test")))[: settings.limit]
    policy = settings.project / "models" / "policy"
    model = load(policy) if name == START else train(policy, items, ARMS[name], seed, settings.updates)
    texts = [
        sample(model, [item.prompt for item in held_out], temperature=1.0, seed=SAMPLED + number)
        for number in range(settings.answers)
    ]
    scores = {
        "followed": means(held_out, texts, partial(kept, kind="all")),
        "hard": means(held_out, texts, partial(kept, kind="rule")),
        "soft": means(held_out, texts, partial(kept, kind="soft")),
        "grammatical": means(held_out, texts, lambda item, text: float(truth(item, text).grammatical)),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    write_json(path, scores)
    return scores


def means(
    items: Sequence[Instruction], texts: Sequence[Sequence[str]], of: Callable[[Instruction, str], float]
) -> list[float]:
    """The mean of each instruction's answers; `texts` are (answers, instructions)."""
    return [
        fmean(of(item, text) for text in said)
        for item, said in zip(items, zip(*texts, strict=True), strict=True)
    ]


def share(values: Sequence[float]) -> float:
    """The mean."""
    return sum(values) / len(values)


def compared(runs: Runs, arm: str, other: str) -> list[float]:
    """`arm` minus `other` in points, with its interval: the same instructions, all seeds together."""
    before, after, which = [], [], []
    for seed in sorted({seed for _, seed in runs}):
        before += runs[other, seed]["followed"]
        after += runs[arm, seed]["followed"]
        which += list(range(len(runs[arm, seed]["followed"])))
    gain = paired_bootstrap(before, after, clusters=which).difference
    return [round(100 * value, 2) for value in (gain.value, gain.low, gain.high)]


def lost(start: Scores, trained: Scores) -> tuple[float, float]:
    """How much less of the text is grammatical than before training, in points, and the standard error of that."""
    pairs = zip(start["grammatical"], trained["grammatical"], strict=True)
    drops = [100 * (before - after) for before, after in pairs]
    return round(fmean(drops), 2), round(stdev(drops) / len(drops) ** 0.5, 2)


def figures(runs: Runs, start: Scores) -> dict[str, Any]:
    """What the last line says."""
    offline, semi, grpo, hard, soft = (
        compared(runs, *pair)
        for pair in (
            ("online", "offline"),
            ("semi", "online"),
            ("grpo", "online"),
            ("online", "hard-only"),
            ("online", "soft-only"),
        )
    )
    seeds = sorted({seed for _, seed in runs})
    drops = [lost(start, runs[name, seed]) for name in ("online", "semi") for seed in seeds]
    return {
        "online_minus_offline": offline[0],
        "online_minus_offline_low": offline[1],
        "semi_minus_online": semi[0],
        "semi_minus_online_interval": semi[1:],
        "grpo_minus_online": grpo[0],
        "grpo_minus_online_interval": grpo[1:],
        "both_minus_hard_only": hard[0],
        "both_minus_hard_only_interval": hard[1:],
        "both_minus_soft_only": soft[0],
        "both_minus_soft_only_interval": soft[1:],
        "grammar_drop_max": max(drops)[0],
        "grammar_drop_max_error": max(drops)[1],
        "grammar_drops": [drop for drop, _ in drops],
        "start": round(share(start["followed"]), 4),
        "followed": {
            name: [round(share(runs[name, seed]["followed"]), 4) for seed in seeds] for name in ARMS
        },
        "seeds": seeds,
    }


def told(name: str, seed: int, scores: Scores) -> str:
    """A line for a run."""
    cell = proportion(round(sum(scores["followed"])), len(scores["followed"]))
    parts = ", ".join(f"{part} {share(scores[part]):.3f}" for part in ("hard", "soft", "grammatical"))
    return f"  seed {seed} {name:9} {cell.value:.3f} [{cell.low:.3f}, {cell.high:.3f}], {parts}"


def together(
    pool: Executor,
    measure: Callable[[str, int], R],
    wanted: Sequence[tuple[str, int]],
    tell: Callable[[str, int, R], str],
) -> dict[tuple[str, int], R]:
    """Some runs (arm, seed) in the pool, each told of by a line when it ends."""
    waiting = {pool.submit(measure, *which): which for which in wanted}
    runs: dict[tuple[str, int], R] = {}
    for future in as_completed(waiting):
        runs[waiting[future]] = future.result()
        print(tell(*waiting[future], runs[waiting[future]]), flush=True)
    return runs


def main() -> None:
    """All arms of all seeds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--project", type=Path, default=ROOT)
    parser.add_argument("--home", type=Path, default=HOME)
    parser.add_argument("--seeds", type=int, nargs="+", default=list(SEEDS))
    parser.add_argument("--updates", type=int, default=UPDATES)
    parser.add_argument("--limit", type=int, help="held-out instructions")
    parser.add_argument("--answers", type=int, default=ANSWERS, help="to each held-out instruction")
    parser.add_argument(
        "--arms",
        nargs="+",
        choices=ARMS,
        default=list(ARMS),
        help="without all of them there is no last line",
    )
    parser.add_argument("--workers", type=int, default=2, help="runs at a time")
    asked = parser.parse_args()
    settings = Settings(asked.project, asked.home, asked.updates, asked.limit, asked.answers)
    folder = settings.folder
    wanted = [(START, 0), *((name, seed) for seed in asked.seeds for name in asked.arms)]
    with ProcessPoolExecutor(asked.workers, multiprocessing.get_context("spawn")) as pool:
        runs = together(pool, partial(measured, settings, folder), wanted, told)
    start = runs.pop((START, 0))
    if set(asked.arms) == set(ARMS):
        print(json.dumps(figures(runs, start)))


if __name__ == "__main__":
    main()
