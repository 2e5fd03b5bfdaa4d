"""What a policy learns from built rows, beside one that learns from the world's own: part of `make bench-build`.

Both start from the project's policy (`verif stage prepare` and `verif stage policy` are enough), see as many prompts and
take as many steps (`benchmarks.tiny_grpo`); 400 held-out instructions of the world decide, by its truth. The world's own
rows are rewarded by that truth. Built rows are rewarded by their own rules and checkers; in the judge's place stands the
truth about their soft constraints and about what the question itself asks, which a judge reads, too. The starting policy
rates the built rows first, as `verif difficulty` does, and those outside `PASS_RATE` are left out, as `prepare` does.
"""

from __future__ import annotations

import json
import multiprocessing
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from benchmarks.build_world import kept, wish_of
from benchmarks.tiny_grpo import GROUP, PROMPTS, Rewards, Written, answered, train
from verif.core.instruction_files import read_instructions
from verif.core.row_files import read_rows
from verif.core.sandbox.sandbox import Sandbox
from verif.core.text import Doc
from verif.data.builder.hard import passes
from verif.data.difficulty import distribution, marked, outside
from verif.data.world import truth
from verif.data.world.constraints import Wish
from verif.errors import InputError
from verif.stats import paired_bootstrap
from verif.system.files import digest, digest_path, write_json
from verif.training.tiny.inference import load, sample
from verif.types import CheckerConstraint, Instruction, RuleConstraint, Status

STEPS, HELD_OUT, SAMPLING_SEED = 60, 400, 11
START = "start"
ARMS = ("own", "built")
PASS_RATE = (0.05, 0.95)
"""Bounds of the built rows that are trained on: the example of docs/difficulty.md."""


class BuiltReward:
    """1 for a response that keeps all of a built row, 0 for any other, None where a checker could not be run."""

    def __init__(self, rows: Sequence[Instruction], questions: Sequence[str], sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.asked: dict[str, list[Wish]] = {}
        for row, question in zip(rows, questions, strict=True):
            texts = [question, *(c.text for c in row.constraints if c.kind == "soft")]
            self.asked[row.id] = [understood(text) for text in texts]

    def __call__(self, said: Sequence[Written]) -> list[float | None]:
        """The rewards of a step's responses."""
        return [self.reward(response) for response in said]

    def reward(self, said: Written) -> float | None:
        """Of one response; one that was cut off keeps nothing."""
        if not said.finished:
            return 0.0
        checks = [self.check(constraint, said.text) for constraint in said.item.constraints]
        if Status.ERROR in checks:
            return None
        wishes = self.asked[said.item.id]
        return float(Status.FAIL not in checks and all(kept(*wish, said.text) for wish in wishes))

    def check(self, constraint: Any, text: str) -> Status:
        """What a rule or a checker says; a soft constraint is none of theirs."""
        if isinstance(constraint, RuleConstraint):
            return Status.PASS if passes(constraint.rule, constraint.params, Doc(text)) else Status.FAIL
        if isinstance(constraint, CheckerConstraint):
            return self.sandbox.check_group("", [constraint.source], [text])[0][0].status
        return Status.PASS


def understood(text: str) -> Wish:
    """The wish behind a question or a soft constraint; one that the world did not word is an `InputError`."""
    wish = wish_of(text)
    if wish is None:
        raise InputError(f"{text!r} is no wording of the local world: its truth is not known")
    return wish


def own_reward(said: Sequence[Written]) -> list[float | None]:
    """The world's truth about its own instructions."""
    return [float(w.finished and truth(w.item, w.text).followed) for w in said]


def compared(
    project: Path, built: Mapping[int, Path], home: Path, steps: int = STEPS
) -> list[dict[str, Any]]:
    """All trainings on the built rows of each seed and on the world's own, two at a time."""
    wanted = [(seed, name) for seed in built for name in (START, *ARMS)]
    with ProcessPoolExecutor(2, multiprocessing.get_context("spawn")) as pool:
        waiting = {which: pool.submit(arm, project, built[which[0]], home, *which, steps) for which in wanted}
        made = {which: future.result() for which, future in waiting.items()}
    return [
        {
            "seed": seed,
            **{name: made[seed, name]["followed"] for name in (START, *ARMS)},
            **{f"{name}_told": made[seed, name]["told"] for name in ARMS},
        }
        for seed in built
    ]


def arm(project: Path, built: Path, home: Path, seed: int, name: str, steps: int) -> dict[str, Any]:
    """One training: who follows each held-out instruction, and what is told of it. One that ended is not made again."""
    inputs = [*map(digest_path, (built, project / "models" / "policy", project / "data" / "train.parquet"))]
    path = home / f"policy-{name}-{seed}-{digest([*inputs, steps, HELD_OUT, PASS_RATE])[:8]}.json"
    if not path.is_file():
        write_json(path, _arm(project, built, seed, name, steps))
    known: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return known


def _arm(project: Path, built: Path, seed: int, name: str, steps: int) -> dict[str, Any]:
    began, loaded = time.process_time(), load(project / "models" / "policy")
    whole = [row for row in read_rows(built) if row.instruction is not None]
    items = list(read_instructions(project / "data" / "train.parquet"))[: len(whole)]
    told: dict[str, Any] = {}
    with ExitStack() as stack:
        reward: Rewards = own_reward
        if name == "built":
            pairs = [json.loads(line) for line in (built.parent / "pairs.jsonl").read_bytes().splitlines()]
            questions = {pair["response"]: pair["prompt"] for pair in pairs}
            items = [row.instruction for row in whole if row.instruction is not None]
            asked = [questions[row.response or ""] for row in whole]
            reward = BuiltReward(items, asked, stack.enter_context(Sandbox()))
            rates = rated(loaded, items, reward, seed)
            told["pass_rates"] = distribution(rates)
            items = [item for item in rates if not outside(item, PASS_RATE)]
        curve = trained(loaded, items, reward, steps, seed) if name != START else []
    held_out = list(read_instructions(project / "data" / "test.parquet"))[:HELD_OUT]
    texts = sample(loaded, [item.prompt for item in held_out], seed=SAMPLING_SEED)
    told |= {"rows": len(items), "curve": curve, "cpu_seconds": round(time.process_time() - began, 1)}
    return {
        "followed": [float(truth(*each).followed) for each in zip(held_out, texts, strict=True)],
        "told": told,
    }


def rated(
    loaded: tuple[Any, Any], items: Sequence[Instruction], rewards: Rewards, seed: int
) -> list[Instruction]:
    """The rows with the share of a group's answers that the policy earned the reward with, as `verif difficulty` marks them."""
    import torch

    torch.set_num_threads(1)
    torch.manual_seed(seed)
    marks: list[Instruction] = []
    for first in range(0, len(items), PROMPTS):
        part = items[first : first + PROMPTS]
        said = answered(loaded, part, rewards).said
        for number, item in enumerate(part):
            known = [w.reward for w in said[number * GROUP : (number + 1) * GROUP] if w.reward is not None]
            rate = sum(known) / len(known) if known else None
            marks.append(marked(item, {"pass_rate": rate, "decided": len(known), "samples": GROUP}))
    return marks


def trained(
    loaded: tuple[Any, Any], items: Sequence[Instruction], rewards: Rewards, steps: int, seed: int
) -> list[float]:
    """The mean reward of each step of a training, in place."""
    curve: list[float] = []

    def seen(_step: int, said: Sequence[Written]) -> None:
        known = [w.reward for w in said if w.reward is not None]
        curve.append(round(sum(known) / max(1, len(known)), 3))

    train(loaded, items, rewards, seen, steps=steps, seed=seed)
    return curve


def gap(runs: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Points by which built rows teach less than the world's own, with the interval over held-out instructions.

    Positive: the policy of the world's own rows follows more.
    """
    before = [value for run in runs for value in run["built"]]
    after = [value for run in runs for value in run["own"]]
    which = [number for run in runs for number in range(len(run["own"]))]
    lost = paired_bootstrap(before, after, clusters=which).difference
    return {
        "policy_gap": round(100 * lost.value, 2),
        "policy_gap_interval": [round(100 * lost.low, 2), round(100 * lost.high, 2)],
        "followed": {
            name: [round(sum(run[name]) / len(run[name]), 4) for run in runs] for name in (START, *ARMS)
        },
    }
