"""The service, its client and what lies under them fail: no wrong reward, and nothing lost."""

from __future__ import annotations

import asyncio
import json
import os
import random
import resource
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest
from support.harness import (
    Service,
    StandInJudge,
    address,
    ask,
    item,
    recipe,
    run_service,
    service,
    standin,
    wrong,
)

from verif.errors import ServiceError
from verif.service.client import VerifierClient
from verif.types import CheckerConstraint, Instruction, Item, Response

pytestmark = pytest.mark.slow

JUMPING = """
import time as _t
_real = _t.time
_t.time = lambda: _real() + (86400.0 if int(_t.monotonic() * 5) % 2 else -86400.0)
"""
FULL = "import resource\nresource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000))\n"


def fresh(tag: str, count: int) -> list[Item]:
    return [item(n, f"{'good' if n % 2 else 'bad'} {tag} {n}") for n in range(count)]


async def test_service_killed_mid_batch_and_restarted(tmp_path: Path) -> None:
    with standin("--mean", "0.3", "--slots", "8") as judge, service(tmp_path, judge) as running:
        port = int(running.url.rsplit(":", 1)[1])
        (tmp_path / "config.json").write_text(
            running.config.model_copy(update={"port": port}).model_dump_json(by_alias=True)
        )
        items = fresh("killed", 80)
        asking = asyncio.create_task(ask(running.url, items))
        await asyncio.sleep(1.2)
        running.process.kill()
        running.process.wait()
        assert not asking.done()
        running.process = run_service(tmp_path)
        await asyncio.to_thread(address, tmp_path, running.process)
        assert wrong(items, await asking) == []


async def test_a_service_that_never_comes_back_is_an_error_per_item(tmp_path: Path) -> None:
    with standin("--mean", "2", "--slots", "2") as judge, service(tmp_path, judge) as running:
        items = fresh("gone", 20)
        asking = asyncio.create_task(ask(running.url, items, patience_s=3.0))
        await asyncio.sleep(1.0)
        running.process.kill()
        found = await asking
        assert wrong(items, found, errors_allowed=True) == []
        assert any(answer.reward.state == "error" for answer in found.values())


async def test_a_graceful_end_finishes_what_it_holds(tmp_path: Path) -> None:
    with (
        standin("--mean", "0.5", "--slots", "64", "--longest", "1") as judge,
        service(tmp_path, judge) as running,
    ):
        items = fresh("graceful", 40)
        asking = asyncio.create_task(ask(running.url, items))
        await asyncio.sleep(0.3)
        running.process.send_signal(signal.SIGTERM)
        assert wrong(items, await asking) == []
        assert await asyncio.to_thread(running.process.wait, 20) == 0
        assert not (tmp_path / "lease.json").exists()


async def test_another_verifier_in_its_place_is_refused(judge: StandInJudge, running: Service) -> None:
    client = VerifierClient(running.url, identity="0" * 32)
    with pytest.raises(ServiceError, match="is verifier"):
        await anext(client.verify([item(1, "good")]))
    await client.close()


CLIENT = """
import asyncio, sys
sys.path.insert(0, sys.argv[1])
from benchmarks.standins import ask, item
asyncio.run(ask(sys.argv[2], [item(n, f"good dying {n}") for n in range(64)]))
"""


async def test_client_killed_mid_batch(tmp_path: Path) -> None:
    with standin("--mean", "0.3", "--slots", "16") as judge, service(tmp_path, judge) as running:
        line = [sys.executable, "-c", CLIENT, str(Path(__file__).parents[2]), running.url]
        dying = await asyncio.to_thread(subprocess.Popen, line)
        async with VerifierClient(running.url) as client:
            while (await client.metrics())["verif_pending_items"] == 0:
                await asyncio.sleep(0.05)
            dying.kill()
            dying.wait()
            items = fresh("living", 20)
            assert wrong(items, await ask(running.url, items)) == []
            for _ in range(100):
                if (await client.metrics())["verif_pending_items"] == 0:
                    break
                await asyncio.sleep(0.1)
            metrics = await client.metrics()
        assert metrics["verif_pending_items"] == 0, "what the dead client asked is worked off, not leaked"
        assert metrics["verif_judge_in_flight"] == 0


async def test_disk_full_under_the_cache(tmp_path: Path) -> None:
    with standin() as judge, service(tmp_path, judge, before=FULL) as running:
        items = [item(n, f"{'good' if n % 2 else 'bad'} full {n} {'x' * 2000}") for n in range(200)]
        assert wrong(items, await ask(running.url, items)) == []
        async with VerifierClient(running.url) as client:
            metrics = await client.metrics()
        assert metrics['verif_cache_events_total{event="failed_writes"}'] > 0


async def test_clock_jumps(tmp_path: Path) -> None:
    with standin("--mean", "0.05") as judge, service(tmp_path, judge, before=JUMPING) as running:
        for turn in range(4):
            items = fresh(f"clock {turn}", 60)
            assert wrong(items, await ask(running.url, items)) == []
            await asyncio.sleep(0.15)


async def test_sandbox_workers_killed_at_random(tmp_path: Path) -> None:
    source = (
        "def check_following(instruction, response):\n"
        "    return sum(1 for c in response for _ in range(50) if c == 'x') >= 100\n"
    )
    constraint = CheckerConstraint(text="two x", source=source)
    items = [
        Item(
            id=str(n),
            instruction=Instruction(id=str(n), prompt=f"p {n // 8}", constraints=(constraint,)),
            response=Response(text=f"{'xx' if n % 2 else 'x'} {n} " + "y" * 200),
        )
        for n in range(400)
    ]
    with service(tmp_path, None, chosen=recipe(judge="none"), cache=False) as running:
        stop = threading.Event()
        killed = []

        def kill() -> None:
            service_process = psutil.Process(running.process.pid)
            while not stop.wait(0.1):
                children = service_process.children(recursive=True)
                if children:
                    victim = random.choice(children)
                    victim.kill()
                    killed.append(victim.pid)

        thread = threading.Thread(target=kill)
        thread.start()
        try:
            for _ in range(5):
                found = await ask(running.url, items)
                assert len(found) == len(items)
                for one in items:
                    answer = found[one.id].reward
                    assert answer.state == "error" or answer.value == float(int(one.id) % 2)
        finally:
            stop.set()
            thread.join()
        assert killed
        found = await ask(running.url, items)
        assert all(found[one.id].reward.value == float(int(one.id) % 2) for one in items)
        async with VerifierClient(running.url) as client:
            assert (await client.metrics())["verif_sandbox_restarts_total"] > 0, "the alert's metric is real"


async def test_four_thousand_requests_at_once(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 65536), hard))
    with (
        standin() as judge,
        service(tmp_path, judge, chosen=recipe(judge_deadline_s=60), max_pending=500) as running,
    ):
        items = [
            item(n % 50, f"{'good' if n % 2 else 'bad'} {n % 500}").model_copy(update={"id": str(n)})
            for n in range(4_000)
        ]
        clients = [VerifierClient(running.url) for _ in range(4)]

        async def one(n: int) -> None:
            async for answer in clients[n % 4].verify([items[n]]):
                found[answer.id] = answer

        found: dict = {}
        await asyncio.gather(*(one(n) for n in range(len(items))))
        metrics = await clients[0].metrics()
        for client in clients:
            await client.close()
        assert wrong(items, found) == []
        assert metrics['verif_requests_total{status="429"}'] > 0, "admission control was needed"
        assert metrics["verif_pending_items"] == 0
        assert 0 < metrics["verif_pending_items_peak"] <= 500, "the bound is a bound"
        assert metrics['verif_verifications_total{state="scored"}'] == metrics["verif_items_total"]
        assert metrics["verif_judge_calls_total"] <= 600
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


async def test_two_hundred_large_requests_at_once(tmp_path: Path) -> None:
    """Requests of 64 items each: what is admitted together stays within the bound as well."""
    with (
        standin("--mean", "0.05") as judge,
        service(tmp_path, judge, chosen=recipe(judge_deadline_s=60), max_pending=500) as running,
    ):
        items = [
            item(n % 50, f"{'good' if n % 2 else 'bad'} {n % 500}").model_copy(update={"id": str(n)})
            for n in range(200 * 64)
        ]
        async with VerifierClient(running.url, parallel=200) as client:
            found = {answer.id: answer async for answer in client.verify(items)}
            metrics = await client.metrics()
        assert wrong(items, found) == []
        assert metrics['verif_requests_total{status="429"}'] > 0, "admission control was needed"
        assert 0 < metrics["verif_pending_items_peak"] <= 500
        assert metrics["verif_pending_items"] == 0


def test_judge_ends_with_a_killed_service(tmp_path: Path) -> None:
    """What the kernel guarantees for the judge of a killed service: the child gets SIGTERM."""
    from verif.system.serving import _TIED

    parent = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import subprocess, sys, os, time\n"
            f"line = [sys.executable, '-c', {_TIED!r}, str(os.getpid()), 'sleep', '1000']\n"
            "p = subprocess.Popen(line, start_new_session=True)\n"
            "print(p.pid, flush=True); time.sleep(1000)",
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    time.sleep(0.3)
    assert psutil.pid_exists(child)
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()
    for _ in range(50):
        if not psutil.pid_exists(child) or psutil.Process(child).status() == psutil.STATUS_ZOMBIE:
            break
        time.sleep(0.1)
    else:
        os.kill(child, signal.SIGKILL)
        raise AssertionError("the child outlived its killed parent")


def test_lease_file_is_json(running: Service) -> None:
    assert json.loads((running.folder / "lease.json").read_text())["url"] == running.url
