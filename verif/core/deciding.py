"""The code that verdicts come from, by digest: versions that people raise by hand are forgotten.

A part's digest goes into the verifier's parts, and so into the identity that training depends on and into the keys of
the verdict cache. A changed comment changes it too: telling it from a changed rule would be guessing. What only
carries, stores or waits (`CARRIES`) is left out; a test refuses a module that is in neither list.
"""

from __future__ import annotations

import ast
import hashlib
from functools import cache
from pathlib import Path

from verif.system.files import digest

CORE = Path(__file__).parent
DECIDES = {
    "rules": ("rules", "text.py", "segment.py", "language"),
    "sandbox": ("sandbox",),
    "answers": ("answers",),
    "judge": (
        "judge/cascade.py", "judge/client.py", "judge/judge.py", "judge/markup.py", "judge/prompt.py",
        "judge/prompts", "judge/reply.py", "judge/verdict.py",
    ),
    "joining": ("answer.py", "checks.py", "finishing.py", "once.py", "parts.py",
                "plan.py", "reasoning.py", "reward.py", "starting.py", "verifier.py"),
}  # fmt: skip
"""Part to its files and folders in this package; of folders all files count, tables and prompts too."""
_RULES = "verif.core.rules"
CARRIES = (
    "__init__.py", "activate.py", "arriving.py", "asked.py", "cache.py", "cache_key.py", "cache_store.py", "containers",
    "deciding.py", "describing.py", "failures.py", "forms", "instruction_files.py", "summary.py",
    "row_files.py", "rows.py", "score.py", "verifies.py", "judge/__init__.py", "judge/endpoint.py", "judge/limit.py",
    "judge/pair.py", "judge/pair_prompts",
)  # fmt: skip
"""What changes no verdict of a question that was asked."""


@cache
def code_digest(part: str) -> str:
    """Digest of a part's files, by place and content; read once per process."""
    return code_below(CORE, DECIDES[part])


@cache
def rules_digest(modules: tuple[str, ...]) -> str:
    """As `code_digest("rules")`, for the rules of some modules: these, what they import beside them, and what all work on."""
    todo, reached = [_RULES, *modules], set[Path]()
    while todo:
        path = _file_of(todo.pop())
        if path is not None and path not in reached:
            reached.add(path)
            imports = [
                node for node in ast.walk(ast.parse(path.read_bytes())) if isinstance(node, ast.ImportFrom)
            ]
            todo += [str(node.module) for node in imports]
            todo += [f"{node.module}.{alias.name}" for node in imports for alias in node.names]
    _, *shared = DECIDES["rules"]
    return code_below(CORE, (*sorted(path.relative_to(CORE).as_posix() for path in reached), *shared))


def _file_of(module: str) -> Path | None:
    """The file of a module of rules; None for any other name."""
    if module != _RULES and not module.startswith(f"{_RULES}."):
        return None
    base = CORE.joinpath("rules", *module.removeprefix(_RULES).split(".")[1:])
    return next((path for path in (base.with_suffix(".py"), base / "__init__.py") if path.is_file()), None)


def code_below(folder: Path, places: tuple[str, ...]) -> str:
    """As `code_digest`, of any folder; what the interpreter keeps beside its modules is left out."""
    contents = []
    for place in places:
        path = folder / place
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file.is_file() and "__pycache__" not in file.parts:
                content = hashlib.sha256(file.read_bytes()).hexdigest()
                contents.append([file.relative_to(folder).as_posix(), content])
    return digest(contents)
