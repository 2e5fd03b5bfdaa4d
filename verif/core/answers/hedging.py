"""Answers that take back what they show, or show two things where one is asked for.

Who compares expressions reads of a text what it can: of `5 is not the answer`, `6 \\(5\\)` and `x = 6 y = 5` the five.
Such an answer fails by rule, and no model is asked about it.
"""

from __future__ import annotations

import re

from verif.core.answers.tokens import tokens

HEDGED = "takes back what it says, or says two things"
_DOUBT = frozenset(
    {
        "not",
        "isn",
        "aren",
        "wasn",
        "cannot",
        "wrong",
        "incorrect",
        "false",
        "maybe",
        "perhap",
        "possibly",
        "unsure",
        "≠",
    }
)
"""Words of denial and doubt, as tokens have them: without the s of a plural."""
_MARKED = re.compile(r"\\\(([^()\\]{0,200})\\\)|\\\[([^\[\]\\]{0,200})\\\]|\$([^$]{1,200})\$")
_GIVEN = re.compile(r"=\s{0,4}[^\s=,;]{1,60}\s{1,4}[A-Za-z]\s{0,4}=(?!=)")


def hedged(reference: str, answer: str) -> bool:
    """Whether an answer with a value denies or doubts it, or gives a second one beside it; what the reference says, too, is none.

    >>> [hedged("5", text) for text in ("5 is not the answer", "6 \\\\(5\\\\)", "x=6 y=5", "$5$ apples", "x = 2 + 3 = 5")]
    [True, True, True, False, False]
    """
    asked, given = tokens(reference), tokens(answer)
    if not any(token.kind == "number" for token in given):
        return False
    words = {token.text for token in given if token.kind != "number"}
    if words & _DOUBT - {token.text for token in asked}:
        return True
    if _GIVEN.search(answer) and not _GIVEN.search(reference):
        return True
    inside = "".join(match[0] for match in _MARKED.finditer(answer))
    both = any(map(str.isdigit, inside)) and any(map(str.isdigit, _MARKED.sub(" ", answer)))
    return both and not _MARKED.search(reference)
