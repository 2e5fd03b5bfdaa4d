"""The service itself under full load: rule-only verifications per second, and the memory it holds."""

from __future__ import annotations

import asyncio
import tempfile
import time
import urllib.request
from pathlib import Path

import psutil

from benchmarks.standins import recipe, service
from benchmarks.verifier_items import rule_items
from verif.service.client import VerifierClient


def footprint(pid: int) -> float:
    """Proportional memory of a process and its children, in MB."""
    processes = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    return float(sum(p.memory_full_info().pss for p in processes)) / 2**20


async def load(url: str, seconds: float, seed: int, sizes: list[tuple[float, float]], pid: int) -> int:
    """Full load by batches of 64 for a while; how many verifications came back."""
    done, begun, turn = 0, time.monotonic(), 0
    marks = [seconds * 0.1, seconds]
    async with VerifierClient(url, parallel=4) as client:
        while time.monotonic() - begun < seconds:
            items = rule_items(64 * 32, seed + turn % 50)
            turn += 1
            async for _ in client.verify(items):
                done += 1
            if time.monotonic() - begun >= marks[0]:
                marks.pop(0)
                sizes.append((time.monotonic() - begun, footprint(pid)))
    return done


async def rate(url: str, count: int) -> float:
    """Rule-only verifications per second in batches of 64."""
    async with VerifierClient(url, parallel=4) as client:
        async for _ in client.verify(rule_items(1024, 0)):
            pass
        items = rule_items(count, 1)
        begun = time.monotonic()
        async for _ in client.verify(items):
            pass
        return count / (time.monotonic() - begun)


def http(count: int, soak_s: float) -> dict[str, float]:
    """Throughput and memory of the service itself."""
    with (
        tempfile.TemporaryDirectory() as folder,
        service(Path(folder), None, chosen=recipe(judge="none")) as running,
    ):
        per_s = asyncio.run(rate(running.url, count))
        print(
            f"rule-only verifications through HTTP in batches of 64: {per_s:.0f} per second ({count} with 3 rules each)"
        )
        sizes: list[tuple[float, float]] = []
        done = asyncio.run(load(running.url, soak_s, 5, sizes, running.process.pid))
        urllib.request.urlopen(f"{running.url}/health", timeout=5).close()
    (early_at, early), (late_at, late) = sizes[0], sizes[-1]
    print(f"{soak_s:.0f} s at full load, {done} verifications: ", end="")
    print(f"{early:.0f} MB after {early_at:.0f} s, {late:.0f} MB after {late_at:.0f} s")
    return {"http_rules_per_s": round(per_s), "memory_growth": round(late / early, 3)}
