"""A model's end point on loopback for builds of the local world: it answers from the world's truth, with planted defects.

Faults can be set: each names how a share of the requests go wrong. It counts every completion that it sent, by what was
asked, so that a build can be shown to pay for nothing twice.
"""

from __future__ import annotations

import json
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from benchmarks.build_world import PROPOSED, WRITTEN, kept, planted, source, wish_of, wishes_kept
from verif.data.world import draw, lexicon
from verif.data.world.constraints import HARD, word
from verif.data.world.prompts import wishes_of
from verif.data.world.responses import authored
from verif.system.files import digest

FAULTS = ("429", "500", "504", "slow", "schema", "refuses", "repeats", "broken")


@dataclass
class BuildStandin:
    """What the end point does and has done. `fault` is one of `FAULTS` with its share of requests.

    `planted` holds each defect as (kind, constraint, answer); the answer is empty where a written checker has it.
    """

    defects: float = 0.0
    fault: str = ""
    share: float = 0.0
    seconds: float = 0.0
    sent: Counter[str] = field(default_factory=Counter)
    asked: Counter[str] = field(default_factory=Counter)
    planted: set[tuple[str, str, str]] = field(default_factory=set)
    url: str = ""

    def reply(self, asked: dict[str, Any]) -> str:
        """The model's text."""
        system, user = (turn["content"] for turn in asked["messages"])
        marked = user.partition("marked ")[2][:8]
        parts = [part.strip("\n") for part in user.split(f"----- {marked} -----")][1::2]
        model, seed = asked["model"], asked.get("seed", 0)
        if "name the constraints" in system:
            return json.dumps({"constraints": self._proposals(parts[1])})
        if "whether an answer keeps each" in system:
            texts = [line.partition(". ")[2] for line in parts[2].splitlines()]
            return json.dumps({"kept": [_true(text, parts[1]) for text in texts]})
        if "You write a Python function" in system:
            cases = int(system.partition("\nGive ")[2].split(" ", 1)[0])
            return json.dumps(self._written(parts[0], f"{model}-{seed}", cases))
        return '{"verdict": "fail"}'

    def _proposals(self, answer: str) -> list[dict[str, Any]]:
        rng = random.Random(digest(["proposals", answer]))
        soft, hard = wishes_kept(answer, rng)
        made = [_proposal(kind, argument, rng) for kind, argument in (*soft, *hard)]
        for defect in PROPOSED:
            if planted(self.defects, defect, answer) < self.defects:
                added = _defective(defect, answer, made, rng)
                self.planted |= {(defect, proposal["text"], answer) for proposal in added}
                made += added
        return made

    def _written(self, text: str, writer: str, count: int) -> dict[str, Any]:
        rng = random.Random(digest(["written", text, writer]))
        wish = wish_of(text)
        if wish is None or wish[0] not in HARD:
            return {"code": "def check_following(instruction, response):\n    return True\n", "cases": []}
        defect = next(
            (d for d in WRITTEN if planted(self.defects / 2, d, text, writer) < self.defects / 2), ""
        )
        if defect:
            self.planted.add((defect, text, ""))
        cases = []
        for number in range(count):
            item = draw(rng, "train")
            wanted = [w for w in wishes_of(item) if w[0] != wish[0]]
            case = authored(wanted, rng) if number % 2 else authored(wishes_of(item), rng)
            wrong = rng.random() < self.defects / 2
            cases.append({"text": case, "follows": kept(*wish, case) is not wrong})
        return {"code": source(*wish, defect), "cases": cases}


def _true(text: str, answer: str) -> bool:
    wish = wish_of(text)
    return wish is not None and kept(*wish, answer)


def _proposal(kind: str, argument: Any, rng: random.Random) -> dict[str, Any]:
    return {"dimension": kind, "text": word(kind, argument, rng), "code": kind in HARD}


def _defective(
    defect: str, answer: str, made: list[dict[str, Any]], rng: random.Random
) -> list[dict[str, Any]]:
    if defect == "false soft":
        tone = rng.choice([tone for tone in lexicon.TONES if not kept("tone", tone, answer)])
        return [_proposal("tone", tone, rng)]
    if defect == "repeated" and made:
        return [dict(made[0])]
    if defect == "quotes the answer":
        return [{"dimension": "topic", "text": f"Say: {' '.join(answer.split()[:8])}", "code": False}]
    if defect == "false hard":
        return [_proposal("max_words", rng.randint(1, 3), rng)]
    if defect == "unknown dimension":
        return [{"dimension": "sorcery", "text": "Enchant the reader.", "code": False}]
    return []


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that was killed has no connection any more."""


@contextmanager
def serving(standin: BuildStandin, port: int = 0) -> Iterator[BuildStandin]:
    """The end point while the block runs; its address stands in `url`."""

    class StandinHandler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            rest = {k: v for k, v in asked.items() if k not in ("model", "messages", "seed")}
            key = digest([asked["model"], asked["messages"], rest, asked["seed"]])  # as the ledger has it
            standin.asked[key] += 1
            fault = standin.fault if planted(0, key, standin.asked[key]) < standin.share else ""
            if standin.seconds:
                time.sleep(standin.seconds)
            if fault == "slow":
                time.sleep(30)
            if fault in ("429", "500", "504"):
                self._send(int(fault), b"{}")
                return
            text = standin.reply(asked)
            if fault == "schema":
                text = json.dumps({"answer": text[:20], "score": 7})
            if fault == "refuses":
                text = "I cannot help with that."
            if fault == "repeats":
                text = "and so on " * 400
            body = {
                "id": "x",
                "object": "chat.completion",
                "choices": [
                    {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
                ],
                "usage": {"prompt_tokens": 200, "completion_tokens": len(text) // 4},
            }
            raw = json.dumps(body).encode()
            self._send(200, raw[: len(raw) // 2] if fault == "broken" else raw)
            standin.sent[key] += 1

        def _send(self, status: int, raw: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, *args: object) -> None:
            """Silent."""

    server = _Server(("127.0.0.1", port), StandinHandler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        standin.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
        yield standin
    finally:
        server.shutdown()
        server.server_close()
