"""A stand-in judge and a real verifier service, each in a process of its own on loopback."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from verif.recipe import parse_recipe
from verif.serving import end_group
from verif.service.config import ServiceConfig
from verif.types import Instruction, Item, Response, RuleConstraint, SoftConstraint

ROOT = Path(__file__).resolve().parents[2]


def recipe(formula: str = "average", **verifier: Any) -> Any:
    """A recipe whose judge is a hub model with a made-up digest: the tests supply its URL."""
    return parse_recipe(
        {
            "name": "test",
            "data": {"kind": "world"},
            "policy": {"kind": "scratch"},
            "judge": {"kind": "hub", "repo": "test/judge", "digest": "0" * 8},
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
        [sys.executable, *line], stdout=subprocess.PIPE, text=True, start_new_session=True, env={**os.environ, **env}
    )


@dataclass
class Judge:
    """The stand-in: its address and its control."""

    url: str
    process: subprocess.Popen[str]

    def control(self, **body: Any) -> dict[str, Any]:
        """Set faults (`mode`, `count`, `match`), or `reset`; gives the statistics."""
        request = urllib.request.Request(
            f"{self.url}/control", json.dumps(body).encode(), {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)


@contextmanager
def standin(*arguments: str) -> Iterator[Judge]:
    """A stand-in judge server for the length of the block."""
    process = start([str(ROOT / "benchmarks" / "standin_judge.py"), *arguments])
    try:
        assert process.stdout is not None
        yield Judge(process.stdout.readline().strip(), process)
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
def service(folder: Path, judge: Judge | None, *, chosen: Any = None, wait: bool = True, **settings: Any) -> Iterator[Service]:
    """A service process for the length of the block."""
    folder.mkdir(parents=True, exist_ok=True)
    config = ServiceConfig(
        recipe=chosen or recipe(),
        folder=folder,
        state=folder / "state",
        judge_url=f"{judge.url}/v1" if judge else "",
        probes=(item(0, "good text"),),
        **settings,
    )
    (folder / "config.json").write_text(config.model_dump_json(by_alias=True))
    process = run_service(folder)
    try:
        yield Service(address(folder, process) if wait else "", folder, process, config)
    finally:
        end_group(process, 10)
        process.wait()


def run_service(folder: Path) -> subprocess.Popen[bytes]:
    """Start (again) the service configured in the folder."""
    with (folder / "service.log").open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "verif.service", str(folder / "config.json")],
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


@pytest.fixture(scope="module")
def judge() -> Iterator[Judge]:
    with standin() as found:
        yield found


@pytest.fixture(scope="module")
def running(judge: Judge, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with service(tmp_path_factory.mktemp("service"), judge) as found:
        yield found


@pytest.fixture
def ask() -> Callable[..., Any]:
    """All verifications of some items, by id, from a client of the given URL."""

    async def all_of(url: str, items: list[Item], **options: Any) -> dict[str, Any]:
        from verif.service.client import VerifierClient

        patience = options.pop("patience_s", 60.0)
        async with VerifierClient(url, options.pop("token", None), patience_s=patience) as client:
            return {found.id: found async for found in client.verify(items, **options)}

    return all_of
