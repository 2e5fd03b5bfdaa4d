"""`make bench-engine`: the verification engine against its peers, all ratios from one run.

The last line is one JSON object. It needs the public reference data (`VERIF_REFERENCE_DATA`, see
`tests/conftest.py`); the part that runs model-written code in plain Python for comparison needs bubblewrap.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Mapping

from benchmarks import (
    engine_front,
    engine_ifbench,
    engine_ifeval,
    engine_langid,
    engine_sandbox,
    engine_stream,
)

PARTS: dict[str, tuple[Callable[[], Mapping[str, object]], tuple[str, ...]]] = {
    "sandbox": (
        engine_sandbox.measure,
        ("checks_vs_exec", "hostile_escapes", "hostile_wrong", "hostile_time_ratio"),
    ),
    "ifeval": (engine_ifeval.measure, ("ifeval_ms",)),
    "ifbench": (engine_ifbench.measure, ("ifbench_ms", "ifbench_agree")),
    "langid": (engine_langid.measure, ("langid_vs_langdetect",)),
    "front": (engine_front.measure, ("verify_ms", "plumbing_ratio", "answer_agree", "forms_read")),
    "stream": (engine_stream.measure, ("stream_memory_ratio", "stream_rate_ratio")),
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"only these of {', '.join(PARTS)}")
    chosen = parser.parse_args().parts or list(PARTS)
    if unknown := set(chosen) - set(PARTS):
        parser.error(f"unknown part {min(unknown)!r}")
    figures: dict[str, object] = {}
    for name in chosen:
        print(f"== {name}", flush=True)
        measure, keys = PARTS[name]
        numbers = measure()
        figures |= {key: numbers[key] for key in keys}
    print(json.dumps(dict(sorted(figures.items()))))


if __name__ == "__main__":
    main()
