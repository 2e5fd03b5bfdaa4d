"""`judgement:*`: a judge's own answer, where the truth is known: what reinforcement teaches a judge with.

An answer is read as strictly as the verifier reads its judge's (`verif.core.judge.verdict`; a test holds the two
together): reasoning up to one `</think>`, then one JSON object and nothing else. It is read here once more so that a
change there is no change of every rule, and the other way round.
"""

from __future__ import annotations

import json
from typing import Any, Literal

from verif.core.rules.registry import Outcome, Params, rule
from verif.core.text import Doc

END = "</think>"


class Verdict(Params):
    """What is true of the response that the judge was asked about."""

    expected: Literal["pass", "fail"]


class Better(Params):
    """Which of two responses is better, by the letter it stood under."""

    expected: Literal["A", "B"]


def said(text: str, key: str, choices: tuple[str, ...]) -> str:
    """What a judge's answer says under `key`, or "" where it is not one object with one of the choices.

    A reason may stand beside it.
    """
    segments = text.split(END)
    final = segments[-1].strip()
    if len(segments) > 2 or (len(segments) == 1 and "<think>" in final):
        return ""
    try:
        value = json.loads(final, object_pairs_hook=_unique)
    except (ValueError, RecursionError):
        return ""
    if not isinstance(value, dict) or not {key} <= set(value) <= {key, "reason"}:
        return ""
    if not isinstance(value.get("reason", ""), str) or value[key] not in choices:
        return ""
    return str(value[key])


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len({key for key, _ in pairs}) != len(pairs):
        raise ValueError("a key stands twice")
    return dict(pairs)


def _outcome(answer: str, expected: str) -> Outcome:
    shown = answer or "nothing that can be read"
    return Outcome(answer == expected, f"said {shown}, expected {expected}", {"said": answer})


@rule(
    "judgement:verdict",
    Verdict,
    asks='End with {{"verdict": "{expected}"}}.',
    example=(
        {"expected": "fail"},
        'The tone is wrong.</think>{"verdict": "fail"}',
        'The tone is wrong.</think>{"verdict": "pass"}',
    ),
)
def verdict(doc: Doc, params: Verdict) -> Outcome:
    """A judge's verdict on one response is the right one; an answer that cannot be read is not."""
    return _outcome(said(doc.text, "verdict", ("pass", "fail")), params.expected)


@rule(
    "judgement:better",
    Better,
    asks='End with {{"better": "{expected}"}}.',
    example=({"expected": "B"}, '</think>{"better": "B"}', '</think>{"better": "A"}'),
)
def better(doc: Doc, params: Better) -> Outcome:
    """A judge prefers the right one of two responses; a tie and an answer that cannot be read are wrong."""
    return _outcome(said(doc.text, "better", ("A", "B", "tie")), params.expected)
