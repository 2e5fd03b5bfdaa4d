"""The code that verdicts come from, by digest: versions that people raise by hand are forgotten.

A part's digest goes into the verifier's parts, and so into the identity that training depends on and into the keys of
the verdict cache. A changed comment changes it too: telling it from a changed rule would be guessing. What only
carries, stores or waits (`CARRIES`) is left out; a test refuses a module that is in neither list.
"""

from __future__ import annotations

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
                "plan.py", "reward.py", "starting.py", "verifier.py"),
}  # fmt: skip
"""Part to its files and folders in this package; of folders all files count, tables and prompts too."""
CARRIES = (
    "__init__.py", "activate.py", "arriving.py", "asked.py", "cache.py", "cache_key.py", "cache_store.py", "deciding.py",
    "failures.py",
    "instruction_files.py",
    "row_files.py", "rows.py", "score.py", "verifies.py", "judge/__init__.py", "judge/endpoint.py", "judge/limit.py",
)  # fmt: skip
"""What changes no verdict of a question that was asked."""


@cache
def code_digest(part: str) -> str:
    """Digest of a part's files, by place and content; read once per process."""
    return code_below(CORE, DECIDES[part])


def code_below(folder: Path, places: tuple[str, ...]) -> str:
    """As `code_digest`, of any folder; what the interpreter keeps beside its modules is left out."""
    found = []
    for place in places:
        path = folder / place
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file.is_file() and "__pycache__" not in file.parts:
                content = hashlib.sha256(file.read_bytes()).hexdigest()
                found.append([file.relative_to(folder).as_posix(), content])
    return digest(found)
