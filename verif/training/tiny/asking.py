"""A tiny judge asked in this process: for a judge that is still being made, a server's start would take longer.

It stands where `verif.core.judge.client.JudgeClient` stands, so that everything about a verdict (prompt, marker,
reading, errors) is what it is behind a server. What arrives together is answered as one batch.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path

from verif.core.judge.client import JudgeAnswer
from verif.training.tiny.inference import load, sample

BATCH = 128
GATHER_S = 0.02
"""Questions come as the rules finish; a batch waits that long for more of them."""


class TinyClient:
    """Greedy answers of the model in `folder`, of at most `tokens` tokens."""

    def __init__(self, folder: Path, tokens: int = 64) -> None:
        self._model, self._tokens = load(folder), tokens
        self._waiting: list[tuple[str, asyncio.Future[str]]] = []
        self._worker: asyncio.Task[None] | None = None

    async def judge(self, messages: Sequence[dict[str, str]], *, seed: int = 0) -> JudgeAnswer:  # noqa: ARG002
        """The model's answer; the seed changes nothing, since nothing is drawn."""
        began = time.monotonic()
        future: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._waiting.append(("\n".join(turn["content"] for turn in messages), future))
        if self._worker is None or self._worker.done():
            self._worker = asyncio.create_task(self._work())
        return JudgeAnswer(text=await future, seconds=time.monotonic() - began)

    async def close(self) -> None:
        """Nothing is held but memory."""

    async def _work(self) -> None:
        """Answer what waits, alike in length together; whatever goes wrong is told to those who wait."""
        while self._waiting:
            await asyncio.sleep(GATHER_S)
            self._waiting.sort(key=lambda question: len(question[0]))
            now, self._waiting = self._waiting[:BATCH], self._waiting[BATCH:]
            prompts = [prompt for prompt, _ in now]
            try:
                texts = await asyncio.to_thread(
                    sample, self._model, prompts, temperature=0.0, tokens=self._tokens, batch=BATCH
                )
            except BaseException as error:
                for _, future in now:
                    if not future.done():
                        future.set_exception(error)
                raise
            for (_, future), text in zip(now, texts, strict=True):
                if not future.done():
                    future.set_result(text)
