"""A judge server in its own thread, behind the OpenAI API: always the same answer, or one by what it reads."""

from __future__ import annotations

import json
import math
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Server(ThreadingHTTPServer):
    """Takes many connections at once; the default queue of five makes the rest wait for seconds."""

    daemon_threads = True
    request_queue_size = 256


def said(p_pass: float) -> tuple[str, list[dict[str, Any]]]:
    """A verdict with the log-probabilities of its tokens."""
    word = "pass" if p_pass > 0.5 else "fail"
    tokens = [{"token": token, "logprob": 0.0} for token in ("so", "</think>", '{"verdict":"', word, '"}')]
    both = {"pass": p_pass, "fail": 1 - p_pass}
    tokens[3]["top_logprobs"] = [{"token": w, "logprob": math.log(max(p, 1e-9))} for w, p in both.items()]
    return "".join(str(token["token"]) for token in tokens), tokens


@contextmanager
def serving(answer: str | Callable[[str], float]) -> Iterator[str]:
    """The base URL (ending in /v1) of a server whose every completion is `answer`.

    A function gives the probability of pass for a prompt; the verdict comes with its log-probabilities.
    """

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            text, tokens = (answer, []) if isinstance(answer, str) else said(answer(str(asked["messages"])))
            choice: dict[str, Any] = {
                "index": 0,
                "message": {"role": "assistant", "content": text},
                "finish_reason": "stop",
            }
            if asked.get("logprobs"):
                choice["logprobs"] = {"content": tokens}
            usage = {"prompt_tokens": 100, "completion_tokens": 5, "total_tokens": 105}
            self._send({"id": "x", "object": "chat.completion", "choices": [choice], "usage": usage})

        def do_GET(self) -> None:
            self._send({"object": "list", "data": [{"id": "judge", "object": "model"}]})

        def _send(self, body: object) -> None:
            data = json.dumps(body).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *args: object) -> None:
            pass

    server = Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/v1"
    finally:
        server.shutdown()
        server.server_close()
