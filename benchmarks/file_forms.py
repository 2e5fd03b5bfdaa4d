"""Every form and container that verif reads, written out with the same question and responses: rows of our own."""

from __future__ import annotations

import bz2
import csv
import gzip
import json
import lzma
from collections.abc import Callable
from pathlib import Path
from typing import Any

Row = dict[str, Any]

PROMPT, SYSTEM = "Describe the old harbour in two words. Use no commas.", "You are brief."
IDS = ["punctuation:no_comma", "length_constraints:number_words"]
KWARGS: list[Row] = [{}, {"num_words": 2, "relation": "at least"}]
RESPONSES = ("Quiet water", "Boats, gulls", "Fog", "")
"""Followed, commas, one word, nothing."""
FOLLOWED = (True, False, False, False)
USER = {"role": "user", "content": PROMPT}
LISTS: Row = {"instruction_id_list": IDS, "kwargs": KWARGS}
OWN: Row = {
    "id": "1", "prompt": PROMPT, "system": SYSTEM,
    "constraints": [{"kind": "rule", "text": n, "rule": n, "params": k} for n, k in zip(IDS, KWARGS, strict=True)],
}  # fmt: skip


def _reply(text: str) -> list[Row]:
    return [{"role": "assistant", "content": text}]


def _served(text: str) -> Row:
    thought = {"type": "reasoning", "summary": []}
    said = {"type": "message", "content": [{"type": "output_text", "text": text}]}
    return {"output": [thought, said], "status": "completed"}


MULTI = str([{"instruction_id": IDS, "kwargs": [None, KWARGS[1]]}])
FORMS: dict[str, Callable[[str], Row]] = {
    "IFEval": lambda said: {"key": 1, "prompt": PROMPT, **LISTS, "response": said},
    "IFEval, kwargs as JSON": lambda said: {"key": 1, "prompt": PROMPT, **LISTS, "kwargs": json.dumps(KWARGS), "response": said},
    "IFEval, kwargs as JSON texts": lambda said: {
        "key": 1, "prompt": PROMPT, **LISTS, "kwargs": [json.dumps(k) for k in KWARGS], "response": said,
    },
    "IFBench": lambda said: {
        "key": "1", "prompt": PROMPT, "instruction_id_list": IDS,
        "kwargs": [{"num_words": None, "relation": None}, KWARGS[1]], "response": said,
    },
    "completion": lambda said: {"key": 1, "prompt": PROMPT, **LISTS, "completion": said},
    "output": lambda said: {"key": 1, "prompt": PROMPT, **LISTS, "output": said},
    "generated_text": lambda said: {"key": 1, "prompt": PROMPT, **LISTS, "generated_text": [{"generated_text": said}]},
    "lm-eval samples": lambda said: {
        "doc_id": 0, "doc": {"key": 1, "prompt": PROMPT, **LISTS}, "target": 0, "arguments": [[PROMPT, {}]],
        "resps": [[said]], "filtered_resps": [said], "filter": "none", "prompt_level_strict_acc": True,
    },
    "NeMo Gym rollouts": lambda said: {
        "id": 1, **LISTS, "prompt": PROMPT, "grading_mode": "binary", "responses_create_params": {"input": [USER], "tools": []},
        "response": _served(said), "reward": 1.0,
    },
    "IF-RLVR": lambda said: {
        "key": "1", "messages": [USER], "ground_truth": MULTI, "dataset": ["ifeval"], "constraint_type": "multi",
        "constraint": "No commas, two words.", "response": said,
    },
    "TRL": lambda said: {"prompt": [{"role": "system", "content": SYSTEM}, USER], "completion": _reply(said), **LISTS},
    "verifiers": lambda said: {
        "prompt": [USER], "completion": _reply(said), "answer": "", "task": "if", "info": {"id": "1", **LISTS}, "reward": 0.5,
    },
    "veRL": lambda said: {
        "data_source": "x", "prompt": [{"role": "system", "content": SYSTEM}, USER], "ability": "if",
        "reward_model": {"style": "rule", "ground_truth": json.dumps(LISTS)}, "extra_info": {"index": 1}, "response": said,
    },
    "veRL rollouts": lambda said: {
        "input": f"user\n{PROMPT}\nassistant\n", "output": said, "gts": json.dumps(OWN), "score": 0.5, "step": 3,
    },
    "Multi-IF": lambda said: {
        "key": "1:en", "language": "English", "turn_1_prompt": json.dumps(USER),
        "turn_1_instruction_id_list": json.dumps(IDS[:1]),
        "turn_1_kwargs": json.dumps([json.dumps({})]), "turn_1_response": said if len(said.split()) != 1 else "a, b",
    },
    "own": lambda said: {"instruction": OWN, "response": said},
    "own, bare": lambda said: {**OWN, "response": said},
    "a conversation": lambda said: {"key": 1, "messages": [USER, *_reply(said)], **LISTS},
}  # fmt: skip
"""Form by name: the row of one response."""
RLVR_IFEVAL: Row = {
    "messages": [USER], "dataset": "ifeval", "constraint_type": "No Commas", "constraint": "Use no commas.",
    "ground_truth": json.dumps({"func_name": "validate_no_commas", "N": None, "quantifier": None, "keyword_list": None}),
}  # fmt: skip
PAIRS: dict[str, Row] = {
    "tulu-3 preferences": {
        "id": "1", "prompt": PROMPT, "constraints": ["a", "b"], "chosen": [USER, *_reply("Quiet water")],
        "rejected": [USER, *_reply("Boats, gulls")],
    },
    "RewardBench": {"id": 1, "prompt": PROMPT, "chosen": "Quiet water", "rejected": "Boats, gulls", "subset": "if"},
    "RewardBench 2": {"id": "1", "prompt": PROMPT, "chosen": ["Quiet water"], "rejected": ["a, b", "c, d"], "subset": "if"},
    "IFBench-RM": {"id": 1, "text_chosen": [USER, *_reply("Quiet water")], "text_rejected": [USER, *_reply("a, b")]},
}  # fmt: skip
"""Forms of preference pairs."""


def _lines(rows: list[Row]) -> bytes:
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def _zstd(content: bytes) -> bytes:
    import pyarrow as pa

    return pa.compress(content, codec="zstd", asbytes=True)  # type: ignore[no-any-return]


def _parquet(path: Path, rows: list[Row]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.Table.from_pylist(rows), path)


def _arrow(path: Path, rows: list[Row], stream: bool) -> None:
    import pyarrow as pa

    table = pa.Table.from_pylist(rows)
    with (pa.ipc.new_stream if stream else pa.ipc.new_file)(str(path), table.schema) as writer:
        writer.write_table(table)


def _csv(path: Path, rows: list[Row]) -> None:
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        for row in rows:
            writer.writerow({k: v if isinstance(v, str | int) else json.dumps(v) for k, v in row.items()})


def _folder(path: Path, rows: list[Row]) -> None:
    path.mkdir()
    for number, row in enumerate(rows):
        _arrow(path / f"data-{number:05d}-of-{len(rows):05d}.arrow", [row], True)
    (path / "dataset_info.json").write_text("{}")
    (path / "state.json").write_text("{}")


CONTAINERS: dict[str, Callable[[Path, list[Row]], Any]] = {
    "rows.jsonl": lambda path, rows: path.write_bytes(_lines(rows)),
    "rows.json": lambda path, rows: path.write_text(json.dumps(rows, indent=1)),
    "rows.csv": _csv,
    "rows.parquet": _parquet,
    "rows.arrow": lambda path, rows: _arrow(path, rows, True),
    "rows.feather": lambda path, rows: _arrow(path, rows, False),
    "shards": _folder,
    "rows.jsonl.gz": lambda path, rows: path.write_bytes(gzip.compress(_lines(rows))),
    "rows.jsonl.bz2": lambda path, rows: path.write_bytes(bz2.compress(_lines(rows))),
    "rows.jsonl.xz": lambda path, rows: path.write_bytes(lzma.compress(_lines(rows))),
    "rows.jsonl.zst": lambda path, rows: path.write_bytes(_zstd(_lines(rows))),
    "rows.json.gz": lambda path, rows: path.write_bytes(gzip.compress(json.dumps(rows).encode())),
}  # fmt: skip
"""File name to what writes rows under it."""
