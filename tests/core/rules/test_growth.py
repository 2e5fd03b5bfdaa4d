"""Everything that reads a response is linear in it: hostile texts of many shapes are doubled and the growth is fitted."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from support import growth, readers

from verif.core import rules

READERS = {**readers.RULES, **readers.LOOSE, **readers.OTHERS}
CALLS = ("compile", "search", "match", "fullmatch", "sub", "subn", "split", "findall", "finditer")
UNREAD = {
    "verif/core/answers/maths_worker.py": "code that sympy is about to run; the process has two seconds",
    "verif/data/answers/slips.py": "answers that its own generators made",
    "verif/pipeline/planning/missing.py": "lock files of this project",
    "verif/core/sandbox/faster.py": "rewrites checkers, which run in the sandbox under a deadline",
    "verif/core/sandbox/faithful.py": "sources of checkers, by classes of characters and fixed words",
    "verif/core/sandbox/hostile.py": "sources of attacks",
    "verif/training/launch.py": "metrics of the service",
    "verif/training/guard.py": "the kernel's own list of mappings",
    "verif/audit/mutations/other.py": "escaped words of the audit's own",
    "verif/registry/runs/mlflow.py": "an address of the configuration",
    "verif/evaluation/general.py": "lm-eval's task files",
    "verif/data/pin.py": "recipes",
    "verif/cluster/config.py": "names of images",
    "verif/cluster/assess.py": "messages of the cluster",
    "verif/cluster/calls.py": "messages of the cluster",
    "verif/cluster/holdup.py": "messages of the cluster",
    "verif/cluster/pod_end.py": "messages of the cluster",
    "verif/cluster/quota.py": "messages of the cluster",
    "verif/pipeline/one_stage.py": "messages of DVC",
    "verif/audit/attacks/content_free.py": "constraints, by one class of characters",
    "verif/data/world/lexicon.py": "one class of characters; read through world.topic",
    "verif/pipeline/leftovers.py": "names of folders and command lines of processes",
    "verif/core/sandbox/helpers.py": "our own sources for the sandbox",
    "verif/registry/reproduction.py": "tags of a version, each by an expression that is anchored and bounded",
    "verif/system/disclosure/content.py": "files of the project; measured in tests/system/disclosure",
    "verif/system/disclosure/masking.py": "addresses; measured in tests/system/disclosure",
    "verif/system/disclosure/patch.py": "git's own output",
    "verif/system/web.py": "one header of a server",
    "verif/training/command.py": "the recipe's own values",
    "verif/training/environment.py": "the recipe's own values",
    "verif/core/language/tables.py": "pairs of characters; read through language.detect",
}
"""Modules with regular expressions that read no text of a policy, a judge or a row, and what they read instead."""


@pytest.mark.slow
def test_every_module_with_expressions_is_measured_or_said_to_read_no_response(root: Path) -> None:
    found = set()
    for path in root.glob("verif/**/*.py"):
        if "import re\n" not in (source := path.read_text("utf-8")):
            continue
        tree = ast.parse(source)
        used = {ast.unparse(n.func) for n in ast.walk(tree) if isinstance(n, ast.Call)}
        if used & {f"re.{name}" for name in CALLS}:
            found.add(path.relative_to(root).as_posix())
    rule_modules = {path for path in found if path.startswith("verif/core/rules/")}
    unknown = found - rule_modules - set(UNREAD) - readers.MODULES
    assert not unknown, (
        f"add a reader to tests/support/readers.py, or say in UNREAD what they read: {sorted(unknown)}"
    )
    assert found >= readers.MODULES


def test_every_rule_is_measured() -> None:
    assert set(readers.RULES) == set(rules.rules())


def _fail_if_steep(names: list[str], shapes: dict[str, Callable[[int], str]], most: int) -> None:
    found = [steep for name in names for steep in growth.steep(name, READERS[name], shapes, most)]
    assert not found, "\n".join(map(str, found))


CORE = [
    "harmless", "signs", "signs, echoing", "confidence", "local:title", "world.topic", "mutations.sentences",
    "detectable_format:title", "detectable_format:number_bullet_lists", "combination:two_responses_fixed",
    "length_constraints:number_sentences_fixed", "own_sentences", "verdict", "claim", "answer_of",
]  # fmt: skip
TELLING = [name for name in growth.SHAPES if "many" in name or "'\\n'" in name or "' '" in name]


@pytest.mark.slow
def test_what_was_steep_once_is_linear() -> None:
    _fail_if_steep(CORE, {name: growth.SHAPES[name] for name in TELLING}, 4096)


@pytest.mark.slow
def test_the_measure_finds_a_quadratic_and_a_cubic_pass() -> None:
    square, cube = re.compile(r"\s+x"), re.compile(r"^\s*\s*x", re.MULTILINE)
    shapes = {"blanks": lambda n: " " * n, "newlines": lambda n: "\n" * n}
    assert growth.steep("square", square.search, shapes, 4096)
    assert growth.steep("cube", cube.search, {"few newlines": lambda n: "\n" * (n // 2)}, 1024)
    assert not growth.steep("line", re.compile(r"(?<!\s)\s+x").search, shapes, 4096)


def _distinct() -> dict[str, int]:
    """Readers and the characters that they are given: a function once, whatever ids it has; families of benchmarks less."""
    seen, most = set(), {}
    for name in READERS:
        check = rules.rules()[name].check if name in readers.RULES else name
        if check not in seen:
            seen.add(check)
            family = getattr(check, "__module__", "").count(".") > 3
            most[name] = 4_096 if family else 16_384
    return most


DISTINCT = _distinct()


@pytest.mark.slow
@pytest.mark.parametrize("name", DISTINCT)
def test_time_is_linear_in_the_text(name: str) -> None:
    _fail_if_steep([name], growth.SHAPES, DISTINCT[name])
