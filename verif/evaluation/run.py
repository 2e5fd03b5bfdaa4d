"""From models to verdict rows: generate with each model, one server at a time, then judge."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from verif.core.verifies import Verifies
from verif.evaluation import judging
from verif.evaluation.case import REFERENCE, Benchmark, Case, Generation, VerdictRow
from verif.evaluation.generate import AnswerFile, Sampling, generate, stored
from verif.system.files import digest_tree
from verif.system.weights import positions
from verif.types import Reasoning

MAX_CONTEXT = 16384


@dataclass(frozen=True)
class Suite:
    """A benchmark with its loaded cases."""

    benchmark: Benchmark
    cases: tuple[Case, ...]


@dataclass(frozen=True)
class Model:
    """A model to evaluate: its name in the tables (before, after, control), folder, and what it is asked."""

    name: str
    folder: Path
    samplings: tuple[Sampling, ...]
    suites: tuple[Suite, ...]


Answers = dict[tuple[str, str, str], dict[str, Generation]]
"""(benchmark, model, mode) -> case id -> answer."""


def context_of(folder: Path) -> int:
    """The model's context length, at most 16,384."""
    return min(positions(folder) or 512, MAX_CONTEXT)


def answer_all(model: Model, state: Path, timings: dict[str, float], *, gpus: int = 0) -> Answers:
    """Every answer of one model; a server is started only if something is missing from the disk."""
    from verif.system.serving import check_model, serve

    check_model(model.folder)
    file = AnswerFile(state / "evaluate" / f"answers-{digest_tree(model.folder)[:16]}.jsonl")
    jobs = [(suite, sampling) for suite in model.suites for sampling in model.samplings]
    out: Answers = {}
    try:
        missing = []
        for suite, sampling in jobs:
            kept = stored(suite.cases, sampling, file)
            if kept is None:
                missing.append((suite, sampling))
            else:
                out[suite.benchmark.name, model.name, sampling.mode] = kept
        if missing:
            begun = time.monotonic()
            log = state / "logs" / f"evaluate-{model.name}.log"
            with serve(model.folder, log=log, gpus=gpus, context=context_of(model.folder), alone=True) as url:
                timings[f"serve_{model.name}"] = time.monotonic() - begun
                begun = time.monotonic()
                for suite, sampling in missing:
                    name = suite.benchmark.name
                    label = f"{name}, {model.name}, {sampling.mode}"
                    out[name, model.name, sampling.mode] = generate(
                        suite.cases, sampling, file, url=url, model="model", label=label
                    )
                timings[f"generate_{model.name}"] = time.monotonic() - begun
    finally:
        file.close()
    return out


def _here(benchmark: Benchmark, case: Case) -> Callable[..., Iterator[VerdictRow]] | None:
    """How a case is judged in this process; None if the verifier must be asked."""
    if benchmark.judging != "verifier":
        return judging.by_truth if benchmark.judging == "truth" else judging.by_rules
    return judging.by_reference if REFERENCE in case.labels else None


OpenVerifier = Callable[[], AbstractContextManager[tuple[Verifies, str]]]


def judge_all(
    suites: Sequence[Suite], answers: Answers, open_verifier: OpenVerifier, *, reasoning: Reasoning = "auto"
) -> list[VerdictRow]:
    """Verdict rows of all answers, in a fixed order. The verifier is opened once, and only if a benchmark needs it.

    `reasoning` is the recipe's: what is judged here is the same answer that the verifier judges.
    """
    rows: list[VerdictRow] = []
    waiting: list[tuple[VerdictRow, Case, Generation]] = []
    for suite in suites:
        name, cases = suite.benchmark.name, suite.cases
        for (benchmark, model, mode), generated in sorted(answers.items()):
            if benchmark != name:
                continue
            for case in cases:
                base = judging.blank(name, model, mode, case, generated[case.id])
                how = _here(suite.benchmark, case)
                if how is not None:
                    rows += how(base, case, generated[case.id], reasoning=reasoning)
                else:
                    waiting.append((base, case, generated[case.id]))
    if waiting:
        with open_verifier() as (verifier, identity):
            rows += judging.by_verifier(waiting, verifier, identity)
    return rows
