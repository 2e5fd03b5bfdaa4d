"""`make fuzz [SECONDS=600] [SEED=0] [FUZZ="proof rows"]`: each fuzzer for so long, one after the other.

A fuzzer is a module here with `run(seed, seconds)`: it returns what it counted, and raises an `AssertionError` that
names the input at the first fault. The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path

FUZZERS = ("proof", "engine", "verdicts", "rows", "prompts", "cache")


def runner(name: str) -> Callable[[int, float], dict[str, object]]:
    """A fuzzer's `run`, found by its file: other packages call themselves `tests` as well."""
    spec = importlib.util.spec_from_file_location(f"fuzz_{name}", Path(__file__).with_name(f"{name}.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    found: Callable[[int, float], dict[str, object]] = module.run
    return found


def main() -> int:
    """Run the chosen fuzzers; 1 if one found something."""
    parser = argparse.ArgumentParser()
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(FUZZERS))
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    found: dict[str, object] = {}
    failed = False
    for name in given.names or FUZZERS:
        print(f"fuzz {name}: {given.seconds:g} s, seed {given.seed}", flush=True)
        began = time.monotonic()
        try:
            counts = runner(name)(given.seed, given.seconds)
            found[name] = {"seconds": round(time.monotonic() - began), "faults": 0, **counts}
        except AssertionError:
            failed = True
            found[name] = {"seconds": round(time.monotonic() - began), "faults": 1}
            print(traceback.format_exc(), flush=True)
        print(f"fuzz {name}: {json.dumps(found[name])}", flush=True)
    print(json.dumps(found))
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
