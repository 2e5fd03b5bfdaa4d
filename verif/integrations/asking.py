"""What all integrations do: verify the rows of a batch, in this process or at a running service."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache

from verif.core.once import verify_many
from verif.core.verifies import Verifies
from verif.types import Formula, Item, Reasoning, Verification

URL_VARIABLE = "VERIF_VERIFIER_URL"


class Asker:
    """Verifies items by `verifier`, at the service of `url`, or here.

    Without `url` the one in the environment counts (`VERIF_VERIFIER_URL`); "" verifies here: rules and checkers, by
    `formula`. Soft constraints need a service, or a verifier with a judge; their formula is the one that counts then.
    """

    def __init__(
        self,
        url: str | None = None,
        *,
        verifier: Verifies | None = None,
        formula: Formula = "average",
        reasoning: Reasoning = "auto",
        patience_s: float = 300.0,
    ) -> None:
        self.verifier, self.formula, self.reasoning = verifier, formula, reasoning
        self._close: Callable[[], Awaitable[None]] | None = None
        url = os.environ.get(URL_VARIABLE, "") if url is None else url
        if url and verifier is None:
            from verif.service.client import VerifierClient

            client = VerifierClient(url, patience_s=patience_s)
            self.verifier, self._close = client, client.close

    async def ask(self, items: Sequence[Item]) -> list[Verification]:
        """One verification per item, in their order; the items' ids must differ."""
        if self.verifier is None:
            return await asyncio.to_thread(self.ask_now, items)
        answers = {answer.id: answer async for answer in self.verifier.verify(items)}
        return [answers[item.id] for item in items]

    def ask_now(self, items: Sequence[Item]) -> list[Verification]:
        """As `ask`, for a caller that does not wait; it may stand in a running loop."""
        if self.verifier is None:
            return verify_many(items, formula=self.formula, reasoning=self.reasoning)
        with ThreadPoolExecutor(1) as pool:
            return pool.submit(asyncio.run, self._ask_once(items)).result()

    async def _ask_once(self, items: Sequence[Item]) -> list[Verification]:
        try:
            return await self.ask(items)
        finally:  # connections end with the loop that opened them
            if self._close:
                await self._close()


@lru_cache(16)
def asker_at(url: str | None, formula: Formula, reasoning: Reasoning, patience_s: float) -> Asker:
    """One `Asker` for all that ask with these settings."""
    return Asker(url, formula=formula, reasoning=reasoning, patience_s=patience_s)
