"""What a policy learns from built rows, beside one that learns from the world's own: part of `make bench-build`.

Both start from the project's policy (`verif stage prepare` and `verif stage policy` are enough), see as many prompts and
take as many steps (`benchmarks.tiny_grpo`); 400 held-out instructions of the world decide, by its truth. The world's own
rows are rewarded by that truth. Built rows are rewarded by their own rules and checkers; in the judge's place stands the
truth about their soft constraints and about what the question itself asks, which a judge reads, too.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from benchmarks.build_world import kept, wish_of
from benchmarks.tiny_grpo import Rewards, Written, train
from verif.core.instruction_files import read_instructions
from verif.core.row_files import read_rows
from verif.core.sandbox.sandbox import Sandbox
from verif.core.text import Doc
from verif.data.builder.hard import passes
from verif.data.world import truth
from verif.data.world.constraints import Wish
from verif.errors import InputError
from verif.stats import paired_bootstrap
from verif.system.files import digest, digest_path, write_json
from verif.training.tiny.inference import load, sample
from verif.types import CheckerConstraint, Instruction, RuleConstraint, Status

STEPS, HELD_OUT, SAMPLING_SEED = 60, 400, 11
ARMS = ("own", "built")
MOST = 3
"""Constraints of a built row that is trained on: with its question at most four, where the world's own have 3.6 on average."""


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


def trained(
    project: Path, items: Sequence[Instruction], rewards: Rewards, steps: int, seed: int
) -> tuple[list[float], list[float]]:
    """1 or 0 for each held-out instruction after training, and the mean reward of each step."""
    loaded, curve = load(project / "models" / "policy"), list[float]()

    def seen(_step: int, said: Sequence[Written]) -> None:
        known = [w.reward for w in said if w.reward is not None]
        curve.append(sum(known) / max(1, len(known)))

    if steps:
        train(loaded, items, rewards, seen, steps=steps, seed=seed)
    held_out = list(read_instructions(project / "data" / "test.parquet"))[:HELD_OUT]
    texts = sample(loaded, [item.prompt for item in held_out], seed=SAMPLING_SEED)
    return [float(truth(*answer).followed) for answer in zip(held_out, texts, strict=True)], curve


def compared(project: Path, built: Path, home: Path, seed: int, steps: int = STEPS) -> dict[str, Any]:
    """Both trainings of one seed; one that ended is kept, and not made again."""
    whole = [row for row in read_rows(built) if row.instruction is not None]
    rows = [row for row in whole if row.instruction and len(row.instruction.constraints) <= MOST]
    instructions = [row.instruction for row in rows if row.instruction is not None]
    pairs = [json.loads(line) for line in (built.parent / "pairs.jsonl").read_bytes().splitlines()]
    questions = {pair["response"]: pair["prompt"] for pair in pairs}
    own = list(read_instructions(project / "data" / "train.parquet"))[: len(whole)]
    inputs = [*map(digest_path, (built, project / "models" / "policy", project / "data" / "train.parquet"))]
    path = home / f"policy-{seed}-{digest([*inputs, steps, HELD_OUT, MOST])[:8]}.json"
    if path.is_file():
        known: dict[str, Any] = json.loads(path.read_text("utf-8"))
        return known
    began = time.process_time()
    figures: dict[str, Any] = {"seed": seed, "rows": len(instructions)}
    figures["start"], _ = trained(project, own, own_reward, 0, seed)
    with ExitStack() as stack:
        reward = BuiltReward(
            instructions,
            [questions[row.response or ""] for row in rows],
            stack.enter_context(Sandbox()),
        )
        for arm, items, rewards in (("own", own, own_reward), ("built", instructions, reward)):
            figures[arm], curve = trained(project, items, rewards, steps, seed)
            figures[f"{arm}_curve"] = [round(value, 3) for value in curve]
    figures["cpu_seconds"] = round(time.process_time() - began, 1)
    write_json(path, figures)
    return figures


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
            name: [round(sum(run[name]) / len(run[name]), 4) for run in runs] for name in ("start", *ARMS)
        },
    }
