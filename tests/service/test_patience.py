"""Short questions to a service that has stopped answering end: training must not wait for its counters."""

import socket
import time

import pytest

from verif.errors import ServiceError
from verif.service import client
from verif.training.launch import served


@pytest.fixture
def silent(monkeypatch: pytest.MonkeyPatch):
    """The address of something that takes connections and says nothing."""
    monkeypatch.setattr(client, "ASK_S", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


def test_counters_are_asked_for_and_not_waited_for(silent: str) -> None:
    begun = time.monotonic()
    assert served(silent) == {}
    assert time.monotonic() - begun < 10


async def test_an_identity_that_does_not_come_is_an_error(silent: str) -> None:
    async with client.VerifierClient(silent) as asking:
        with pytest.raises(ServiceError, match="no verifier at"):
            await asking.identity()
