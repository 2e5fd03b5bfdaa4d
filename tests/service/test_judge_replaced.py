"""A judge that dies is replaced for as long as the service lives, and the service answers meanwhile."""

import asyncio
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from verif.service import __main__ as service


class Dying:
    """A judge that is dead whenever somebody looks; ending what is left of it takes its time."""

    url, log, name = "http://127.0.0.1:1/v1", Path("judge.log"), "judge"

    def __init__(self, stop_s: float = 0.0) -> None:
        self.process, self.stop_s = SimpleNamespace(returncode=-9), stop_s

    def alive(self) -> bool:
        return False

    def wait_ready(self, _: float) -> None:
        return None

    def stop(self, _: float = 0.0) -> None:
        time.sleep(self.stop_s)


@pytest.fixture
def starts(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    found: list[int] = []

    async def proven(*_: object) -> str:
        return ""

    def start(_: object, port: int) -> Dying:
        found.append(port)
        return Dying(0.3 if len(found) < 2 else 0.0)

    monkeypatch.setattr(service, "LOOK_EVERY_S", 0.0)
    monkeypatch.setattr(service, "start_judge", start)
    monkeypatch.setattr(service.Supervisor, "_prove", proven)
    return found


def supervisor(judge: Dying) -> service.Supervisor:
    return service.Supervisor(SimpleNamespace(), None, judge)  # type: ignore[arg-type]


@pytest.mark.slow
async def test_one_that_always_dies_at_once_ends_the_service(starts: list[int]) -> None:
    watched, state = supervisor(Dying()), SimpleNamespace(problem="", closing=False)
    await asyncio.wait_for(watched._watch_judge(state), 20)  # type: ignore[arg-type]
    assert len(starts) == service.MAX_QUICK_DEATHS - 1
    assert "died 20 times in a row" in watched.failure
    assert state.closing


@pytest.mark.slow
async def test_deaths_far_apart_are_never_too_many(
    starts: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "STEADY_S", -1.0)  # every judge has worked for long enough
    watched, state = supervisor(Dying()), SimpleNamespace(problem="", closing=False)
    task = asyncio.create_task(watched._watch_judge(state))  # type: ignore[arg-type]
    async with asyncio.timeout(20):
        while len(starts) < 3 * service.MAX_QUICK_DEATHS:
            await asyncio.sleep(0.01)
    task.cancel()
    assert not watched.failure
    assert not state.closing


@pytest.mark.slow
async def test_the_service_answers_while_what_is_left_of_a_judge_is_ended(starts: list[int]) -> None:
    watched = supervisor(Dying(stop_s=0.5))
    task = asyncio.create_task(watched._watch_judge(SimpleNamespace(problem="", closing=False)))  # type: ignore[arg-type]
    turns = 0
    async with asyncio.timeout(20):
        while not starts:
            await asyncio.sleep(0.01)
            turns += 1
    task.cancel()
    assert turns > 15, "the event loop stood still"
