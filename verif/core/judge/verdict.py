"""The strict reading of a judge's answer.

An answer is free reasoning, `</think>`, and then exactly one JSON object: `{"verdict": "pass"}` or
`{"verdict": "fail"}`, with a one-line `"reason"` where it was asked for. Only the final segment is read, so
nothing a response planted in the reasoning counts. Everything else raises `JudgeError`: unfinished
reasoning, refusals, extra text, numbers, two verdicts, unknown or repeated keys. There is no fallback that
guesses: a guess would be a reward.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Literal

from verif.errors import JudgeError

END = "</think>"
MAX_REASON = 300
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "verdict": {"enum": ["pass", "fail"]},
        "reason": {"type": "string", "maxLength": MAX_REASON},
    },
    "required": ["verdict"],
    "additionalProperties": False,
}
"""What is sent to servers with structured outputs; `parse` does not rely on it."""


@dataclass(frozen=True, slots=True)
class ParsedVerdict:
    """A decided verdict and the judge's one-line reason (empty if none was given)."""

    verdict: Literal["pass", "fail"]
    reason: str = ""

    @property
    def passed(self) -> bool:
        """Whether the judge said pass."""
        return self.verdict == "pass"


def parse(text: str) -> ParsedVerdict:
    """The verdict in a judge's answer, or `JudgeError` naming what is wrong with it."""
    segments = text.split(END)
    if len(segments) > 2:
        raise JudgeError(f"the judge ended its reasoning {len(segments) - 1} times: {_excerpt(text)}")
    final = segments[-1].strip()
    if len(segments) == 1 and "<think>" in final:
        raise JudgeError(f"the judge did not finish its reasoning: {_excerpt(text)}")
    if not final:
        raise JudgeError("the judge gave no answer, or did not finish its reasoning.")
    if final.startswith(("```", "~~~")):
        raise JudgeError(f"the judge put its answer into a code fence, where none is read: {_excerpt(final)}")
    try:
        value = json.loads(final, object_pairs_hook=_unique)
    except (ValueError, RecursionError) as error:
        raise JudgeError(f"the judge's answer is not one JSON object ({error}): {_excerpt(final)}") from None
    if not isinstance(value, dict) or not {"verdict"} <= set(value) <= {"verdict", "reason"}:
        raise JudgeError(f"the judge's answer has the wrong shape: {_excerpt(final)}")
    verdict, reason = value["verdict"], value.get("reason", "")
    if verdict not in ("pass", "fail") or not isinstance(reason, str):
        raise JudgeError(f"the judge's verdict is neither pass nor fail: {_excerpt(final)}")
    return ParsedVerdict(verdict, " ".join(reason.split())[:MAX_REASON])


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len({key for key, _ in pairs}) != len(pairs):
        raise ValueError("a key stands twice")
    return dict(pairs)


def _excerpt(text: str) -> str:
    return repr(text if len(text) <= 120 else f"{text[:60]}…{text[-50:]}")
