"""FollowBench's rows that a reference decides and no judge: the form of examples, or an answer (arXiv 2310.20410, sec. 3.3).

Each is decided as the authors' released code does it, to the letter, so that numbers compare: the form's answer
is one line (a correct answer over several lines does not match), and nothing is trimmed. Their checks of single
summaries (one example each of five sources, and two examples on format) are left to the judge.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable

Decide = Callable[[str, str], bool]
"""(reference, response) -> whether the response meets it."""


def in_form(template: str, text: str) -> bool:
    """The response is the template with anything on one line in the place of `{answer}`."""
    plain = template.replace("{{", "{").replace("}}", "}")
    before, hole, after = plain.partition("{answer}")
    if not hole:
        return text == plain
    answer = text[len(before) : len(text) - len(after)]
    fits = len(text) >= len(before) + len(after) and text.startswith(before) and text.endswith(after)
    return fits and "\n" not in answer


def equal(target: str, text: str) -> bool:
    """Letter for letter."""
    return text == target


def among_lines(target: str, text: str) -> bool:
    """Every line is one of the reference's lines."""
    return set(text.split("\n")) <= set(target.split("\n"))


def one_of(target: str, text: str) -> bool:
    """One of the reference's list."""
    return text in ast.literal_eval(target)


def contained(target: str, text: str) -> bool:
    """The reference stands somewhere in the response."""
    return target in text


def last(pattern: str) -> Decide:
    """The last match of a pattern is the reference."""
    return lambda target, text: re.findall(pattern, text)[-1:] == [target]


FORM = "form"
SOURCES: dict[str, Decide] = {
    "E2E": equal, "text_editing": equal, "WIKIEVENTS": among_lines, "CONLL2003": one_of,
    "self_made_space": contained, "BBH_logical": last(r"\([A-Z]\)"), "BBH_time": last(r"\d{2}/\d{2}/\d{4}"),
    "gsm_8k": last(r"\$\d+"),
}  # fmt: skip
"""How a source's reference decides."""


def decide(how: str, reference: str, text: str) -> bool:
    """Whether a response meets a reference; `how` is `form` or a source."""
    return (in_form if how == FORM else SOURCES[how])(reference, text)
