"""A stand-in judge and a real verifier service, each in a process of its own on loopback: for benchmarks and tests."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from verif.recipe import parse_recipe
from verif.service.client import VerifierClient
from verif.service.config import ServiceConfig
from verif.system.serving import end_group
from verif.types import Instruction, Item, Response, RuleConstraint, SoftConstraint

ROOT = Path(__file__).resolve().parents[1]


def recipe(formula: str = "average", judge: str = "hub", **verifier: Any) -> Any:
    """A recipe whose judge is a hub model with a made-up digest (the tests supply its URL), or none."""
    model = {"kind": "hub", "repo": "test/judge", "digest": "0" * 8} if judge == "hub" else {"kind": "none"}
    return parse_recipe(
        {
            "name": "test",
            "data": {"kind": "world"},
            "policy": {"kind": "scratch"},
            "judge": model,
            "verifier": {"formula": formula, "prompt": "joint-en", "judge_deadline_s": 5.0, **verifier},
        },
        "test",
    )


def item(number: int, text: str, soft: bool = True, hard: bool = True) -> Item:
    """A response to an instruction; the stand-in judge says pass exactly when it contains "good"."""
    constraints: list[Any] = [RuleConstraint(text="No commas.", rule="punctuation:no_comma")] if hard else []
    if soft:
        constraints.append(SoftConstraint(text="Be good."))
    instruction = Instruction(id=f"i{number}", prompt=f"Write text {number}.", constraints=tuple(constraints))
    return Item(id=f"{number}", instruction=instruction, response=Response(text=text))


def start(line: list[str], **env: str) -> subprocess.Popen[str]:
    """A process in its own session whose first line of output is wanted."""
    return subprocess.Popen(
        [sys.executable, *line],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env={**os.environ, **env},
    )


@dataclass
class StandInJudge:
    """The stand-in: its address and its control."""

    url: str
    process: subprocess.Popen[str]

    def control(self, **body: Any) -> dict[str, Any]:
        """Set faults (`mode`, `count`, `match`), or `reset`; gives the statistics."""
        request = urllib.request.Request(
            f"{self.url}/control", json.dumps(body).encode(), {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            said: dict[str, Any] = json.load(answer)
            return said


@contextmanager
def standin(*arguments: str) -> Iterator[StandInJudge]:
    """A stand-in judge server for the length of the block."""
    process = start([str(ROOT / "benchmarks" / "standin_judge.py"), *arguments])
    try:
        assert process.stdout is not None
        yield StandInJudge(process.stdout.readline().strip(), process)
    finally:
        end_group(process, 2)
        process.wait()


@dataclass
class Service:
    """A service process, its address and folder."""

    url: str
    folder: Path
    process: subprocess.Popen[bytes]
    config: ServiceConfig


@contextmanager
def service(
    folder: Path,
    judge: StandInJudge | None,
    *,
    chosen: Any = None,
    wait: bool = True,
    before: str = "",
    **settings: Any,
) -> Iterator[Service]:
    """A service process for the length of the block."""
    folder.mkdir(parents=True, exist_ok=True)
    settings.setdefault("idle_s", 3600)  # tests ask without a lease, so they are no users
    config = ServiceConfig(
        recipe=chosen or recipe(),
        folder=folder,
        state=folder / "state",
        judge_url=f"{judge.url}/v1" if judge else "",
        probes=(item(0, "good text", soft=judge is not None),),
        **settings,
    )
    (folder / "config.json").write_text(config.model_dump_json(by_alias=True))
    process = run_service(folder, before)
    running = Service("", folder, process, config)
    try:
        running.url = address(folder, process) if wait else ""
        yield running
    finally:
        for leader in {process, running.process}:
            end_group(leader, 10)
            leader.wait()


def run_service(folder: Path, before: str = "", **env: str) -> subprocess.Popen[bytes]:
    """Start (again) the service configured in the folder; `before` is Python that runs first."""
    code = (
        f"{before}\nimport runpy, sys\nrunpy.run_module('verif.service', run_name='__main__', alter_sys=True)"
    )
    with (folder / "service.log").open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-c", code, str(folder / "config.json")],
            env={**os.environ, **env},
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def address(folder: Path, process: subprocess.Popen[bytes]) -> str:
    """The URL in the lease of that process, once it answers."""
    for _ in range(600):
        assert process.poll() is None, (folder / "service.log").read_text()
        try:
            lease = json.loads((folder / "lease.json").read_text())
            if lease["pid"] == process.pid:
                urllib.request.urlopen(lease["url"] + "/health", timeout=5).close()
                return str(lease["url"])
        except (OSError, ValueError):
            pass
        time.sleep(0.05)
    raise AssertionError((folder / "service.log").read_text())


async def ask(
    url: str, items: list[Item], *, token: str | None = None, patience_s: float = 60.0, **options: Any
) -> dict[str, Any]:
    """All verifications of some items, by id, from a client of the given URL."""
    async with VerifierClient(url, token, patience_s=patience_s) as client:
        return {verification.id: verification async for verification in client.verify(items, **options)}


def wrong(items: list[Item], answers: dict[str, Any], *, errors_allowed: bool = False) -> list[Any]:
    """Verifications that are missing, or whose reward is not the truth (errors, if allowed, are not rewards)."""
    bad: list[Any] = []
    for asked in items:
        answer = answers.get(asked.id)
        soft = any(c.kind == "soft" for c in asked.instruction.constraints)
        hard = 1.0 if "," not in asked.response.text else 0.0
        true = (hard + float("good" in asked.response.text)) / 2 if soft else hard
        if answer is None or (
            answer.reward.value != true and not (errors_allowed and answer.reward.state == "error")
        ):
            bad.append((asked.id, asked.response.text, answer and answer.reward))
    return bad
