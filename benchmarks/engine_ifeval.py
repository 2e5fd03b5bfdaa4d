"""What IFEval's rules cost, and what verif's rules say of the published responses.

`ifeval_ms`: milliseconds of processor time per response for strict and loose verdicts of all its constraints, without
language identification (which has its own key), over the 540 published responses.
`python benchmarks/engine_ifeval.py --table` prints what each repaired rule changes (docs/measurements.md).
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections import Counter
from pathlib import Path
from unittest.mock import patch

from verif.core import language, rules
from verif.core.row_files import join
from verif.core.rows import Row
from verif.core.text import Doc
from verif.types import RuleConstraint

DATA = (
    Path(os.environ.get("VERIF_REFERENCE_DATA") or Path(__file__).parents[2] / "shared" / "data") / "ifeval"
)
REPEATS = 5


def responses() -> list[Row]:
    return list(join(DATA / "input_data.jsonl", DATA / "eval_results_strict.jsonl"))


def check_all(rows: list[Row]) -> int:
    """Both modes of every constraint of every response; a response is segmented once."""
    passed = 0
    for row in rows:
        doc = Doc(row.response or "")
        assert row.instruction is not None
        for constraint, params in zip(row.instruction.constraints, row.params, strict=True):
            assert isinstance(constraint, RuleConstraint)
            assert params is not None
            spec = rules.get(constraint.rule)
            passed += rules.check(spec, doc, params).ok + rules.check(spec, doc, params, loose=True).ok
    return passed


def measure() -> dict[str, float]:
    rows = responses()
    check_all(rows)
    spent = []
    with patch.object(language, "detect", lambda _: "en"):
        for _ in range(REPEATS):
            began = time.process_time()
            check_all(rows)
            spent.append((time.process_time() - began) / len(rows) * 1000)
    middle = sorted(spent)[REPEATS // 2]
    print(f"ifeval: {len(rows)} responses, strict and loose, language identification left out:")
    shown = ", ".join(f"{s:.3f}" for s in sorted(spent))
    print(f"ifeval: {middle:.3f} ms of processor time per response (median of {REPEATS}: {shown})")
    return {"ifeval_ms": middle}


def table() -> None:
    """How many published responses each repaired rule judges otherwise than its plain namesake."""
    changed: dict[str, Counter[str]] = {}
    for row in responses():
        doc = Doc(row.response or "")
        assert row.instruction is not None
        for constraint in row.instruction.constraints:
            assert isinstance(constraint, RuleConstraint)
            fixed = f"{constraint.rule}_fixed"
            if fixed not in rules.rules():
                continue
            params = rules.validate(constraint.rule, constraint.params)
            counts = changed.setdefault(fixed, Counter())
            for mode in (False, True):
                before, after = (
                    rules.check(rules.get(name), doc, params, loose=mode).ok
                    for name in (constraint.rule, fixed)
                )
                label = "loose" if mode else "strict"
                counts[f"{label} n"] += 1
                counts[f"{label} plain"] += before
                counts[f"{label} fixed"] += after
                counts[f"{label} changed"] += before != after
    print("| rule | responses | strict: plain | fixed | changed | loose: plain | fixed | changed |")
    print("|---|---|---|---|---|---|---|---|")
    for name in sorted(changed):
        c = changed[name]
        cells = [
            c[f"{mode} {what}"] for mode in ("strict", "loose") for what in ("plain", "fixed", "changed")
        ]
        print(f"| `{name}` | {c['strict n']} | " + " | ".join(map(str, cells)) + " |")


if __name__ == "__main__":
    table() if "--table" in sys.argv else print(json.dumps(measure()))
