"""What a policy wrote before its answer: the formats in which models mark their reasoning, and where each one ends.

A format that is named is demanded: a response that does not end its reasoning in it holds no answer. `auto` takes a
trace only where it is sure of one, names it, and names markup that it does not know. `none` takes nothing. Each
marker is looked for by its letters; everything is linear in the response.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from verif.types import Reasoning

TAGS: dict[str, tuple[str, str]] = {
    "think": ("<think>", "</think>"),
    "thinking": ("<thinking>", "</thinking>"),
    "reasoning": ("<reasoning>", "</reasoning>"),
    "seed-think": ("<seed:think>", "</seed:think>"),
    "bracket-think": ("[THINK]", "[/THINK]"),
    "gemma": ("<|channel>", "<channel|>"),
}
"""Format to the marks around its reasoning."""
PREFILLED = ("think",)
"""Formats whose opening mark chat templates put into the prompt: `auto` takes the closing one alone for an end."""
OPEN_ANSWER, CLOSE_ANSWER = "<answer>", "</answer>"
CHANNEL, FINAL, MESSAGE = "<|channel|>", "<|channel|>final", "<|message|>"
ENDS = ("<|return|>", "<|end|>", "<|call|>", "<turn|>")
BARE_FINAL = "assistantfinal"
_BARE = ("analysis", "commentary", "assistantanalysis", BARE_FINAL)
"""What is left of Harmony's marks before the answer where the special tokens were stripped."""

UNFINISHED = "the response did not finish its reasoning"
MANY = "the response has more than one reasoning block"
NO_WRAPPER = "the response did not finish its <answer>"
OUTSIDE = "the response has text after its answer's end"

_MARKUP = re.compile(
    r"</?[A-Za-z][\w:-]{1,30}>|\[/?[A-Z_]{3,30}\]|<\|/?[\w:]{1,40}\|?>|<[\w:]{1,40}\|>|[◁<]/?[a-z]{1,20}▷"
)
_STARTS = re.compile(r"[<\[◁]")
_HINTS = (
    "think",
    "thought",
    "reason",
    "reflect",
    "scratch",
    "analysis",
    "rationale",
    "monolog",
    "ponder",
    "answer",
)


class Cut(NamedTuple):
    """The answer, the format that was taken for reasoning (none: ""), and why there is no answer (if there is: "")."""

    text: str
    taken: str = ""
    problem: str = ""


def demanded(reasoning: Reasoning) -> bool:
    """Whether the policy reasons before each answer, in a format that has a name."""
    return reasoning not in ("auto", "none")


def plain(text: str) -> bool:
    """Whether nothing in a text can be a mark of any format, known or not; so it is with most."""
    return (
        "<" not in text
        and "[" not in text
        and (text.isascii() or "◁" not in text)
        and not text.lstrip().startswith(_BARE)
    )


def cut(text: str, reasoning: Reasoning) -> Cut:
    """The answer of a response; separating white space goes with the trace."""
    if reasoning == "none":
        return Cut(text)
    if reasoning == "answer":
        return _wrapped(text)
    if reasoning != "auto":
        return _harmony(text, demanded=True) if reasoning == "harmony" else _tagged(text, reasoning, True)
    if "<" not in text and "[THINK]" not in text and not text.lstrip().startswith(_BARE):
        return Cut(text)  # most texts: without one of these there is no trace
    rest = _recognised(text)
    if rest.problem:
        return rest
    if rest.taken and _begins(rest.text):
        return Cut("", rest.taken, MANY)
    return _unwrapped(rest)


def markup(text: str) -> str:
    """The first mark in a text that looks like one of reasoning or of a channel; "" without any."""
    if "<" not in text and "[" not in text and "◁" not in text:
        return ""
    for start in _STARTS.finditer(text):
        mark = _MARKUP.match(text, start.start())
        if mark is None:
            continue
        shown = mark.group()
        if "|" in shown or "▷" in shown or any(hint in shown.lower() for hint in _HINTS):
            return shown
    return ""


def _recognised(text: str) -> Cut:
    """The first format of which there is a trace."""
    harmony = _harmony(text, demanded=False)
    if harmony.taken:
        return harmony
    for name in TAGS:
        tagged = _tagged(text, name, False)
        if tagged.taken:
            return tagged
    return Cut(text)


def _begins(text: str) -> bool:
    """Whether the answer begins with yet another trace."""
    start = text.lstrip()
    return start.startswith((CHANNEL, *(opening for opening, _ in TAGS.values())))


def _tagged(text: str, name: str, demanded: bool) -> Cut:
    """What follows the one closing mark; a second one would hide text."""
    opening, closing = TAGS[name]
    _, closed, after = text.partition(closing)
    opened = text.lstrip().startswith(opening)
    if not closed:
        return Cut("", name, UNFINISHED) if opened or demanded else Cut(text)
    if not (opened or demanded or name in PREFILLED):
        return Cut(text)
    if closing in after or opening in after:
        return Cut("", name, MANY)
    return Cut(_ended(after).lstrip(), name)


def _ended(text: str) -> str:
    """Without the token that ends a turn."""
    for end in ENDS:
        stripped = text.rstrip()
        if stripped.endswith(end):
            return stripped[: -len(end)]
    return text


def _harmony(text: str, *, demanded: bool) -> Cut:
    """The final channel, with Harmony's special tokens or as it looks without them."""
    start = text.lstrip()
    if start.startswith((CHANNEL, "<|start|>")) or (demanded and CHANNEL in text):
        _, final, after = text.partition(FINAL)
        _, opened, said = after.partition(MESSAGE)
        if not final or not opened:
            return Cut("", "harmony", UNFINISHED)
        if FINAL in after:
            return Cut("", "harmony", MANY)
        said = _ended(said)
        if any(end in said for end in (*ENDS, CHANNEL)):
            return Cut("", "harmony", OUTSIDE)
        return Cut(said.lstrip(), "harmony")
    bare = start.startswith(_BARE)
    _, final, said = text.partition(BARE_FINAL)
    if final and (bare or demanded):
        return Cut("", "harmony", MANY) if BARE_FINAL in said else Cut(said.lstrip(), "harmony")
    if demanded and start.startswith("final"):
        return Cut(start.removeprefix("final").lstrip(), "harmony")
    glued = start.startswith("analysis") and start[8:9].isupper()  # no English word goes on with a capital
    return Cut("", "harmony", UNFINISHED) if demanded or glued else Cut(text)


def _wrapped(text: str) -> Cut:
    """What stands between `<answer>` and `</answer>`, which must be there once each and end the response."""
    _, opened, inner = text.partition(OPEN_ANSWER)
    inner, closed, after = inner.partition(CLOSE_ANSWER)
    if not opened or not closed:
        return Cut("", "answer", NO_WRAPPER)
    if _ended(after).strip() or OPEN_ANSWER in inner:
        return Cut("", "answer", OUTSIDE)
    return Cut(inner.strip(), "answer")


def _unwrapped(rest: Cut) -> Cut:
    """An answer that is one `<answer>` from end to end without it; one that is not closed is unfinished."""
    start = rest.text.lstrip()
    if not start.startswith(OPEN_ANSWER):
        return rest
    taken = f"{rest.taken}+answer" if rest.taken else "answer"
    if CLOSE_ANSWER not in start:
        return Cut("", taken, NO_WRAPPER)
    inner = _wrapped(start)
    return rest if inner.problem else inner._replace(taken=taken)


def sent(text: str, reasoning: Reasoning) -> str:
    """An answer as a policy of this format would send it; one that ends a trace of its own is left as it is."""
    if reasoning in ("auto", "none"):
        return text
    if reasoning == "answer":
        return text if CLOSE_ANSWER in text else f"{OPEN_ANSWER}\n{text}\n{CLOSE_ANSWER}"
    if reasoning == "harmony":
        trace = f"{CHANNEL}analysis{MESSAGE}<|end|><|start|>assistant{FINAL}{MESSAGE}"
        return text if FINAL in text or BARE_FINAL in text else trace + text
    opening, closing = TAGS[reasoning]
    if closing in text:
        return text
    return f"\n{closing}\n\n{text}" if reasoning in PREFILLED else f"{opening}\n{closing}\n\n{text}"
