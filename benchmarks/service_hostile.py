"""What a hostile client costs the others: the longest silence of `/health` and the memory, attack by attack.

`python -m benchmarks.service_hostile [attack ...]`: a service of its own on loopback for each attack, a prober beside
it, half a minute at most. Attacks are bounded by what the service admits, so the figures are those of the worst
request that is let in.
"""

from __future__ import annotations

import contextlib
import json
import socket
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

from benchmarks.standins import Service, item, recipe, service
from verif.service.limits import MAX_BODY

HOLD_S = 20.0


def post(url: str, body: bytes, timeout: float = 90) -> tuple[int, bytes]:
    request = urllib.request.Request(f"{url}/v1/verify", body, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=timeout) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()
    except OSError as error:
        return 0, str(error).encode()


def body_with(rules: list[dict[str, Any]] | None = None, text: str = "x", **more: Any) -> dict[str, Any]:
    """An item as JSON."""
    payload: dict[str, Any] = json.loads(item(1, text, soft=False).model_dump_json())
    if rules is not None:
        payload["instruction"]["constraints"] = rules
    payload["instruction"].update(more)
    return payload


def wrapped(inner: bytes, size: int) -> bytes:
    """A body of that size whose `meta` holds the pattern over and over."""
    head = json.dumps(body_with())[:-1].replace('"meta": {}', '"meta": {"k": [%]}')
    before, after = head.split("%")
    many = inner * ((size - 2000) // len(inner))
    return b'{"items": [' + before.encode() + many.rstrip(b",") + after.encode() + b"}]}"


def tiny_objects(url: str) -> list[Any]:
    return [post(url, wrapped(b'{"":{}},', size << 20))[0] for size in (60, 15, 1)]


def lists(url: str) -> list[Any]:
    return [post(url, wrapped(b"[],", size << 20))[0] for size in (60, 15, 1)]


def escapes(url: str) -> list[Any]:
    return [
        post(url, json.dumps({"items": [body_with(text="\n" * count)]}).encode())[0]
        for count in (7_900_000, 3_900_000)
    ]


def kept(url: str) -> list[Any]:
    """Parameters that differ each time, each as large as they may be."""
    out = []
    for turn in range(40):
        params = {"end_phrase": f"{turn} {'wo ' * 2_000_000}"}
        rule = {"kind": "rule", "text": "t", "rule": "startend:end_checker", "params": params}
        out.append(post(url, json.dumps({"items": [body_with([rule])]}).encode())[0])
    return sorted({*out})


def slow_bodies(url: str, count: int = 4) -> list[Any]:
    """Bodies that are declared long and never come; how an honest client fares meanwhile."""
    host, port = url.removeprefix("http://").split(":")
    slow = []
    for _ in range(count):
        made = socket.create_connection((host, int(port)))
        made.sendall(b"POST /v1/verify HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % MAX_BODY)
        made.sendall(b"[" * 100_000)
        slow.append(made)
    time.sleep(0.3)
    body, begun, answers = json.dumps({"items": [body_with()]}).encode(), time.monotonic(), []
    while time.monotonic() - begun < HOLD_S:
        answers.append(post(url, body)[0])
        if answers[-1] == 200:
            break
        time.sleep(0.5)
    for made in slow:
        made.close()
    return [f"first honest answer after {time.monotonic() - begun:.1f} s, refusals {answers.count(429)}"]


def header(url: str) -> list[Any]:
    """A header that never ends."""
    host, port = url.removeprefix("http://").split(":")
    sent = 0
    with socket.create_connection((host, int(port))) as made:
        made.settimeout(5)
        with contextlib.suppress(OSError):
            made.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\nX: ")
            while sent < 100 << 20:
                made.sendall(b"x" * (1 << 20))
                sent += 1 << 20
    return [f"{sent >> 20} MB of one header taken"]


def long_text(url: str) -> list[Any]:
    """A text of the longest kind under many rules, asked for by a client that goes away at once."""
    rules = [
        {"kind": "rule", "text": "t", "rule": "length_constraints:number_sentences",
         "params": {"num_sentences": n + 1, "relation": "at least"}} for n in range(32)
    ]  # fmt: skip
    rules += [
        {"kind": "rule", "text": "t", "rule": "keywords:frequency",
         "params": {"keyword": f"w{n}", "frequency": 1, "relation": "at least"}} for n in range(32)
    ]  # fmt: skip
    body = json.dumps({"items": [body_with(rules, "Wa. wb! (w1 " * 600_000)]}).encode()
    code = [post(url, body, timeout=0.5)[0]]
    body = json.dumps(
        {"items": [{**body_with(rules, f"{n} Wa. wb! (w1 " * 60_000), "id": f"{n}"} for n in range(8)]}
    ).encode()
    code += [post(url, body, timeout=0.5)[0] for _ in range(8)]
    begun, honest = time.monotonic(), json.dumps({"items": [body_with()]}).encode()
    answered = post(url, honest, timeout=HOLD_S)[0]
    return [code, answered, f"an honest answer took {time.monotonic() - begun:.1f} s"]


ATTACKS: dict[str, Callable[[str], list[Any]]] = {
    f.__name__: f for f in (tiny_objects, lists, escapes, kept, slow_bodies, header, long_text)
}


def probe(running: Service, stop: threading.Event, seen: dict[str, float]) -> None:
    """The longest that `/health` was silent, and the most memory."""
    process = psutil.Process(running.process.pid)
    while not stop.is_set():
        begun = time.monotonic()
        with contextlib.suppress(OSError):
            urllib.request.urlopen(f"{running.url}/health", timeout=90).close()
        seen["health_s"] = max(seen["health_s"], time.monotonic() - begun)
        seen["rss_mb"] = max(seen["rss_mb"], process.memory_info().rss / 2**20)
        time.sleep(0.01)


def attack(name: str) -> dict[str, Any]:
    """One attack against a service of its own."""
    with (
        tempfile.TemporaryDirectory() as folder,
        service(Path(folder), None, chosen=recipe(judge="none")) as running,
    ):
        stop, seen = threading.Event(), {"health_s": 0.0, "rss_mb": 0.0}
        before = psutil.Process(running.process.pid).memory_info().rss / 2**20
        prober = threading.Thread(target=probe, args=(running, stop, seen))
        prober.start()
        begun = time.monotonic()
        try:
            answers = ATTACKS[name](running.url)
        finally:
            seconds = time.monotonic() - begun
            stop.set()
            prober.join()
        after = psutil.Process(running.process.pid).memory_info().rss / 2**20
    figures = {"seconds": round(seconds, 1), "health_max_s": round(seen["health_s"], 2)}
    memory = {"rss_mb": [round(before), round(seen["rss_mb"]), round(after)]}
    return {"attack": name, "answers": answers, **figures, **memory}


if __name__ == "__main__":
    for chosen in sys.argv[1:] or ATTACKS:
        print(json.dumps(attack(chosen)), flush=True)
