"""Checkers: the sandbox against VerIF's own path, and honest checkers among hostile ones.

Both paths get the same two cores, the same rows and the same 16 distinct real responses per row. Nothing is
cached or deduplicated: a source is read once, in the first round, and every round has other responses. The
other path is `exec` per check in two processes (`exec_path.py`), started once inside a jail, with the clock
inside; ours is timed from outside, everything included. Rounds alternate.
"""

from __future__ import annotations

import json
import os
import random
import socket
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

import psutil

from benchmarks.jail import Jailed
from verif.core.sandbox.hostile import attacks
from verif.core.sandbox.program import read
from verif.core.sandbox.sandbox import CheckResult, Sandbox
from verif.types import Status

ROOT = Path(__file__).resolve().parents[1]
DATA = Path(os.environ.get("VERIF_REFERENCE_DATA") or ROOT.parent / "shared" / "data")
WORKERS = 2
RESPONSES = 16
ROUNDS = 7
HONEST, HOSTILE, HOSTILE_SECONDS = 10_000, 1_000, 0.25
Group = tuple[str, list[str], list[str]]
Verdicts = list[list[list[bool | None]]]
CPU = {"exec": 0.0, "sandbox": 0.0}  # processor seconds of both paths, whoever else is using the machine
_DECIDED = {Status.PASS: True, Status.FAIL: False}


def load(data: Path, seed: int = 0) -> list[Group]:
    """(instruction, rule sources, 16 distinct responses) of every VerInstruct row that has rules."""
    lines = (
        (data / "ifeval" / "input_response_data_gpt4_20231107_145030.jsonl").read_text("utf-8").splitlines()
    )
    texts = sorted({json.loads(line)["response"] for line in lines})
    rng = random.Random(seed)
    groups = []
    for line in (data / "verinstruct" / "sample_200.jsonl").read_text("utf-8").splitlines():
        row = json.loads(line)
        pairs = zip(row["checkers"], row["functions"], strict=True)
        sources = [source for text, source in pairs if text.startswith("[rule]")]
        if sources:
            groups.append((row["prompt"], sources, rng.sample(texts, RESPONSES)))
    return groups


def ours(sandbox: Sandbox, groups: Sequence[Group]) -> tuple[float, list[list[list[CheckResult]]]]:
    """Seconds and results of the sandbox, one thread per worker."""
    started = time.perf_counter()
    with ThreadPoolExecutor(WORKERS) as threads:
        results = list(threads.map(lambda group: sandbox.check_group(*group), groups))
    return time.perf_counter() - started, results


def theirs(jailed: Sequence[Jailed], groups: Sequence[Group], batch: int = 8) -> tuple[float, Verdicts]:
    """Seconds (of the busier process, inside) and verdicts of exec per check; batches go to whichever is free."""
    queue: SimpleQueue[int] = SimpleQueue()
    for start in range(0, len(groups), batch):
        queue.put(start)
    verdicts: Verdicts = [[] for _ in groups]
    seconds = [0.0] * len(jailed)

    def work(which: int) -> None:
        while True:
            try:
                start = queue.get_nowait()
            except Empty:
                return
            answer = jailed[which].ask({"groups": groups[start : start + batch]})
            seconds[which] += answer["seconds"]
            CPU["exec"] += answer["cpu"]
            verdicts[start : start + batch] = answer["verdicts"]

    run_threads([partial(work, which) for which in range(len(jailed))])
    return max(seconds), verdicts


def processor_s() -> float:
    """Processor seconds of this process and its sandbox workers so far."""
    workers = [child for child in psutil.Process().children() if "monty" in child.name()]
    return time.process_time() + sum(sum(worker.cpu_times()[:2]) for worker in workers)


def run_threads(jobs: Sequence[Callable[[], None]]) -> None:
    with ThreadPoolExecutor(len(jobs)) as threads:
        for done in [threads.submit(job) for job in jobs]:
            done.result()


def decided(results: list[list[list[CheckResult]]]) -> Verdicts:
    return [[[_DECIDED.get(cell.status) for cell in row] for row in group] for group in results]


def differences(first: Verdicts, second: Verdicts) -> int:
    return sum(
        x is not y
        for group, other in zip(first, second, strict=True)
        for row, other_row in zip(group, other, strict=True)
        for x, y in zip(row, other_row, strict=True)
    )


def speed(data: Path) -> dict[str, float]:
    """`checks_vs_exec`: the median over rounds of (exec seconds / sandbox seconds)."""
    groups = load(data)
    read.cache_clear()  # round 1 reads and proves the sources too; later rounds bring new responses, as training does
    checks = sum(len(sources) * len(texts) for _, sources, texts in groups)
    jailed = [Jailed(Path(__file__).with_name("exec_path.py")) for _ in range(WORKERS)]
    ratios, rows = [], []
    CPU.update(exec=0.0, sandbox=0.0)
    try:
        with Sandbox(workers=WORKERS) as sandbox:
            for number in range(ROUNDS):
                groups = load(data, seed=number)
                exec_s, expected = theirs(jailed, groups)
                before = processor_s()
                our_s, results = ours(sandbox, groups)
                CPU["sandbox"] += processor_s() - before
                ratios.append(exec_s / our_s)
                rows.append((exec_s / checks * 1e6, our_s / checks * 1e6))
                different = differences(decided(results), expected)
                if different:
                    raise SystemExit(f"{different} of {checks} verdicts differ between the sandbox and exec")
    finally:
        for process in jailed:
            process.close()
    sources = [source for _, own, _ in groups for source in own]
    earned = sum(not read(source).problem and not read(source).alone for source in sources)
    for exec_us, our_us in rows:
        print(
            f"  exec {exec_us:6.1f} us/check   sandbox {our_us:6.1f} us/check   ratio {exec_us / our_us:.2f}"
        )
    each = {name: spent / ROUNDS / checks * 1e6 for name, spent in CPU.items()}
    print(
        f"  processor time a check: exec {each['exec']:.1f} us, sandbox {each['sandbox']:.1f} us (with ours)"
    )
    print(f"  {checks} checks a round, {len(groups)} rows with rules; verdicts equal on all of them")
    print(f"  grouping earned by {earned} of {len(sources)} checkers ({earned / len(sources):.1%})")
    return {"checks_vs_exec": round(statistics.median(ratios), 3)}


# ------------------------------------------------------------------------------------------- hostile
class Canaries:
    """A secret file, a variable, a port and a place for a file: what an escape would touch."""

    def __init__(self, folder: Path) -> None:
        self.secret = f"canary-{os.getpid()}-{random.SystemRandom().randrange(10**9)}"
        self.secret_file, self.new_file = folder / "secret", folder / "new"
        self.secret_file.write_text(self.secret)
        os.environ["VERIF_CANARY"] = self.secret
        self.connections = 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        while True:
            try:
                self.listener.accept()[0].close()
            except OSError:
                return
            self.connections += 1

    def values(self) -> dict[str, object]:
        """What the attacks are filled in with."""
        return {
            "secret_file": self.secret_file, "secret": self.secret, "new_file": self.new_file,
            "port": self.listener.getsockname()[1], "variable": "VERIF_CANARY",
        }  # fmt: skip

    def touched(self) -> int:
        """How many canaries show an escape."""
        secret_kept = self.secret_file.is_file() and self.secret_file.read_text() == self.secret
        return (not secret_kept) + self.new_file.exists() + self.connections

    def close(self) -> None:
        """End the listener."""
        self.listener.close()
        os.environ.pop("VERIF_CANARY", None)


def mixed(groups: Sequence[Group], hostile_sources: Sequence[str]) -> tuple[list[Group], list[Group]]:
    """The same honest checks twice: alone, and with one hostile checker in the middle of every group of ten."""
    rng = random.Random(1)
    honest = [(source, text) for _, sources, texts in groups for source in sources for text in texts]
    pool = [rng.choice(honest)[0] for _ in range(HONEST)]
    texts = [rng.choice(honest)[1] for _ in range(HOSTILE)]
    size = HONEST // HOSTILE
    alone, together = [], []
    for index in range(HOSTILE):
        own = pool[index * size : (index + 1) * size]
        hostile = f"{hostile_sources[index % len(hostile_sources)]}\n# {index}\n"
        alone.append(("Write.", own, [texts[index]]))
        together.append(("Write.", [*own[: size // 2], hostile, *own[size // 2 :]], [texts[index]]))
    return alone, together


def hostile(data: Path) -> dict[str, float]:
    """No escape, every honest verdict right (compared with jailed exec), and what it costs."""
    with tempfile.TemporaryDirectory() as folder:
        canaries = Canaries(Path(folder))
        corpus = attacks(**canaries.values())
        alone, together = mixed(load(data), [attack.source for attack in corpus])
        jailed = [Jailed(Path(__file__).with_name("exec_path.py")) for _ in range(WORKERS)]
        try:
            _, expected = theirs(jailed, alone)
            with Sandbox(workers=WORKERS, seconds=HOSTILE_SECONDS) as sandbox:
                ours(sandbox, alone[:20])
                honest_s, _ = ours(sandbox, alone)
                read.cache_clear()
                total_s, results = ours(sandbox, together)
        finally:
            for process in jailed:
                process.close()
        size = HONEST // HOSTILE
        kept = [[row[: size // 2] + row[size // 2 + 1 :] for row in group] for group in results]
        bad = [group[0][size // 2] for group in results]
        passed = sum(result.status is Status.PASS for result in bad)
        touched = canaries.touched()
        canaries.close()
    wrong = differences(decided(kept), expected)
    limits_s = HOSTILE * HOSTILE_SECONDS / WORKERS
    reached = sum(result.seconds > 0.9 * HOSTILE_SECONDS for result in bad)
    print(
        f"  {len(corpus)} kinds of attack, {HOSTILE} hostile among {HONEST} honest; limit {HOSTILE_SECONDS} s"
    )
    print(f"  {passed} attacks answered `pass`, {touched} canaries touched, {wrong} honest verdicts wrong")
    print(
        f"  honest alone {honest_s:.2f} s, together {total_s:.2f} s; {reached} hostile checkers ran into the time limit"
    )
    own = honest_s + reached * HOSTILE_SECONDS / WORKERS
    print(f"  counting only the limits that were reached: {total_s / own:.2f} times {own:.2f} s")
    return {
        "hostile_escapes": passed + touched,
        "hostile_wrong": wrong,
        "hostile_time_ratio": round(total_s / (honest_s + limits_s), 3),
    }


def measure(data: Path = DATA) -> dict[str, Any]:
    """The keys `checks_vs_exec`, `hostile_escapes`, `hostile_wrong` and `hostile_time_ratio`."""
    print("checkers, sandbox against exec per check")
    figures: dict[str, Any] = speed(data)
    print("hostile checkers among honest ones")
    return figures | hostile(data)


if __name__ == "__main__":
    print(json.dumps(measure()))
