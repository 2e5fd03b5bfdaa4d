"""The stand-in judge and the service of `benchmarks/standins.py`, as fixtures."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from benchmarks.standins import (
    ROOT,
    Service,
    StandInJudge,
    address,
    ask,
    item,
    recipe,
    run_service,
    service,
    standin,
    start,
    wrong,
)

__all__ = [
    "ROOT",
    "Service",
    "StandInJudge",
    "address",
    "ask",
    "item",
    "judge",
    "recipe",
    "run_service",
    "running",
    "service",
    "standin",
    "start",
    "wrong",
]


@pytest.fixture(scope="module")
def judge() -> Iterator[StandInJudge]:
    """A stand-in judge, for the conftest that imports this."""
    with standin() as found:
        yield found


@pytest.fixture(scope="module")
def running(judge: StandInJudge, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service in front of it."""
    with service(tmp_path_factory.mktemp("service"), judge) as found:
        yield found
