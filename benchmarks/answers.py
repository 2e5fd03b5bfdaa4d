"""`make bench-answers`: right answers that rules miss, attacks, hostile expressions, and the time of a comparison.

HardVerify-Math (`uw-nsl/TinyV`, MIT) is read where it lies; nothing is trained or chosen on it. The last line is one JSON
object: `rule_recall`, `rule_false`, `hybrid_recall`, `hybrid_false`, `attack_worst`, `hostile_over_deadline`,
`hostile_errors`, `per_answer_ms`. What was measured with this code is kept, so that an interrupted run goes on.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.answers_hostile import HostileReport
from benchmarks.answers_hostile import run as run_hostile
from verif import build
from verif.audit.answers.asking import AnswerCase, Compared, compare
from verif.audit.answers.attacks import FAMILIES, Posed
from verif.audit.answers.measure import attacked, drawn
from verif.core.answer import Answer
from verif.core.answers.maths import Worker
from verif.core.answers.reference import reference_verdict
from verif.core.deciding import code_below
from verif.errors import InputError
from verif.stats import Interval, bootstrap_mean, proportion
from verif.system.files import write_json
from verif.types import Comparison, ReferenceConstraint

DATA = Path(__file__).resolve().parents[2] / "shared" / "data" / "answers" / "HardVerify-Math.json"
ROOT = Path(__file__).resolve().parents[1]
HOME = ROOT / ".verif" / "answers-bench"
CODE = (
    "benchmarks/answers.py",
    "benchmarks/answers_hostile.py",
    "verif/audit/answers",
    "verif/core",
    "verif/data/answers",
)
CHUNK = 1_000
"""Hostile expressions that are measured, and kept, together."""
TIMED = 600
COMPARED: dict[str, Comparison] = {
    "number": "number", "fraction": "number", "decimal": "number", "unit": "number", "name": "text", "set": "set",
}  # fmt: skip
"""How a row of each form would be compared; all others as mathematics."""


def hard(path: Path) -> tuple[list[AnswerCase], list[Posed]]:
    """HardVerify's rows: a right and a wrong answer to each question, and what attacks start from."""
    if not path.is_file():
        raise InputError(f"{path} does not exist", hint="benchmarks/HardVerify-Math.json of uw-nsl/TinyV.")
    cases, asked = [], []
    for row in json.loads(path.read_bytes()):
        question, reference = row["question"], row["ground_truth"]
        for key, right in (("fn_output", True), ("tn_output", False)):
            cases.append(AnswerCase("hard", question, reference, f"The answer is {row[key]}", right))
        asked.append(Posed(question, reference, row["tn_output"]))
    return cases, asked


def compared(cases: Sequence[AnswerCase]) -> list[Compared]:
    """By rules and the built-in model."""

    async def all_of_them() -> list[Compared]:
        verifier = build({"reference": {"model": "features"}}, cache=False)
        try:
            return await compare(verifier, cases, judged=False)
        finally:
            await verifier.close()

    return asyncio.run(all_of_them())


def bootstrapped(rows: Sequence[Compared], opinion: str, *, right: bool) -> Interval:
    """The share accepted, with its interval over questions."""
    chosen = [row for row in rows if row.case.right is right]
    return bootstrap_mean(
        [float(getattr(row, opinion) is True) for row in chosen], [row.case.question for row in chosen]
    )


def gain(rows: Sequence[Compared], *, right: bool) -> Interval:
    """What the model adds to the rules, paired over questions."""
    chosen = [row for row in rows if row.case.right is right]
    return bootstrap_mean(
        [float(row.verifier is True) - float(row.rules is True) for row in chosen],
        [row.case.question for row in chosen],
    )


def milliseconds() -> float:
    """Median time of one comparison by the rules, each form compared as its kind would be in a row."""
    worker, took = Worker(), []
    for case in drawn("timing", TIMED):
        constraint = ReferenceConstraint(
            text="Answer.", answer=case.reference, compare=COMPARED.get(case.group, "math")
        )
        began = time.perf_counter()
        reference_verdict(constraint, 0, Answer(case.response), worker)
        took.append(time.perf_counter() - began)
    worker.close()
    return round(statistics.median(took) * 1e3, 3)


def main() -> None:
    """All parts, or those that are named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--parts", default="hard,attacks,hostile,time")
    parser.add_argument("--per-family", type=int, default=500)
    parser.add_argument("--hostile", type=int, default=10_000)
    options = parser.parse_args()
    parts = options.parts.split(",")
    out: dict[str, Any] = {}
    cases, asked = hard(options.data)
    if "hard" in parts:
        out |= _hard(compared(cases))
    if "attacks" in parts:
        out |= _attacks(asked, options.per_family)
    if "hostile" in parts:
        out |= _hostile(options.hostile)
    if "time" in parts:
        out["per_answer_ms"] = milliseconds()
    print(json.dumps(out))


def kept(name: str, measure: Callable[[], Any]) -> Any:
    """What was measured under this name with this code; else it is measured now and kept."""
    path = HOME / f"{name}-{code_below(ROOT, CODE)[:12]}.json"
    if not path.is_file():
        began = time.perf_counter()
        write_json(path, measure())
        print(f"{name}: {time.perf_counter() - began:.0f} s", flush=True)
    return json.loads(path.read_bytes())


def _hard(rows: Sequence[Compared]) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for name, opinion in (("rule", "rules"), ("hybrid", "verifier")):
        for key, right in (("recall", True), ("false", False)):
            share = bootstrapped(rows, opinion, right=right)
            print(f"HardVerify-Math, {name}, {key}: {share}")
            out[f"{name}_{key}"] = round(share.value, 4)
    print(f"the model adds to recall {gain(rows, right=True)}, to false accepts {gain(rows, right=False)}")
    return out


def _attacks(asked: Sequence[Posed], per_family: int) -> dict[str, Any]:
    """Each family through the whole path: what the rules said of it, and what came out."""
    cases = attacked("bench", per_family, asked)
    worst = 0.0
    for name in FAMILIES:
        group = [case for case in cases if case.group == name]

        def measure(group: Sequence[AnswerCase] = group) -> dict[str, int]:
            rows = compared(group)
            return {
                "rules": sum(row.rules is True for row in rows),
                "hybrid": sum(row.verifier is True for row in rows),
                "undecided": sum(row.verifier is None for row in rows),
                "n": len(rows),
            }

        said = kept(f"attack-{name}-{per_family}", measure)
        by_rules, by_both = (proportion(said[opinion], said["n"]) for opinion in ("rules", "hybrid"))
        print(f"attack {name}: rules {by_rules}; hybrid {by_both}; errors {said['undecided']}")
        worst = max(worst, by_both.value)
    return {"attack_worst": round(worst, 4)}


def _hostile(count: int) -> dict[str, Any]:
    """Chunk by chunk, each with a seed of its own."""
    reports = []
    for seed, start in enumerate(range(0, count, CHUNK)):
        size = min(CHUNK, count - start)

        def measure(size: int = size, seed: int = seed) -> dict[str, Any]:
            return asdict(run_hostile(size, seed))

        told = kept(f"hostile-{seed}-{size}", measure)
        reports.append(HostileReport(**told))
    print(
        f"hostile expressions: {sum(r.n for r in reports)}, the longest {max(r.longest_s for r in reports)} s of "
        f"processor time, memory grew by at most {max(r.grown_mb for r in reports)} MB in {CHUNK}"
    )
    return {
        "hostile_over_deadline": sum(r.over_deadline for r in reports),
        "hostile_errors": sum(r.errors for r in reports),
    }


if __name__ == "__main__":
    main()
