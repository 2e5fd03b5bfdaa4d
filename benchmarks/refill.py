"""`make bench-refill`: is it worth it to draw prompts by their pass rate, or to replace those without contrast?

Three arms, seeds 1 to 3, 60 updates of GRPO in one process (`benchmarks/tiny_grpo.py`) on the local world's own rows, its truth
as the reward: prompts in any order, with `train.refill: 2`, and in the order of `train.draw: pass-rate`. The product's own code
chooses the prompts. Each policy then answers held-out instructions, after all updates and again as it was when it had
generated as many tokens as the plain arm in all. It starts from a project's policy (`verif stage prepare` and `verif stage
policy` are enough). What ended is kept: killed, the same command goes on. The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import copy
import json
import multiprocessing
import random
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import cycle
from pathlib import Path
from statistics import fmean
from typing import Any

from benchmarks import tiny_grpo
from benchmarks.build_policy import own_reward, rated
from benchmarks.main import ROOT
from benchmarks.sync import compared, means, together
from benchmarks.tiny_grpo import GROUP, PROMPTS, Written, train
from verif.core.instruction_files import read_instructions
from verif.data.difficulty import FIELD, distribution, marked
from verif.data.world import truth
from verif.system.files import digest, digest_code, digest_path, write_json
from verif.training.row_order import order
from verif.training.tiny.inference import load, sample
from verif.training.verl.exclusion import without_contrast
from verif.types import Instruction

HOME = ROOT / ".verif" / "bench-refill"
START, PLAIN = "start", "plain"
ARMS = (PLAIN, "refill", "pass_rate")
SEEDS, UPDATES, REFILL, ANSWERS, SAMPLED = (1, 2, 3), 60, 2, 2, 11
ROWS = 2000
"""To train on; the updates see a thousand or two of them."""
PORTION = 500
"""Rows of one job of the difficulty pass."""


@dataclass(frozen=True)
class RefillSettings:
    """Where it starts from, where runs are kept, and how long they are. `answers` are those to each held-out instruction."""

    project: Path
    home: Path
    updates: int
    answers: int

    @property
    def folder(self) -> Path:
        """Runs of the same policy, rows, code and length."""
        parts = [self.project / "models" / "policy", *(self.rows(split) for split in ("train", "test"))]
        code = digest_code(Path(tiny_grpo.__file__))
        return (
            self.home
            / digest([*map(digest_path, parts), code, self.updates, self.answers, REFILL, ROWS])[:12]
        )

    def rows(self, split: str) -> Path:
        """A split's rows."""
        return self.project / "data" / f"{split}.parquet"

    def taught(self) -> list[Instruction]:
        """The rows to train on."""
        return list(read_instructions(self.rows("train")))[:ROWS]

    def policy(self) -> tuple[Any, Any]:
        """The policy that all runs start from."""
        return load(self.project / "models" / "policy")


def kept(path: Path, make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """What was made before, or is made and kept now."""
    if not path.is_file():
        made = make()
        path.parent.mkdir(parents=True, exist_ok=True)
        write_json(path, made)
    known: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return known


def tried(settings: RefillSettings, low: int) -> dict[str, Any]:
    """What the starting policy does with a portion of the rows, by row: what `verif difficulty` writes into each."""

    def made() -> dict[str, Any]:
        items = settings.taught()[low : low + PORTION]
        return {"told": [item.meta[FIELD] for item in rated(settings.policy(), items, own_reward, low)]}

    return kept(settings.folder / f"rates-{low}.json", made)


def all_rated(settings: RefillSettings) -> list[Instruction]:
    """The rows to train on with their pass rates; portions that are there are not asked again."""
    items = settings.taught()
    told = [each for low in range(0, len(items), PORTION) for each in tried(settings, low)["told"]]
    return [marked(item, each) for item, each in zip(items, told, strict=True)]


def prompts(items: Sequence[Instruction], arm: str, seed: int) -> Iterator[Instruction]:
    """The rows in the order of an arm, again and again."""
    places = order(items, seed) if arm == "pass_rate" else list(range(len(items)))
    if arm != "pass_rate":
        random.Random(f"{seed}-order").shuffle(places)
    return cycle([items[place] for place in places])


def measured(settings: RefillSettings, arm: str, seed: int) -> dict[str, Any]:
    """One run; those of other arms than the plain one need that one's tokens, and come after it."""
    return kept(settings.folder / f"{arm}-{seed}.json", partial(_measured, settings, arm, seed))


def _measured(settings: RefillSettings, arm: str, seed: int) -> dict[str, Any]:
    loaded, begun = settings.policy(), time.process_time()
    if arm == START:
        return {"followed": followed(settings, loaded)}
    most = None if arm == PLAIN else measured(settings, PLAIN, seed)["tokens"]
    spent = flat = batch_flat = drawn_groups = 0
    at_tokens: tuple[int, Any] = (0, None)

    def seen(step: int, drawn: Sequence[Written]) -> None:
        nonlocal spent, flat, batch_flat, drawn_groups, at_tokens
        groups = [str(row // GROUP) for row in range(len(drawn))]
        equal, count = len(without_contrast(groups, [w.reward for w in drawn], GROUP)), len(drawn) // GROUP
        spent += sum(w.tokens for w in drawn)
        flat, drawn_groups, batch_flat = (
            flat + equal,
            drawn_groups + count,
            batch_flat + equal - count + PROMPTS,
        )
        if most is not None and spent <= most:
            at_tokens = step, copy.deepcopy(loaded[0].state_dict())

    refill = REFILL if arm == "refill" else 0
    items = all_rated(settings)
    train(
        loaded, items, own_reward, seen,
        steps=settings.updates, seed=seed, order=prompts(items, arm, seed), refill=refill,
    )  # fmt: skip
    made = {
        "followed": followed(settings, loaded), "tokens": spent, "cpu_seconds": round(time.process_time() - begun, 1),
        "no_contrast_drawn": flat / drawn_groups, "no_contrast": batch_flat / (settings.updates * PROMPTS),
        "updates": settings.updates, "at_tokens": settings.updates,
    }  # fmt: skip
    made["equal_tokens"] = made["followed"]
    if most is not None and at_tokens[0] < settings.updates:
        loaded[0].load_state_dict(at_tokens[1])
        made |= {"equal_tokens": followed(settings, loaded), "at_tokens": at_tokens[0]}
    return made


def followed(settings: RefillSettings, loaded: tuple[Any, Any]) -> list[float]:
    """Of each held-out instruction the share of its answers that follow it, at temperature 1."""
    items = list(read_instructions(settings.rows("test")))
    asked = [item.prompt for item in items]
    texts = [sample(loaded, asked, seed=SAMPLED + number) for number in range(settings.answers)]
    return means(items, texts, lambda item, text: float(truth(item, text).followed))


def figures(runs: dict[tuple[str, int], dict[str, Any]], rated_rows: Sequence[Instruction]) -> dict[str, Any]:
    """What the last line says; differences are in points, with an interval over held-out instructions."""
    seeds = sorted({seed for arm, seed in runs if arm == PLAIN})
    equal = {key: {"followed": run["equal_tokens"]} for key, run in runs.items() if key[0] != START}
    ends = {key: {"followed": run["followed"]} for key, run in runs.items() if key[0] != START}
    told: dict[str, Any] = {"start": round(fmean(runs[START, 0]["followed"]), 4)}
    told |= {arm: round(fmean(fmean(runs[arm, seed]["followed"]) for seed in seeds), 4) for arm in ARMS}
    for arm in ARMS[1:]:
        for name, of in (("", ends), ("_equal_tokens", equal)):
            value, *interval = compared(of, arm, PLAIN)
            told |= {f"{arm}_minus_plain{name}": value, f"{arm}_minus_plain{name}_interval": interval}
    for field in ("no_contrast", "no_contrast_drawn"):
        told[field] = {arm: round(fmean(runs[arm, seed][field] for seed in seeds), 4) for arm in ARMS}
    for field in ("tokens", "cpu_seconds", "at_tokens"):
        told[field] = {arm: [runs[arm, seed][field] for seed in seeds] for arm in ARMS}
    return {**told, "pass_rates": distribution(rated_rows), "seeds": seeds}


def main() -> None:
    """Pass rates, plain arms, then the others beside them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--project", type=Path, default=ROOT)
    parser.add_argument("--home", type=Path, default=HOME)
    parser.add_argument("--seeds", type=int, nargs="+", default=list(SEEDS))
    parser.add_argument("--updates", type=int, default=UPDATES)
    parser.add_argument("--answers", type=int, default=ANSWERS, help="to each held-out instruction")
    parser.add_argument("--workers", type=int, default=2, help="runs at a time")
    asked = parser.parse_args()
    settings = RefillSettings(asked.project, asked.home, asked.updates, asked.answers)
    runs: dict[tuple[str, int], dict[str, Any]] = {}
    with ProcessPoolExecutor(asked.workers, multiprocessing.get_context("spawn")) as pool:
        count = len(settings.taught())
        list(pool.map(partial(tried, settings), range(0, count, PORTION)))
        measure = partial(measured, settings)
        runs |= together(pool, measure, [(START, 0), *((PLAIN, seed) for seed in asked.seeds)], told)
        runs |= together(pool, measure, [(arm, seed) for seed in asked.seeds for arm in ARMS[1:]], told)
    made = figures(runs, all_rated(settings))
    print(json.dumps({**made, "difficulty_answers": count * GROUP}))


def told(arm: str, seed: int, run: dict[str, Any]) -> str:
    """A line for a run."""
    return f"  seed {seed} {arm:9} {fmean(run['followed']):.3f}"


if __name__ == "__main__":
    main()
