"""Fuzzing of what reads files of rows: whatever bytes they hold, rows come out or one of verif's own errors.

`run(seed, seconds)` writes damaged rows of every form, JSON lines, CSV, parquet and gzip among them, and reads them
through every reader. Nothing is run and nothing is judged.
"""

from __future__ import annotations

import copy
import gzip
import json
import random
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

from verif.core.instruction_files import read_instructions
from verif.core.row_files import join, read_rows
from verif.core.rows import Row
from verif.core.score import line, scorable, score
from verif.data.labelled import read_labelled
from verif.data.screening import claims
from verif.data.tables import read_judge_pairs, read_policy_pairs
from verif.errors import VerifError
from verif.evaluation.benchmarks import conversations, followbench, ifeval, rows, world

Reader = Callable[[Path], object]
HUGE = "a number of 5,000 digits"
CHECK = "def check_following(instruction, response):\n    return True\n"
OWN = {
    "id": "1", "prompt": "p", "system": "", "meta": {"families": ["a"]},
    "constraints": [
        {"kind": "rule", "text": "t", "rule": "keywords:existence", "params": {"keywords": ["a", "b"]}},
        {"kind": "soft", "text": "t", "dimension": "tone"},
        {"kind": "checker", "text": "Use at least 50 words.", "source": CHECK},
    ],
}  # fmt: skip
SEEDS: tuple[dict[str, Any], ...] = (
    {"key": 1, "prompt": "p", "response": "r", "instruction_id_list": ["punctuation:no_comma", "keywords:frequency"],
     "kwargs": [{}, {"keyword": "a", "frequency": 2, "relation": "at least"}]},
    {"id": 2, "prompt": "p", "response": "r", "functions": [CHECK, ""],
     "checkers": ["[rule] A: Use at least 50 words.", "[llm] B: t"]},
    {**OWN, "response": "r"}, {"instruction": OWN, "response": "r", "truth": [True, None, False]},
    {"prompt": [{"role": "user", "content": "p"}], "response": "r", "extra_info": {"id": "7"},
     "reward_model": {"style": "verif", "ground_truth": json.dumps(OWN)}},
    {"prompt": "p", "response": "r"},
    {"example_id": 1, "category": "c", "source": "E2E", "level": 1, "instruction": "i", "target": "t"},
    {"system_id": 1, "prompt_id": 1, "messages": [{"role": "user", "content": "a"}], "criteria": "c", "prompt": "p"},
)  # fmt: skip
JUNK: tuple[Any, ...] = (
    None, True, 0, -1, 2**63, 10**4000, HUGE, 1.5, float("nan"), float("inf"), "", "\ud800", "\x00", "[/b]",
    "a" * 5000, "a?" * 60 + "b", "(", "5" * 5000,
    "1,000,000,000 words at least", [], [[]], {}, {"a": {}}, ["a"] * 2000, [None], "[" * 2000, {"kind": "rule"},
    "punctuation:no_comma",
    "local:words", [{"role": "user", "content": None}], "{", b"\xff".decode("latin-1"), {"keywords": ["a" * 3000]},
)  # fmt: skip
READERS: dict[str, Reader] = {
    "read_rows": lambda path: list(read_rows(path)),
    "read_rows, skipping": lambda path: list(read_rows(path, lambda error: None)),
    "score": lambda path: [line(s) for s in score(scorable(read_rows(path, _pass), _pass))],
    "claims": lambda path: [_claims(row) for row in read_rows(path, _pass)],
    "join": lambda path: list(join(path, path, _pass)),
    "read_labelled": read_labelled,
    "read_instructions": read_instructions,
    "read_policy_pairs": read_policy_pairs,
    "read_judge_pairs": read_judge_pairs,
    "benchmark rows": lambda path: list(rows.read_rows(path)),
    "ifeval": ifeval.load,
    "multi-if": ifeval.load_multi_if,
    "followbench": followbench.load,
    "sysbench": conversations.load_sysbench,
    "cfbench": conversations.load_cfbench,
    "held back": world.load_split,
}  # fmt: skip
STARTS = (
    b"",
    b"\xff\xfe",
    b"\xef\xbb\xbf",
    b"\x1f\x8b",
    b"[" * 50_000,
    b'{"a":' * 20_000,
    b"PAR1",
    b"\x00\n",
)
NAMES = ("r.jsonl", "r.json", "r.csv", "r.parquet", "r.jsonl.gz", "c_constraints.json")


def _pass(error: object) -> None:
    """A bad row is skipped."""


def _claims(row: Row) -> object:
    return row.instruction and [claims.read(constraint.text) for constraint in row.instruction.constraints]


def damaged(rng: random.Random, value: Any, depth: int = 0) -> Any:
    """The value with some parts of it replaced, dropped or doubled."""
    if rng.random() < 0.12:
        return copy.deepcopy(rng.choice(JUNK))
    if isinstance(value, dict):
        out = {k: damaged(rng, v, depth + 1) for k, v in value.items() if rng.random() > 0.04}
        if rng.random() < 0.05:
            out[rng.choice(("\ud800", "", "constraints", "kwargs", "x" * 300))] = copy.deepcopy(
                rng.choice(JUNK)
            )
        return out
    if isinstance(value, list):
        out_list = [damaged(rng, v, depth + 1) for v in value]
        return out_list * 2 if rng.random() < 0.05 else out_list
    return value


def content(rng: random.Random, name: str) -> bytes:
    """The bytes of one file: rows of one or several forms, damaged as values, then as bytes."""
    some = [damaged(rng, copy.deepcopy(rng.choice(SEEDS))) for _ in range(rng.randrange(1, 5))]
    if name.endswith(".json"):
        data = json.dumps(some).encode()
    elif name.endswith(".csv"):
        keys = list(rng.choice(SEEDS))
        cells = [[json.dumps(row.get(key)) if isinstance(row, dict) else "" for key in keys] for row in some]
        data = "\n".join(
            ",".join('"' + c.replace('"', '""') + '"' for c in row) for row in [keys, *cells]
        ).encode()
    elif name.endswith(".parquet"):
        data = _parquet(rng)
    else:
        data = b"\n".join(
            json.dumps(row, ensure_ascii=rng.random() < 0.8).encode("utf-8", "surrogatepass") for row in some
        )
    data = data.replace(json.dumps(HUGE).encode(), b"9" * 5000)
    if rng.random() < 0.3:
        spoilt = bytearray(data)
        for _ in range(rng.randrange(1, 6)):
            if spoilt:
                spoilt[rng.randrange(len(spoilt))] = rng.randrange(256)
        data = bytes(spoilt)
    if rng.random() < 0.1:
        data = data[: rng.randrange(len(data) + 1)]
    if rng.random() < 0.05:
        data = rng.choice(STARTS) + data
    if name.endswith(".gz") or rng.random() < 0.05:
        data = gzip.compress(data, 1)
        data = data if rng.random() < 0.7 else data[: rng.randrange(len(data))]
    return data


def _parquet(rng: random.Random) -> bytes:
    import io

    import pyarrow as pa
    import pyarrow.parquet as pq

    seed = rng.choice(SEEDS)
    columns = {key: [json.dumps(damaged(rng, value)) for _ in range(3)] for key, value in seed.items()}
    if "reward_model" in seed:
        columns["reward_model"] = [
            {"ground_truth": json.dumps(damaged(rng, copy.deepcopy(OWN)))} for _ in range(3)
        ]  # type: ignore[misc]
    out = io.BytesIO()
    pq.write_table(pa.table(columns), out)
    return out.getvalue()


def run(seed: int, seconds: float) -> dict[str, Any]:
    """Fuzz for that long; the same seed makes the same files in the same order."""
    rng, ends = random.Random(seed), time.monotonic() + seconds
    runs, refused, failures = 0, 0, list[str]()
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        while time.monotonic() < ends and len(failures) < 10:
            path = Path(folder) / rng.choice(NAMES)
            data = content(rng, path.name)
            path.write_bytes(data)
            for name, read in READERS.items():
                started = time.process_time()
                try:
                    read(path)
                except VerifError as error:
                    refused += 1
                    if len(str(error)) > 20_000:
                        failures.append(f"{name} says {len(str(error))} characters of {data[:300]!r}")
                except Exception as error:
                    failures.append(
                        f"{name}: {type(error).__name__}: {str(error)[:200]} at {_where(error)} of {data[:600]!r}"
                    )
                if time.process_time() - started > 5:
                    failures.append(f"{name} took {time.process_time() - started:.1f} s for {data[:300]!r}")
                runs += 1
    return {"fuzzer": "rows", "seed": seed, "runs": runs, "refused": refused, "failures": failures}


def _where(error: BaseException) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace else "?"
