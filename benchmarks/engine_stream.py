"""Does `verif score` stream? Memory and speed at a million rows against ten thousand.

Every run is a process of its own that does what `verif score FILE --out OUT` does. Rows are made here: twenty
prompts with two to four rules, responses of 5 to 60 words. Speed is rows per second of processor time in the
scoring loop; the elapsed time is printed beside it.
"""

from __future__ import annotations

import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

SMALL, LARGE = 10_000, 1_000_000
_WORDS = "river stone lamp quiet garden window seven travel music bread winter letter harbour green paper cloud".split()  # noqa: SIM905
_RULES: tuple[tuple[str, dict[str, Any]], ...] = (
    ("punctuation:no_comma", {}),
    ("length_constraints:number_words", {"num_words": 20, "relation": "at least"}),
    ("keywords:existence", {"keywords": ["river", "lamp"]}),
    ("keywords:forbidden_words", {"forbidden_words": ["stone"]}),
    ("length_constraints:number_sentences", {"num_sentences": 3, "relation": "less than"}),
    ("change_case:capital_word_frequency", {"capital_frequency": 2, "capital_relation": "at least"}),
    ("startend:end_checker", {"end_phrase": "the end."}),
    ("detectable_format:title", {}),
)


def write_rows(path: Path, rows: int) -> None:
    rng = random.Random(5)
    prompts = [(f"Prompt {i}.", rng.sample(_RULES, rng.randint(2, 4))) for i in range(20)]
    bodies = [" ".join(rng.choices(_WORDS, k=rng.randint(5, 60))).capitalize() + "." for _ in range(500)]
    heads = [
        json.dumps(
            {
                "key": i,
                "prompt": p,
                "instruction_id_list": [r for r, _ in chosen],
                "kwargs": [k for _, k in chosen],
            }
        )
        for i, (p, chosen) in enumerate(prompts)
    ]
    with path.open("w") as stream:
        for number in range(rows):
            body = f"{number} {rng.choice(bodies)}"
            stream.write(f'{rng.choice(heads)[:-1]}, "response": {json.dumps(body)}}}\n')


def child(path: str, out: str) -> None:
    """One run: print rows, processor seconds, elapsed seconds, peak memory in KiB."""
    from verif.core import score
    from verif.core.row_files import read_rows
    from verif.core.summary import Summary
    from verif.system.files import new_file

    summary = Summary()
    with new_file(Path(out)) as target:
        began, processor = time.perf_counter(), time.process_time()
        for item in score.score(score.scorable(read_rows(path))):
            summary.add(item)
            target.write(score.line(item))
        took, spent = time.perf_counter() - began, time.process_time() - processor
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(json.dumps({"rows": summary.rows, "processor_s": spent, "elapsed_s": took, "peak_kib": peak}))


def start(path: Path, name: str) -> subprocess.Popen[str]:
    command = [sys.executable, __file__, "--child", str(path), str(path.with_name(name))]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def finish(process: subprocess.Popen[str]) -> dict[str, float]:
    text, _ = process.communicate()
    if process.returncode:
        raise SystemExit(f"a run ended with {process.returncode}")
    result: dict[str, float] = json.loads(text)
    return result


def measure(large: int = LARGE) -> dict[str, float]:
    """Small runs are repeated for as long as the large one takes, so that both meet the same machine."""
    with tempfile.TemporaryDirectory() as folder:
        paths = {rows: Path(folder) / f"{rows}.jsonl" for rows in (SMALL, large)}
        for rows, path in paths.items():
            write_rows(path, rows)
        big_run = start(paths[large], "large.out")
        small: list[dict[str, float]] = []
        while big_run.poll() is None or not small:
            small.append(finish(start(paths[SMALL], "small.out")))
        big = finish(big_run)
    spent = sum(r["processor_s"] for r in small) / len(small)
    took = sum(r["elapsed_s"] for r in small) / len(small)
    for name, rows, processor, elapsed, peak in (
        (f"{len(small)} runs of {SMALL} rows", SMALL, spent, took, max(r["peak_kib"] for r in small)),
        (f"{large} rows", large, big["processor_s"], big["elapsed_s"], big["peak_kib"]),
    ):
        speeds = f"{rows / processor:.0f} rows per processor second, {rows / elapsed:.0f} per second"
        print(f"stream: {name}: {speeds}, peak {peak / 1024:.0f} MB")
    return {
        "stream_memory_ratio": big["peak_kib"] / max(r["peak_kib"] for r in small),
        "stream_rate_ratio": (large / big["processor_s"]) / (SMALL / spent),
    }


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        child(sys.argv[2], sys.argv[3])
    else:
        print(json.dumps(measure(int(sys.argv[1]) if len(sys.argv) > 1 else LARGE)))
