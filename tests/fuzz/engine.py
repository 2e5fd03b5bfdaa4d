"""The sandbox's engine against CPython: generated regular expressions and checkers, no silent difference.

`run(seed, seconds)` goes on until the time is over; it raises AssertionError naming the input where a verdict
differs. An error where Python decides is counted (`refused`) and allowed.
"""

from __future__ import annotations

import importlib.util
import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path
from types import ModuleType

import pydantic_monty as monty

from verif.core.sandbox.faster import HELPERS
from verif.core.sandbox.sandbox import Sandbox
from verif.types import Status

_FOLDER = Path(__file__).with_name("against_python")


def _load(name: str) -> ModuleType:
    """A module beside this one, wherever this one was loaded from."""
    spec = importlib.util.spec_from_file_location(f"against_python_{name}", _FOLDER / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


patterns, checkers = _load("patterns"), _load("checkers")

_DECIDED = {Status.PASS: True, Status.FAIL: False, Status.ERROR: None}
Found = list[tuple[object, str, str]]


def compare_patterns(seed: int, count: int) -> tuple[dict[str, int], Found]:
    """Counts, and (case, Python's answer, ours) of every silent difference."""
    rng = random.Random(seed)
    ask = patterns.python_answers()
    named = "".join(
        f"re_{name} = _verif_{name}\n"
        for name in ("search", "match", "fullmatch", "findall", "finditer", "split", "sub", "subn", "compile")
    )
    counts = {"patterns": count, "answers": 0, "refused": 0}
    found: Found = []
    with monty.Monty(max_processes=1) as pool:
        for start in range(0, count, 200):
            cases = [case for _ in range(min(200, count - start)) for case in _cases(rng)]
            ours = _engine_answers(pool, named, cases)
            for case, our in zip(cases, ours, strict=True):
                python = ask(*case)
                counts["answers"] += 1
                counts["refused"] += our[:1] == "!" and python[:1] != "!"
                if patterns.silently_different(our, python):
                    found.append((case, python, our))
    return counts, found


def _engine_answers(pool: monty.Monty, named: str, cases: list[tuple[int, str, str, int, str]]) -> list[str]:
    """One answer a case; a case that ends its worker is an error of its own, found by halving."""
    try:
        with pool.checkout(limits={"max_memory": 1 << 30, "max_recursion_depth": 300}) as session:
            session.feed_run(HELPERS + patterns.ASK + named)
            answers: list[str] = session.feed_run("[_ask(*case) for case in cases]", inputs={"cases": cases})
            return answers
    except monty.MontyError as error:
        if len(cases) == 1:
            return [f"!RuntimeError: _verif: {error}"]
        middle = len(cases) // 2
        return _engine_answers(pool, named, cases[:middle]) + _engine_answers(pool, named, cases[middle:])


def _cases(rng: random.Random) -> list[tuple[int, str, str, int, str]]:
    pattern, flags, replacement = (
        patterns.pattern(rng),
        rng.choice(patterns.FLAGS),
        rng.choice(patterns.REPLACEMENTS),
    )
    return [
        (kind, pattern, text, flags, replacement)
        for text in (patterns.text(rng), patterns.text(rng))
        for kind in rng.sample(range(patterns.KINDS), 2)
    ]


def python_verdicts(asked: list[tuple[str, list[str]]], hash_seed: int) -> list[list[object]]:
    """What CPython says, in a process of its own."""
    program = _FOLDER / "plain.py"
    done = subprocess.run(
        [sys.executable, str(program)],
        input=json.dumps(asked), capture_output=True, text=True, timeout=300, check=True,
        env={**os.environ, "PYTHONHASHSEED": str(hash_seed)},
    )  # fmt: skip
    answer: list[list[object]] = json.loads(done.stdout)
    return answer


def compare_checkers(
    sandbox: Sandbox, sources: list[str], seed: int, texts: int = 6
) -> tuple[dict[str, int], Found]:
    """Counts, and (source and response, Python's verdict, ours) of every silent difference."""
    rng = random.Random(seed)
    asked = [
        (source, rng.sample(checkers.RESPONSES, min(texts, len(checkers.RESPONSES)))) for source in sources
    ]
    python, again = python_verdicts(asked, 1), python_verdicts(asked, 2)
    counts = {"checkers": len(sources), "verdicts": 0, "refused": 0, "undecided by Python": 0}
    found: Found = []
    for (source, responses), row, other in zip(asked, python, again, strict=True):
        ours = sandbox.check_group("Write.", [source], responses)
        for response, cell, first, second in zip(responses, ours, row, other, strict=True):
            our = _DECIDED[cell[0].status]
            counts["verdicts"] += 1
            if first != second or first == "late":
                counts["undecided by Python"] += 1
            elif our is None:
                counts["refused"] += first is not None
            elif our is not first:
                found.append(((source, response), repr(first), repr(our)))
    return counts, found


def make_checkers(seed: int, count: int) -> list[str]:
    """Sources of random checkers."""
    rng = random.Random(seed)
    return [checkers.checker(rng, patterns.IDIOMS, patterns.pattern) for _ in range(count)]


def run(seed: int, seconds: float) -> dict[str, int]:
    """Compare until the time is over; the counts."""
    ends = time.monotonic() + seconds
    total: dict[str, int] = {}
    with Sandbox(workers=1) as sandbox:
        while time.monotonic() < ends:
            sources = make_checkers(seed, 150)
            for counts, found in (compare_patterns(seed, 400), compare_checkers(sandbox, sources, seed)):
                assert not found, f"seed {seed}: {found[0]}"
                total = {key: total.get(key, 0) + counts.get(key, 0) for key in total | counts}
            seed += 1
    return total
