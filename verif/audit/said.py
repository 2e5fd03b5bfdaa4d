"""What a response says to a reader, for the truth of the audit: decided by other means than the verifier decides it.

It shares no code and no table with `verif.core.answer` and `verif.core.reasoning`: if that cut is wrong, the truth
stays right and the audit shows the difference. It reads from the end, where the verifier reads from the start.
"""

from __future__ import annotations

from verif.types import Reasoning

MARKS = (
    ("think", "<think>", "</think>"), ("thinking", "<thinking>", "</thinking>"),
    ("reasoning", "<reasoning>", "</reasoning>"), ("seed-think", "<seed:think>", "</seed:think>"),
    ("bracket-think", "[THINK]", "[/THINK]"), ("gemma", "<|channel>", "<channel|>"),
)  # fmt: skip


def said(text: str, reasoning: Reasoning) -> str:
    """The answer that a reader sees; "" if there is none, or if a second trace hides part of it.

    In `auto` the end of `<think>` counts wherever it stands, any other only where the response opens it.
    """
    if reasoning == "none":
        return text
    if reasoning == "answer":
        return _enclosed(text)
    start = text.strip()
    stripped = start.startswith("analysis") and "assistantfinal" in start
    if reasoning == "harmony" or (reasoning == "auto" and (start.startswith("<|channel|>") or stripped)):
        return _channel(text)
    for name, opening, closing in MARKS:
        seen = start.startswith(opening) or (name == "think" and closing in text)
        if reasoning == name or (reasoning == "auto" and seen):
            text = _behind(text, opening, closing)
            break
    start = text.strip()
    wrapped = reasoning == "auto" and start.startswith("<answer>") and start.endswith("</answer>")
    return _enclosed(text) if wrapped else text


def _behind(text: str, opening: str, closing: str) -> str:
    place = text.rfind(closing)
    if place < 0 or text.find(closing) != place or text.rfind(opening) > place:
        return ""
    return text[place + len(closing) :].strip()


def _channel(text: str) -> str:
    for mark in ("<|channel|>final<|message|>", "assistantfinal"):
        pieces = text.split(mark)
        if len(pieces) == 2:
            return pieces[1].split("<|return|>")[0].strip()
    return ""


def _enclosed(text: str) -> str:
    first, last = text.rfind("<answer>"), text.rfind("</answer>")
    outside = text[last + len("</answer>") :].strip() if last >= 0 else "no end"
    whole = text.count("<answer>") == text.count("</answer>") == 1 and not outside
    return text[first + len("<answer>") : last].strip() if whole else ""
