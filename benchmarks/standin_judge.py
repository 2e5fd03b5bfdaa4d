"""A stand-in for a judge server: OpenAI's chat API with fixed capacity, lognormal service times, and faults on demand.

It is a measuring instrument, not a judge: the verdict is pass exactly when the fenced response contains the
word "good". `POST /control {"mode": ..., "count": n, "match": text}` makes the next n matching requests
misbehave; `GET /stats` says how busy its slots were. Run: `python benchmarks/standin_judge.py --slots 512`.
"""

from __future__ import annotations

import argparse
import asyncio
import bisect
import json
import math
import random
import re
import time
from collections import Counter

from aiohttp import web

FENCE = re.compile(r"([0-9a-f]{8})(?: -----)?\n(.*)\n.*\1", re.DOTALL)


class Standin:
    """One server's state: slots, faults, and a record of when how many slots were busy."""

    def __init__(self, slots: int, mean: float, longest: float, seed: int) -> None:
        self.slots, self.longest = asyncio.Semaphore(slots), longest
        self.capacity, self.busy, self.queued = slots, 0, 0
        self.random = random.Random(seed)
        sigma = 0.8
        self.times = (math.log(mean) - sigma * sigma / 2, sigma) if mean > 0 else None
        self.reject_above = 0
        self.faults: dict[str, object] = {"mode": "ok", "count": 0, "match": ""}
        self.record: list[tuple[float, int]] = []
        self.completions: list[float] = []
        self.calls: Counter[str] = Counter()
        self.seen: Counter[str] = Counter()
        self.last_id = ""

    def mode(self, text: str) -> str:
        """The fault of this request, if any."""
        left = int(str(self.faults["count"]))
        if self.faults["mode"] != "ok" and str(self.faults["match"]) in text and left > 0:
            self.faults["count"] = left - 1
            return str(self.faults["mode"])
        return "ok"

    def note(self, change: int) -> None:
        """A slot was taken or given back."""
        self.busy += change
        self.record.append((time.monotonic(), self.busy))

    async def work(self) -> None:
        """Hold a slot for a drawn time."""
        if self.times is None:
            return
        async with self.slots:
            self.note(+1)
            try:
                await asyncio.sleep(min(self.longest, self.random.lognormvariate(*self.times)))
            finally:
                self.note(-1)
        self.completions.append(time.monotonic())

    def stats(self) -> dict[str, object]:
        """Busy share between the 10th and 90th percentile of completions, and counts."""
        out: dict[str, object] = {
            "calls": dict(self.calls),
            "distinct": len(self.seen),
            "completions": len(self.completions),
        }
        if len(self.completions) > 20:
            done = sorted(self.completions)
            low, high = done[len(done) // 10], done[len(done) * 9 // 10]
            times = [at for at, _ in self.record]
            area, at = 0.0, low
            level = self.record[max(0, bisect.bisect_right(times, low) - 1)][1]
            for when, busy in self.record[bisect.bisect_right(times, low) :]:
                if when > high:
                    break
                area, at, level = area + level * (when - at), when, busy
            area += level * (high - at)
            out["busy_share"] = area / ((high - low) * self.capacity)
            out["seconds"] = done[-1] - times[0]
            whole, at, level = 0.0, times[0], 0
            for when, busy in self.record:
                whole, at, level = whole + level * (when - at), when, busy
            out["busy_share_whole"] = whole / ((times[-1] - times[0]) * self.capacity)
        return out

    def reset(self) -> None:
        """Forget what was counted."""
        self.record, self.completions = [], []
        self.calls.clear()
        self.seen.clear()


def verdict(text: str) -> str:
    """Reasoning, end marker, one JSON object."""
    fenced = FENCE.search(text)
    good = fenced is not None and "good" in fenced.group(2)
    return f'It says what it says.</think>{{"verdict":"{"pass" if good else "fail"}"}}'


def completion(text: str, model: str, mark: str) -> dict[str, object]:
    return {
        "id": f"chatcmpl-{mark}",
        "object": "chat.completion",
        "model": model,
        "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120},
    }


async def chat(request: web.Request) -> web.StreamResponse:
    standin: Standin = request.app["standin"]
    raw = await request.json()
    text = raw["messages"][-1]["content"]
    mark = request.headers.get("X-Request-Id", "none")
    standin.seen[text] += 1
    mode = standin.mode(text)
    standin.calls[mode] += 1
    if standin.reject_above and standin.queued >= standin.reject_above:
        standin.calls["rejected"] += 1
        return web.json_response({"error": "full"}, status=429, headers={"Retry-After": "1"})
    standin.queued += 1
    try:
        await standin.work()
        return await answer(request, mode, raw, text, mark)
    finally:
        standin.queued -= 1


async def answer(
    request: web.Request, mode: str, raw: dict[str, object], text: str, mark: str
) -> web.StreamResponse:
    good = json.dumps(completion(verdict(text), str(raw["model"]), mark)).encode()
    wrong = json.dumps(completion('x</think>{"verdict":"pass"}', str(raw["model"]), mark)).encode()
    if mode in ("500", "429", "503", "400"):
        return web.json_response({"error": mode}, status=int(mode))
    if mode == "garbage":
        return web.Response(body=bytes(range(256)) * 4)
    if mode == "empty":
        return web.Response(body=b"")
    if mode == "shape":
        return web.json_response({"verdict": "pass", "choices": [{"text": '{"verdict":"pass"}'}]})
    if mode == "null":  # vLLM with a reasoning parser, when the reasoning met max_tokens
        cut = completion("", str(raw["model"]), mark)
        cut["choices"] = [
            {"index": 0, "message": {"role": "assistant", "content": None}, "finish_reason": "length"}
        ]
        return web.json_response(cut)
    if mode == "swap":  # a pass that belongs to another request
        return web.json_response(completion('x</think>{"verdict":"pass"}', "judge", "verif-" + "0" * 32))
    if mode == "hang":
        await asyncio.sleep(3600)
    if mode == "late":
        await asyncio.sleep(float(request.app["late_s"]))
        return web.Response(body=wrong)
    if mode in ("half", "close", "drip"):
        stream = web.StreamResponse(headers={"Content-Length": str(len(wrong))} if mode != "close" else {})
        await stream.prepare(request)
        if mode == "drip":
            for byte in wrong:
                await stream.write(bytes([byte]))
                await asyncio.sleep(1)
            return stream
        await stream.write(wrong[: len(wrong) // 2])
        assert request.transport is not None
        request.transport.close()
        return stream
    if mode == "echo":  # a judge that repeats the response in its reasoning
        fenced = FENCE.search(text)
        return web.json_response(
            completion((fenced.group(2) if fenced else "") + verdict(text), "judge", mark)
        )
    if mode.startswith("say:"):
        return web.json_response(completion(mode[4:], "judge", mark))
    return web.Response(body=good, content_type="application/json")


async def control(request: web.Request) -> web.Response:
    standin: Standin = request.app["standin"]
    body = await request.json()
    if body.get("reset"):
        standin.reset()
    if "reject_above" in body:
        standin.reject_above = int(body["reject_above"])
    if "mode" in body:
        standin.faults = {
            "mode": body["mode"],
            "count": int(body.get("count", 1 << 30)),
            "match": body.get("match", ""),
        }
    return web.json_response(standin.stats())


async def stats(request: web.Request) -> web.Response:
    return web.json_response(request.app["standin"].stats())


async def completions(_: web.Request) -> web.Response:
    return web.json_response({"choices": [{"text": "a"}]})


def application(arguments: argparse.Namespace) -> web.Application:
    app = web.Application(client_max_size=1 << 26)
    app["standin"] = Standin(arguments.slots, arguments.mean, arguments.longest, arguments.seed)
    app["late_s"] = arguments.late_s
    app.router.add_post("/v1/chat/completions", chat)
    app.router.add_post("/v1/completions", completions)
    app.router.add_post("/control", control)
    app.router.add_get("/stats", stats)
    return app


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--slots", type=int, default=512)
    parser.add_argument(
        "--mean", type=float, default=0.0, help="mean service time in seconds; 0 answers at once"
    )
    parser.add_argument("--longest", type=float, default=15.0)
    parser.add_argument("--late-s", type=float, default=3.0)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()

    async def serve() -> None:
        runner = web.AppRunner(application(arguments), access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", arguments.port, backlog=4096)
        await site.start()
        port = runner.addresses[0][1]
        print(f"http://127.0.0.1:{port}", flush=True)
        await asyncio.Event().wait()

    asyncio.run(serve())


if __name__ == "__main__":
    main()
