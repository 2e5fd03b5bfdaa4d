"""The judge as a part of the verifier: constraints in, verdicts out, and an identity for the cache.

The identity is the digest of what its verdicts depend on: model, prompt, code, sampling, and the marker key.
The key is derived from that identity and the secret in `VERIF_MARKER_KEY` (empty by default). Without a
secret the markers are the same on every machine, which keeps verdicts comparable, and a policy could only
compute them if it knew model digest and HMAC; with a secret nobody can, and verdicts are comparable between
the machines that share it. Its digest is part of the identity, so the two never mix in one cache.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import math
import os
import re
from collections.abc import Sequence
from typing import Any, Protocol

from verif.core.deciding import code_digest
from verif.core.judge import prompt
from verif.core.judge.client import JudgeAnswer
from verif.core.judge.verdict import SCHEMA, ParsedVerdict, parse
from verif.errors import JudgeError
from verif.system.files import digest
from verif.types import Cost, Instruction, Response, Status, Verdict

SECRET_VARIABLE = "VERIF_MARKER_KEY"  # noqa: S105
_WORD = re.compile(r'"verdict" ?: ?"?([A-Za-z]+)')
_BLANKS = re.compile(r"\s+")
_TAIL = len('"verdict" : "') + 1
INLINE = 20_000
"""Prompts of more characters are made in a thread: an event loop that serves others must not wait for them."""
SEEDS = (0, 1)
"""The fixed sequence: an unparsable verdict is asked for once more with the next seed.

At temperature 0 that helps only where other company in the server's batch changes the last bits of a logit. A
warmer second attempt would say more, but the same bytes would get the same verdict only from servers that keep
to a seed.
"""


class Asks(Protocol):
    """What a judge needs of a client."""

    async def judge(self, messages: Sequence[dict[str, str]], *, seed: int = 0) -> JudgeAnswer:
        """The model's answer; raises `JudgeError`."""
        ...

    async def close(self) -> None:
        """Release connections."""
        ...


def sampling(template: str, max_tokens: int, parser: str = "") -> dict[str, Any]:
    """Request parameters of a prompt. The schema of a verdict is sent only to a server with a reasoning parser.

    Such a server (`parser` is its name) applies the schema after the reasoning. Any other would apply it from
    the first token, and the judge could not reason at all: there the text is read as it comes. The small local
    judge writes its verdict without a grammar.
    """
    parameters: dict[str, Any] = {"temperature": 0, "max_tokens": max_tokens}
    if parser and template != "local":
        schema = {"name": "verdict", "schema": SCHEMA, "strict": True}
        parameters["response_format"] = {"type": "json_schema", "json_schema": schema}
    return parameters


def judge_part(
    model_digest: str, template: str, parameters: dict[str, Any], secret: str, parser: str = ""
) -> str:
    """The identity of a judge, as it stands in its verdicts."""
    content: dict[str, Any] = {
        "code": code_digest("judge"),
        "model": model_digest,
        "prompt": prompt.prompt_digest(template),
        "sampling": [parameters, SEEDS],
        "secret": digest(["marker", secret]) if secret else "",
    }
    if parser:  # where the reasoning ends, and so what the schema leaves room for
        content["parser"] = parser
    return f"judge:{digest(content)}"


class Judge:
    """Asks a model for verdicts on soft constraints. Never raises for a judge's failure: that is a verdict `error`."""

    def __init__(
        self,
        client: Asks,
        *,
        template: str,
        model_digest: str,
        parameters: dict[str, Any],
        parser: str = "",
    ) -> None:
        secret = os.environ.get(SECRET_VARIABLE, "")
        self.client, self.template = client, template
        self.part = judge_part(model_digest, template, parameters, secret, parser)
        self._key = hmac.new(secret.encode(), self.part.encode(), hashlib.sha256).digest()

    def asks(self, soft: Sequence[int]) -> list[tuple[int, ...]]:
        """Which constraints go into which call: all in one, or one each, by the prompt."""
        if not soft:
            return []
        return [tuple(soft)] if prompt.is_joint(self.template) else [(index,) for index in soft]

    def key(self, instruction: Instruction, answer: str, indices: Sequence[int]) -> str:
        """What the verdict depends on, and nothing else: all constraints, since the marker is made of them."""
        texts = [constraint.text for constraint in instruction.constraints]
        asked = [texts[index] for index in indices]
        return digest([self.part, instruction.system, instruction.prompt, asked, texts, answer])

    async def ask(self, instruction: Instruction, answer: str, indices: Sequence[int]) -> Verdict:
        """One verdict that covers `indices`: pass, fail, or error with the reason."""
        size = len(answer) + len(instruction.prompt) + len(instruction.system)
        size += sum(len(constraint.text) for constraint in instruction.constraints)
        messages = (
            self._messages(instruction, answer, indices)
            if size <= INLINE
            else await asyncio.to_thread(self._messages, instruction, answer, indices)
        )
        cost, problem = Cost(), ""
        for seed in SEEDS:
            try:
                reply = await self.client.judge(messages, seed=seed)
            except JudgeError as error:
                return self._verdict(Status.ERROR, indices, str(error), cost)
            cost = Cost(
                seconds=cost.seconds + reply.seconds,
                prompt_tokens=cost.prompt_tokens + reply.prompt_tokens,
                completion_tokens=cost.completion_tokens + reply.completion_tokens,
            )
            try:
                parsed = parse(reply.text)
            except JudgeError as error:
                problem = str(error)
                continue
            status = Status.PASS if parsed.passed else Status.FAIL
            sure = confidence(reply)
            evidence = {} if sure is None else {"p_pass": round(sure, 6)}
            return self._verdict(status, indices, _reason(parsed, reply), cost, evidence)
        return self._verdict(Status.ERROR, indices, problem, cost)

    def _messages(
        self, instruction: Instruction, answer: str, indices: Sequence[int]
    ) -> list[dict[str, str]]:
        mark = prompt.marker(self._key, instruction, Response(text=answer))
        return prompt.render(self.template, instruction, indices, answer, mark)

    def _verdict(
        self,
        status: Status,
        indices: Sequence[int],
        reason: str,
        cost: Cost,
        evidence: dict[str, Any] | None = None,
    ) -> Verdict:
        return Verdict(
            status=status,
            covers=tuple(indices),
            reason=reason,
            evidence=evidence or {},
            part=self.part,
            cost=cost,
        )


def confidence(reply: JudgeAnswer) -> float | None:
    """The judge's probability of pass against fail where it wrote its verdict; None without log-probabilities."""
    tail = ""  # the end of what was written, white space shortened: more of it says nothing about this place
    for token in reply.logprobs:
        written = str(token.get("token", ""))
        if _begun(tail, written):
            weight = {"pass": 0.0, "fail": 0.0}
            for choice in token.get("top_logprobs") or [token]:
                start = _begun(tail, str(choice.get("token", "")))
                for word in weight:
                    if start and (word.startswith(start) or start.startswith(word)):
                        weight[word] += math.exp(float(choice.get("logprob", -math.inf)))
            total = sum(weight.values())
            return weight["pass"] / total if total else None
        tail = _BLANKS.sub(" ", tail + written)[-_TAIL:]
    return None


def _begun(tail: str, token: str) -> str:
    """What a token writes of the verdict's word after `tail`, empty if it does not reach it.

    A tokenizer may part the quote from the word, begin the word with it, or have one token for the whole verdict.
    """
    match = _WORD.search(_BLANKS.sub(" ", tail + token))
    return match[1] if match else ""


def _reason(parsed: ParsedVerdict, reply: JudgeAnswer) -> str:
    """The judge's own reason, else the last line of its reasoning."""
    if parsed.reason:
        return parsed.reason
    lines = reply.text.rpartition("</think>")[0].strip().splitlines()
    return lines[-1].strip()[:300] if lines else ""
