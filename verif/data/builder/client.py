"""The judge's client for calls that cost money: it asks again by itself only where the server cannot have charged.

A refusal by status (HTTP 429, 500, ...) or a server that was not reached costs nothing. A question that the server had is
another matter: an answer that is no completion, a connection that broke, a deadline, a gateway that gave up on the server.
Whoever pays must count those.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import aiohttp

from verif.core.judge.client import Again, JudgeAnswer, JudgeClient
from verif.core.judge.endpoint import Endpoint
from verif.errors import JudgeError

GATEWAYS = (502, 504, 520, 522, 524)
"""Statuses by which a gateway gives up on a server that may have answered, and may charge for it."""


class ChargedError(JudgeError):
    """The server had the question, gave no answer that can be used, and may charge for it."""


@dataclass(slots=True)
class _Attempt:
    """Of one question: whether its last attempt may be charged."""

    charged: bool = False


_ATTEMPT: ContextVar[_Attempt] = ContextVar("attempt")
"""A question with all its attempts lives in one task."""


class PaidClient(JudgeClient):
    """As `JudgeClient`; a failure that may be charged is a `ChargedError` at once, any other is tried again as ever."""

    async def judge(self, messages: Sequence[dict[str, str]], *, seed: int = 0) -> JudgeAnswer:
        """The model's answer; `ChargedError` or `JudgeError` where there is none."""
        attempt = _Attempt()
        token = _ATTEMPT.set(attempt)
        try:
            return await super().judge(messages, seed=seed)
        except JudgeError as error:
            if attempt.charged:
                raise ChargedError(error.message, error.hint) from None
            raise
        finally:
            _ATTEMPT.reset(token)

    async def _once(self, question: Any, seconds: float) -> JudgeAnswer:
        del seconds  # no attempt follows one that hung: it has all the time there is
        try:
            return await super()._once(question, self.deadline_s)
        except Again as error:
            if _ATTEMPT.get().charged:
                raise JudgeError(error.message, error.hint) from None
            raise

    async def _send(self, endpoint: Endpoint, messages: Sequence[dict[str, str]], seed: int) -> JudgeAnswer:
        attempt = _ATTEMPT.get()
        attempt.charged = True
        try:
            return await super()._send(endpoint, messages, seed)
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError):  # nobody was there
            attempt.charged = False
            raise

    def _refusal(self, status: int, url: str, headers: Mapping[str, str], raw: bytes) -> JudgeError:
        _ATTEMPT.get().charged = status in GATEWAYS
        return super()._refusal(status, url, headers, raw)
