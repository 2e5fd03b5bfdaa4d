"""What a server did not charge is asked again; what it may have charged is told at once, so that somebody counts it."""

from __future__ import annotations

import aiohttp
import pytest

from benchmarks.build_standin import BuildStandin, serving
from verif.core.judge.client import JudgeClient
from verif.data.builder.client import ChargedError, PaidClient
from verif.errors import JudgeError

TALK = [{"role": "system", "content": "You judge."}, {"role": "user", "content": "Is 29 even?"}]


async def ask(url: str, deadline: float) -> int:
    """How many attempts one question took, if it ended well."""
    client = PaidClient([url], "m", deadline_s=deadline)
    try:
        await client.judge(TALK)
        return client.counts["calls"]
    finally:
        await client.close()


async def test_an_answer_that_is_no_completion_is_not_asked_for_again() -> None:
    with serving(BuildStandin(fault="broken", share=1.0)) as standin:
        with pytest.raises(ChargedError, match="no chat completion"):
            await ask(standin.url, 5.0)
        assert sum(standin.asked.values()) == 1


async def test_a_server_that_is_too_slow_may_charge() -> None:
    with serving(BuildStandin(seconds=0.6)) as standin:
        with pytest.raises(ChargedError, match=r"hung|within 0\.2 s"):
            await ask(standin.url, 0.2)
        assert await ask(standin.url, 0.8) == 1, "the first attempt has all the time"


@pytest.mark.parametrize("fault", ["429", "500"])
async def test_a_refusal_costs_nothing_and_is_tried_again(fault: str) -> None:
    with serving(BuildStandin(fault=fault, share=0.5)) as standin:  # of this question the first attempt
        assert await ask(standin.url, 30.0) == 2


async def test_a_server_that_is_not_there_charges_nothing() -> None:
    with pytest.raises(JudgeError) as caught:
        await ask("http://127.0.0.1:9/v1", 0.3)
    assert not isinstance(caught.value, ChargedError)


async def test_a_gateway_that_gave_up_on_its_server_may_charge() -> None:
    with serving(BuildStandin(fault="504", share=1.0)) as standin:
        with pytest.raises(ChargedError, match="504"):
            await ask(standin.url, 5.0)
        assert sum(standin.asked.values()) == 1


async def test_a_connection_that_is_never_made_charges_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A host that drops packets, as a firewall does."""

    async def dropped(*_: object) -> None:
        raise aiohttp.ConnectionTimeoutError

    monkeypatch.setattr(JudgeClient, "_send", dropped)
    with pytest.raises(JudgeError) as caught:
        await ask("http://127.0.0.1:9/v1", 0.3)
    assert not isinstance(caught.value, ChargedError)
