"""The path verif is compared with: `exec` per check, as VerIF's trainer does it (its imports collected into the globals).

This file is a program that is only run inside a jail (`benchmarks.jail`): no network, no writable files, no
environment, bounded memory. It reads JSON lines {"groups": [[instruction, sources, responses], ...]} and
answers with the time and the verdicts; the processes live as long as the benchmark, so starting them costs
nothing that is measured, and the clock around each batch runs inside.
"""

import ast
import json
import sys
import time
from typing import Any


def imports(source: str) -> list[str]:
    """`import x` and `from x import y` statements of a source, without their aliases (as the released code has them)."""
    lines = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            lines += [f"import {alias.name}" for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            lines += [f"from {node.module} import {alias.name}" for alias in node.names]
    return lines


def check(source: str, response: str) -> bool | None:
    """True or False; None where the released code scores 0 because something was raised."""
    shared: dict[str, Any] = {}
    own: dict[str, Any] = {"response": response}
    try:
        for statement in imports(source):
            exec(statement, shared)
        exec(source, shared, own)
        return bool(own["check_following"]("instruction", response))
    except Exception:
        return None


def main() -> None:
    """Serve batches until standard input ends."""
    for line in sys.stdin:
        groups = json.loads(line)["groups"]
        started, spent = time.perf_counter(), time.process_time()
        verdicts = [
            [[check(source, text) for source in sources] for text in texts] for _, sources, texts in groups
        ]
        seconds = time.perf_counter() - started
        answer = {"seconds": seconds, "cpu": time.process_time() - spent, "verdicts": verdicts}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
