"""The final answer of a response: its last box, what follows "the answer is", or its last line.

One answer is committed to: two different boxes on the last line are none. Everything here reads a text once.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

LONGEST = 2_000
"""Characters of a final answer; what is longer is an explanation."""
_BOX = re.compile(r"\\(?:boxed|fbox)[ \t]{0,4}\{")
_CUE = re.compile(
    r"(?:\b(?:final[ \t]{1,4})?answer[ \t*_]{0,6}(?:is\b|:|=)|####|答案(?:是|为|：|:))[ \t:]{0,8}",
    re.IGNORECASE,
)
_FENCE = re.compile(r"(?:```|~~~)\w{0,20}|\\[\])]|\$\$")
"""Lines that only end or begin a block."""
_SENTENCE = re.compile(r"\.[ \t]+(?=[A-Z])(?!Or\b)")
_INVISIBLE = (
    " \t\u00a0\u00ad\u061c\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e"
    "\u2060\u2066\u2067\u2068\u2069\ufeff"
)
"""Blanks and marks of direction, which stand around numbers in scripts that run from right to left."""
_WRAPPERS = ("**", "__", "`", "*", "_")


@dataclass(frozen=True, slots=True)
class Final:
    """What a response committed to. `why`: why there is nothing to compare ("" if there is)."""

    text: str = ""
    why: str = ""


def final_answer(text: str) -> Final:
    """The final answer of a response without its reasoning.

    >>> final_answer("So x = 3.\\n\\nThe answer is \\\\boxed{\\\\frac{1}{2}}.").text
    '\\\\frac{1}{2}'
    >>> final_answer("We add them. The final answer is: **42**.").text
    '42'
    >>> final_answer("\\\\boxed{6} or \\\\boxed{7}").why
    'gives several answers'
    """
    boxes, open_box = _boxes(text)
    if boxes:
        return _of_boxes(text, boxes)
    if open_box:
        return Final(why="has a box that does not end")
    last = None
    for last in _CUE.finditer(text):  # noqa: B007 - only the last one counts
        pass
    if last is not None:
        return _bounded(_after(text, last.end()))
    lines = [line for line in text.splitlines() if line.strip() and not _FENCE.fullmatch(line.strip())]
    return _bounded(_trimmed(lines[-1]) if lines else "")


def _bounded(answer: str) -> Final:
    answer = answer.strip(_INVISIBLE)
    if not answer:
        return Final(why="has no final answer")
    return (
        Final(answer)
        if len(answer) <= LONGEST
        else Final(why="has no final answer of at most 2,000 characters")
    )


def _after(text: str, start: int) -> str:
    """The rest of the line behind a cue, or the next line that has something; up to the end of its sentence."""
    for line in text[start:].splitlines():
        if line.strip():
            return _trimmed(_SENTENCE.split(line, maxsplit=1)[0])
    return ""


def _trimmed(line: str) -> str:
    """Without a full stop at its end and without the marks of Markdown around it."""
    line = line.strip()
    for _ in range(4):
        line = line.removesuffix(".").removesuffix("。").strip()
        wrapper = next(
            (w for w in _WRAPPERS if line.startswith(w) and line.endswith(w) and len(line) > 2 * len(w)), ""
        )
        if not wrapper:
            break
        line = line[len(wrapper) : -len(wrapper)].strip()
    return line


def _of_boxes(text: str, boxes: list[tuple[int, int]]) -> Final:
    """The last box, unless another one on its line says something else."""
    start, end = boxes[-1]
    line = text.rfind("\n", 0, start) + 1
    contents = ["".join(text[a:b].split()) for a, b in boxes if a >= line]
    if len(set(contents)) > 1:
        return Final(why="gives several answers")
    return _within(text[start:end].strip())


def _within(content: str) -> Final:
    """A box's content, unless numbers stand in a box inside it and outside of that."""
    for start, end in _boxes(content)[0][:1]:
        if any(map(str.isdigit, content[:start] + content[end:])) and any(
            map(str.isdigit, content[start:end])
        ):
            return Final(why="gives several answers")
    return _bounded(content)


def _boxes(text: str) -> tuple[list[tuple[int, int]], bool]:
    """Places of the outermost boxes' contents, and whether a box is left open."""
    starts = {match.end() - 1 for match in _BOX.finditer(text)}
    if not starts:
        return [], False
    boxes: list[tuple[int, int]] = []
    stack: list[int] = []  # the places of open braces; -1 for one that opens no outermost box
    inside = 0
    position, end = min(starts), len(text)
    while position < end:
        letter = text[position]
        if letter == "\\":
            position += 2
            continue
        if letter == "{":
            is_box = position in starts and not inside
            stack.append(position if is_box else -1)
            inside += is_box
        elif letter == "}" and stack:
            opened = stack.pop()
            if opened >= 0:
                boxes.append((opened + 1, position))
                inside -= 1
        position += 1
    return boxes, bool(inside)
