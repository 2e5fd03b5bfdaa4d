"""A training takes its turn, and no trouble of Prefect's ends it: each is one line in the run's log."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from prefect.concurrency.asyncio import ConcurrencySlotAcquisitionError

from flows import turns
from verif.errors import ClusterError

REQUEST = httpx.Request("POST", "http://127.0.0.1:1/api")
BUSY = httpx.HTTPStatusError("locked", request=REQUEST, response=httpx.Response(423, request=REQUEST))
AWAY = httpx.ConnectError("All connection attempts failed")


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What Prefect answers to each question for the turn, and then what became of it."""
    answers: list[Any] = []

    @contextmanager
    def concurrency(name: str, occupy: int, max_retries: int | None) -> Iterator[None]:
        answer = answers.pop(0) if answers else None
        if isinstance(answer, Exception):
            raise ConcurrencySlotAcquisitionError(name) from answer
        answers.append(("taken", max_retries))
        yield
        answers.append("given back")

    monkeypatch.setattr(turns, "concurrency", concurrency)
    monkeypatch.setattr(turns, "get_run_logger", lambda: logging.getLogger("run"))
    monkeypatch.setattr(turns, "AGAIN_S", 0.0)
    monkeypatch.setattr(turns, "has_result", lambda *_, **__: False)
    monkeypatch.setattr(turns.progress, "shown", lambda _: contextmanager(lambda: iter([None]))())
    return answers


def train(root: Path) -> None:
    with turns.turn_of(root, "train")():
        pass


def test_a_free_turn_is_taken_and_given_back(server: list[Any], tmp_path: Path, caplog: Any) -> None:
    train(tmp_path)
    assert server == [("taken", 0), "given back"]
    assert caplog.messages == []


def test_a_training_that_waits_says_so_once_and_then_waits_for_as_long_as_it_takes(
    server: list[Any], tmp_path: Path, caplog: Any
) -> None:
    caplog.set_level(logging.INFO)
    server.append(BUSY)
    train(tmp_path)
    assert server == [("taken", None), "given back"]
    assert caplog.messages == ["Waits for the training that has this server's turn (limit `training`)."]


def test_a_server_that_is_away_is_asked_again(server: list[Any], tmp_path: Path, caplog: Any) -> None:
    server += [AWAY, AWAY, AWAY]
    train(tmp_path)
    assert server == [("taken", 0), "given back"]
    assert caplog.messages == ["Prefect does not answer (ConnectError): the training waits for it."]


def test_a_server_that_stays_away_ends_no_training(server: list[Any], caplog: Any) -> None:
    server += [AWAY, AWAY]
    assert turns._taken(patience_s=-1.0) is None
    assert "the training begins without its turn" in caplog.messages[-1]


@pytest.mark.parametrize("answer", [True, ClusterError("DVC could not be asked")])
def test_what_the_cache_knows_waits_for_nobody(
    server: list[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: Any
) -> None:
    def has_result(*_: Any, fetch: bool) -> bool:
        assert not fetch
        if isinstance(answer, Exception):
            raise answer
        return bool(answer)

    monkeypatch.setattr(turns, "has_result", has_result)
    train(tmp_path)
    assert (server == []) == (answer is True)


def test_a_turn_that_cannot_be_given_back_is_said(
    server: list[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    @contextmanager
    def concurrency(*_: Any, **__: Any) -> Iterator[None]:
        yield
        raise AWAY

    monkeypatch.setattr(turns, "concurrency", concurrency)
    train(tmp_path)
    assert caplog.messages == [f"Prefect did not take the training's turn back: {AWAY}"]


def test_what_the_page_does_not_get_is_said_and_ends_nothing(server: list[Any], caplog: Any) -> None:
    refused = httpx.HTTPStatusError(
        "413: too large\nmore", request=REQUEST, response=httpx.Response(413, request=REQUEST)
    )
    answers: list[Any] = [AWAY, RuntimeError("Failed to reach API at http://127.0.0.1:1/api"), None]

    def tell() -> None:
        if (answer := answers.pop(0)) is not None:
            raise answer

    assert turns.asked(tell, "the artifacts of train")
    answers += [refused]
    assert not turns.asked(tell, "the artifacts of train")
    answers += [AWAY]
    assert not turns.asked(tell, "the report", -1.0)
    assert caplog.messages == [
        "Prefect did not take the artifacts of train: 413: too large",
        f"Prefect did not take the report: {AWAY}",
    ]
    answers += [RuntimeError("ours")]
    with pytest.raises(RuntimeError, match="ours"):
        turns.asked(tell, "the report")


def test_only_a_training_has_to_wait(server: list[Any], tmp_path: Path) -> None:
    with turns.turn_of(tmp_path, "judge")():
        assert server == []
