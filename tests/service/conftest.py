"""A stand-in judge and a real verifier service, each in a process of its own on loopback."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from harness import Judge, Service, service, standin


@pytest.fixture(scope="module")
def judge() -> Iterator[Judge]:
    with standin() as found:
        yield found


@pytest.fixture(scope="module")
def running(judge: Judge, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with service(tmp_path_factory.mktemp("service"), judge) as found:
        yield found
