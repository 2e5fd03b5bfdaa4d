"""Responses through vLLM's OpenAI-compatible API: resumable, and the same for the same seed.

Every answer is appended to a file the moment it arrives, under the digest of what was asked; an interrupted
evaluation reads that file first, so nothing is generated twice. A sampled answer's seed comes from the recipe's
seed and the case, never from the order of requests.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import orjson

from verif.errors import BusyError, ServiceError
from verif.evaluation.case import Case, Generation, Messages, conversation, waves
from verif.evaluation.progress import progress
from verif.system.files import digest
from verif.system.kept_lines import KeptLines, whole_lines

log = logging.getLogger("verif.evaluation")

CONCURRENCY = 64
ATTEMPTS = 3
TIMEOUT_S = 600.0
MOST_LINE = 1 << 26


@dataclass(frozen=True)
class Sampling:
    """How answers are drawn. Temperature 0 is greedy; `tokens` is the most an answer may have."""

    mode: str
    temperature: float
    tokens: int
    seed: int

    def body(self, key: str) -> dict[str, Any]:
        """The request's sampling fields; `key` makes the seed of one answer its own."""
        fields: dict[str, Any] = {"max_tokens": self.tokens, "temperature": self.temperature, "top_p": 1.0}
        if self.temperature > 0:
            fields["seed"] = int(digest([self.seed, key])[:7], 16)
        return fields


class AnswerFile:
    """Answers on disk, one JSON line each, by the digest of what was asked. A torn last line is cut off.

    They can be had again, so nobody waits for the disk at each, and what follows a line that is none is asked anew.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.answers: dict[str, Generation] = {}
        busy = BusyError(f"another run writes {path}.", "Wait for it, or end it.")
        room = "Make room; the same command goes on."
        self._lines = KeptLines(path, "answer", elsewhere="Is the folder yours?", room=room, busy=busy)
        good = 0
        for line in whole_lines(path, MOST_LINE):
            try:
                row = orjson.loads(line)
                key = row.pop("key")
                answer = Generation(**row)
            except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError):
                break
            self.answers[key] = answer
            good += len(line)
        self._lines.cut(good)

    def add(self, key: str, answer: Generation) -> None:
        """Keep an answer; one write, so that a kill leaves at most a torn last line."""
        line = orjson.dumps({"key": key, **asdict(answer)}, option=orjson.OPT_APPEND_NEWLINE)
        self._lines.add(line, wait=False)
        self.answers[key] = answer

    def close(self) -> None:
        """Make sure of the disk and close."""
        try:
            self._lines.settle()
        finally:
            self._lines.close()


def key_of(case: Case, messages: Messages, sampling: Sampling) -> str:
    """What an answer depends on, besides the model (which names the file)."""
    return digest([case.id, messages, asdict(sampling)])


def stored(cases: Sequence[Case], sampling: Sampling, file: AnswerFile) -> dict[str, Generation] | None:
    """All answers from the file, or None if one is missing (then a server is needed)."""
    known, out = {case.id: case for case in cases}, dict[str, Generation]()
    for wave in waves(cases):
        for case in wave:
            known_answer = file.answers.get(key_of(case, conversation(case, known, out), sampling))
            if known_answer is None:
                return None
            out[case.id] = known_answer
    return out


def generate(
    cases: Sequence[Case], sampling: Sampling, file: AnswerFile, *, url: str, model: str, label: str
) -> dict[str, Generation]:
    """An answer per case id, from the file where it has one and from the server at `url` where not.

    Raises `ServiceError` if the server stops answering; what has arrived is kept.
    """
    try:
        return asyncio.run(_generate(cases, sampling, file, url, model, label))
    except BaseExceptionGroup as group:
        first: BaseException = group
        while isinstance(first, BaseExceptionGroup):
            first = first.exceptions[0]
        raise first from None


async def _generate(
    cases: Sequence[Case], sampling: Sampling, file: AnswerFile, url: str, model: str, label: str
) -> dict[str, Generation]:
    import aiohttp

    known, answers = {case.id: case for case in cases}, dict[str, Generation]()
    gate, done = asyncio.Semaphore(CONCURRENCY), 0
    timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
    connector = aiohttp.TCPConnector(limit=CONCURRENCY)
    async with aiohttp.ClientSession(timeout=timeout, connector=connector) as session:
        with progress(label, len(cases)) as update:

            async def answer_case(case: Case) -> None:
                nonlocal done
                messages = conversation(case, known, answers)
                key = key_of(case, messages, sampling)
                answer = file.answers.get(key)
                if answer is None:
                    body = {"model": model, "messages": messages, **sampling.body(key)}
                    async with gate:
                        answer = await _ask(session, url, body)
                    file.add(key, answer)
                answers[case.id] = answer
                done += 1
                update(done)

            for wave in waves(cases):
                async with asyncio.TaskGroup() as group:
                    for case in wave:
                        group.create_task(answer_case(case))
    return answers


async def _ask(session: Any, url: str, body: dict[str, Any]) -> Generation:
    import aiohttp

    problem = ""
    for attempt in range(ATTEMPTS):
        try:
            async with session.post(f"{url}/chat/completions", json=body) as response:
                text = await response.text()
                if response.status == 400 and "context length" in text:
                    return Generation(
                        "", finished=False, note="the prompt is longer than the model's context"
                    )
                if response.status == 200:
                    reply = orjson.loads(text)
                    choice = reply["choices"][0]
                    return Generation(
                        choice["message"]["content"] or "",
                        choice["finish_reason"] == "stop",
                        int(reply["usage"]["completion_tokens"]),
                    )
                problem = f"status {response.status}: {text[:300]}"
                if 400 <= response.status < 500:
                    break
        except (aiohttp.ClientError, TimeoutError, orjson.JSONDecodeError, KeyError, IndexError) as error:
            problem = f"{type(error).__name__}: {error}"
        await asyncio.sleep(0.5 * 2**attempt)
    raise ServiceError(
        f"the model server at {url} did not answer: {problem}.",
        "Look at its log; what was generated is kept, the same command continues.",
    )
