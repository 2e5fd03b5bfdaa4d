"""Completions as a judge's server sends them."""

from __future__ import annotations

import json
from typing import Any

VERDICT = '{"verdict":"pass"}'
TOKEN: dict[str, Any] = {
    "token": "pass",
    "logprob": -0.1,
    "top_logprobs": [{"token": "pass", "logprob": -0.1}, {"token": "fail", "logprob": -2.4}],
}
BEFORE: dict[str, Any] = {"token": '{"verdict":"', "logprob": 0.0, "top_logprobs": []}


def completion(tokens: Any = (), **changes: Any) -> dict[str, Any]:
    choice = {"message": {"content": VERDICT}, "finish_reason": "stop"} | changes
    if tokens != ():
        choice["logprobs"] = {"content": tokens}
    return {"id": "x", "choices": [choice], "usage": {"prompt_tokens": 3, "completion_tokens": 2}}


def raw(value: Any) -> bytes:
    return json.dumps(value).encode()
