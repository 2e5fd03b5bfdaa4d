"""A sequence classifier behind vLLM's `/classify`, asked about a reference and a final answer.

Its last class is "the same" (with two classes: 1), or, with one class, its only probability. What is sent is one text
of three parts; a model is trained on just this form (`text_of`).
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Sequence
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from verif.core.answers.hybrid import Likeness, Pair
from verif.core.deciding import code_digest
from verif.core.judge.client import Again, JudgeClient
from verif.core.judge.endpoint import Endpoint
from verif.core.judge.prompt import harmless
from verif.core.judge.reply import JudgeAnswer
from verif.system.files import digest
from verif.types import Cost

LONGEST_QUESTION = 2_000
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]


class _Typed(BaseModel):
    """Values are of their types, not like them; other fields are nobody's business."""

    model_config = ConfigDict(strict=True, frozen=True)


class _Class(_Typed):
    probs: list[Share] = Field(min_length=1, max_length=2)


class _Classified(_Typed):
    data: list[_Class] = Field(min_length=1, max_length=1)


def classifier_part(model_digest: str) -> str:
    """The identity of the classifier."""
    return f"classifier:{digest([code_digest('judge'), model_digest, LONGEST_QUESTION])}"


def text_of(pair: Pair) -> str:
    """What the classifier reads.

    >>> text_of(Pair("How many?", "12", "a dozen"))
    'Question: How many?\\nReference: 12\\nAnswer: a dozen'
    """
    question, reference, answer = (
        harmless(part) for part in (pair.question[-LONGEST_QUESTION:], pair.reference, pair.answer)
    )
    return f"Question: {question}\nReference: {reference}\nAnswer: {answer}"


class Classifier:
    """Asks the served classifier about a pair. Raises `JudgeError` where it gives no probability."""

    def __init__(self, urls: Sequence[str], model_digest: str, deadline_s: float, key_variable: str) -> None:
        self.part = classifier_part(model_digest)
        self.client = _ClassifyClient(urls, "judge", deadline_s=deadline_s, key_variable=key_variable)

    async def likeness(self, pair: Pair) -> Likeness:
        """The probability of the last class."""
        reply = await self.client.judge([{"role": "user", "content": text_of(pair)}])
        return Likeness(float(reply.text), Cost(seconds=reply.seconds))

    async def close(self) -> None:
        """Close the connections."""
        await self.client.close()


class _ClassifyClient(JudgeClient):
    """The judge's client at another end point: its text is the probability, as a number."""

    async def _send(self, endpoint: Endpoint, messages: Sequence[dict[str, str]], seed: int) -> JudgeAnswer:  # noqa: ARG002 - a classifier draws nothing
        asked = {"model": self.model, "input": messages[-1]["content"]}
        begun = time.monotonic()
        url = f"{endpoint.url.removesuffix('/v1')}/classify"
        raw = await self._post(url, asked, f"verif-{uuid.uuid4().hex}")
        try:
            classified = _Classified.model_validate_json(raw)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False, include_context=False)[0]
            said = f"{'.'.join(map(str, first['loc'][:4]))[:60]}: {first['msg'][:100]}"
            raise Again(f"the classifier sent no probabilities ({said}).", healthy=None) from None
        return JudgeAnswer(repr(classified.data[0].probs[-1]), time.monotonic() - begun)
