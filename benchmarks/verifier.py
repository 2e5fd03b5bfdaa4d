"""`make bench-verifier`: how well the verifier uses a judge, overlaps generation, saves calls, and holds its size.

Ratios from one run. The judge is a stand-in with fixed capacity (`standin_judge.py`, a process of its own).
The last line is one JSON object. `--soak-s` is the length of the memory test (600 in full).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import random
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

from benchmarks.standins import StandInJudge, recipe, service, standin
from benchmarks.verifier_http import http
from benchmarks.verifier_items import make, soft_items
from verif.core.cache import VerdictCache
from verif.core.judge import prompt
from verif.service.client import VerifierClient
from verif.types import Item


# ------------------------------------------------------------------------------------------ capacity
async def verif_run(judge: StandInJudge, count: int) -> float:
    """Verdicts per second of the verifier over the whole run; the stand-in keeps the record."""
    verifier = make(judge)
    begun = time.monotonic()
    done = 0
    async for verification in verifier.verify(soft_items(count, 1), cache=False):
        assert verification.reward.state == "scored", verification
        done += 1
    await verifier.close()
    return done / (time.monotonic() - begun)


def threads_run(judge: StandInJudge, count: int, threads: int = 128) -> float:
    """Verdicts per second of 128 threads with the synchronous SDK, one item at a time each, as VerIF does."""
    from openai import OpenAI

    client = OpenAI(base_url=f"{judge.url}/v1", api_key="none", max_retries=0, timeout=120)
    jobs: SimpleQueue[Item] = SimpleQueue()
    for item in soft_items(count, 2):
        jobs.put(item)
    done: list[str] = []

    def work() -> None:
        while True:
            try:
                item = jobs.get_nowait()
            except Empty:
                return
            messages: Any = prompt.render("joint-en", item.instruction, [0], item.response.text, "0badcafe")
            answer = client.chat.completions.create(
                model="judge", messages=messages, temperature=0, max_tokens=64
            )
            done.append(answer.choices[0].message.content or "")

    begun = time.monotonic()
    workers = [threading.Thread(target=work) for _ in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(done) == count
    return count / (time.monotonic() - begun)


def capacity(items: int, thread_items: int) -> dict[str, float]:
    """Busy share of 512 slots, and throughput against threads, on the same server."""
    with standin("--slots", "512", "--mean", "2", "--longest", "15") as judge:
        fast = asyncio.run(verif_run(judge, items))
        seen = judge.control()
        judge.control(reset=True)
        slow = threads_run(judge, thread_items)
        threads = judge.control()
    print(
        f"judge with 512 slots, service time mean 2 s, longest 15 s: {items} verdicts by verif, {thread_items} by 128 threads"
    )
    for name, per_s, stats in (("verif", fast, seen), ("128 threads, SDK", slow, threads)):
        busy, whole = stats["busy_share"], stats["busy_share_whole"]
        print(
            f"  {name:16} {per_s:7.1f} verdicts/s, slots busy {busy:.1%} from p10 to p90, {whole:.1%} of the whole run"
        )
    return {"capacity_share": round(seen["busy_share"], 4), "vs_thread_sdk": round(fast / slow, 2)}


# ------------------------------------------------------------------------------------------- overlap
LONGEST_ROLLOUT_S = 30.0


def cut_off(item: Item) -> Item:
    """The item with a response that met the length limit."""
    response = item.response.model_copy(update={"finished": False})
    return item.model_copy(update={"response": response})


async def overlap(url: str, count: int, seed: int, judge_all: bool) -> tuple[float, float]:
    """Seconds of waiting after the last rollout: asked as they finish, and asked when all have finished.

    About one rollout of a hundred meets the length limit after 30 s. It comes cut off, as a trainer sends it, on
    both sides: that is unscorable, and no judge is asked. With `judge_all` it comes whole: a burst for the judge at
    the very end, whose longest verdict nothing can hide.
    """
    rng = random.Random(seed)
    finish = sorted(min(LONGEST_ROLLOUT_S, rng.lognormvariate(math.log(6), 0.7)) for _ in range(count))
    async with VerifierClient(url) as client:
        early, late = (
            [
                cut_off(item) if at == LONGEST_ROLLOUT_S and not judge_all else item
                for item, at in zip(items, finish, strict=True)
            ]
            for items in (soft_items(count, seed), soft_items(count, seed + 1000))
        )
        begun = time.monotonic()
        ended: list[float] = []

        async def send_at(item: Item, at: float) -> None:
            await asyncio.sleep(begun + at - time.monotonic())
            async for _ in client.verify([item]):
                ended.append(time.monotonic() - begun)

        await asyncio.gather(*(send_at(item, at) for item, at in zip(early, finish, strict=True)))
        overlapped = max(ended) - finish[-1]
        begun = time.monotonic()
        async for _ in client.verify(late):
            pass
        return overlapped, time.monotonic() - begun


def waiting(count: int, rounds: int) -> dict[str, float]:
    """Reward wait of overlapped verification as a share of what a barrier costs."""
    shares = {}
    for judge_all in (False, True):
        with (
            standin("--slots", "64", "--mean", "0.8", "--longest", "4") as judge,
            tempfile.TemporaryDirectory() as folder,
            service(Path(folder), judge, chosen=recipe(judge_deadline_s=120)) as running,
        ):
            pairs = [asyncio.run(overlap(running.url, count, seed, judge_all)) for seed in range(rounds)]
        early, late = (sum(column) / rounds for column in zip(*pairs, strict=True))
        shares[judge_all] = round(early / late, 4)
        last = "judged too" if judge_all else "cut off, not judged"
        print(
            f"reward wait, {count} rollouts finishing over up to 30 s (those of 30 s {last}), {rounds} rounds: ",
            end="",
        )
        print(f"{early:.2f} s overlapped, {late:.2f} s after a barrier")
    return {"wait_vs_barrier": shares[False], "wait_vs_barrier_all_judged": shares[True]}


# ------------------------------------------------------------------------------------------- savings
async def replay(judge: StandInJudge, steps: list[list[Item]], formula: Any) -> Counter[str]:
    """Judge calls made and saved, by cause, when the steps of a run are verified in their order."""
    with tempfile.TemporaryDirectory() as folder:
        verifier = make(judge, VerdictCache(Path(folder)), formula)
        for step in steps:
            async for _ in verifier.verify(step):
                pass
        counts: Counter[str] = Counter({**verifier.saved, "asked": verifier.judge_calls})
        await verifier.close()
    return counts


def savings(folder: Path) -> dict[str, float | None]:
    """The share of judge calls saved on the stored rollouts of a real run."""
    steps = stored(folder)
    if not steps:
        print(
            f"judge calls saved: no rollouts under {folder}; run the local recipe first (`make run`), or give --rollouts"
        )
        return {"calls_saved": None}
    shares = {}
    with standin() as judge:
        for formula in ("average", "product"):
            counts = asyncio.run(replay(judge, steps, formula))
            total = counts.total()
            saved = {cause: counts[cause] for cause in ("dedupe", "cache", "short-circuit", "absent")}
            shares[formula] = 1 - counts["asked"] / total
            listed = ", ".join(f"{cause} {count / total:.1%}" for cause, count in saved.items())
            print(
                f"judge calls saved, {total} rollouts of {len(steps)} steps, formula {formula}: {shares[formula]:.1%} ({listed})"
            )
    return {"calls_saved": round(shares["average"], 4), "calls_saved_product": round(shares["product"], 4)}


def stored(folder: Path) -> list[list[Item]]:
    """The rollouts of each step as items."""
    from verif.data import rollouts

    by_step: dict[int, list[Item]] = {}
    if folder.is_dir():
        for number, rollout in enumerate(rollouts.read(folder)):
            item = Item(id=str(number), instruction=rollout.instruction, response=rollout.response)
            by_step.setdefault(rollout.step, []).append(item)
    return [by_step[step] for step in sorted(by_step)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--soak-s", type=float, default=600, help="length of the memory test in seconds")
    parser.add_argument("--items", type=int, default=10_000, help="judge verdicts in the capacity test")
    parser.add_argument(
        "--thread-items", type=int, default=3_000, help="judge verdicts of the peer with threads"
    )
    parser.add_argument("--rollouts", type=Path, default=Path("reports/train/rollouts"))
    parser.add_argument("--only", choices=["capacity", "waiting", "savings", "http"])
    arguments = parser.parse_args()
    parts: dict[str, Callable[[], Mapping[str, float | None]]] = {
        "capacity": lambda: capacity(arguments.items, arguments.thread_items),
        "waiting": lambda: waiting(1024, 4),
        "savings": lambda: savings(arguments.rollouts),
        "http": lambda: http(20_000, arguments.soak_s),
    }
    results: dict[str, float | None] = {}
    for name, part in parts.items():
        if arguments.only in (None, name):
            results.update(part())
    print(json.dumps(results))


if __name__ == "__main__":
    main()
