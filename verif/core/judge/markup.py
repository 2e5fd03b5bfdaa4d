"""Chat and reasoning markup broken by spaces, so that a text can open no turn and end no reasoning of the judge.

Models spell their control tokens in many ways, and the next one will find another: so what is broken is the *form*,
not a list. Every `<name>` that is no common HTML element, every bar or tilde beside a bracket, every `[NAME]` in
capitals, every `/...think`, and a role at the start of a line before its colon. A reader still sees what was written; a
tokenizer sees no special token. Every repetition below is bounded or cannot meet itself: one pass is linear.
"""

from __future__ import annotations

import re

HTML = (
    "a b i u em strong small sub sup br hr p div span h1 h2 h3 h4 h5 h6 ul ol li dl dt dd table thead tbody tr th td"
    " caption code pre blockquote q cite img title html head body header footer main section article nav details summary"
    " mark del ins center font figure figcaption meta link style button form label input select option"
)
"""Elements that texts hold for their own sake; `<s>` is not among them, since it also begins a text for many models."""
BRACKETED = (
    "inst think thinking sys gmask smask sop eop bos eos cls sep mask pad unk system user assistant tool"
)
"""Control tokens in square brackets in small letters too; other words in small letters are placeholders and stay."""

_ELEMENT = rf"(?i:{'|'.join(HTML.split())})/?[>＞]"
_BREAK = re.compile(
    r"[<＜](?=[|｜¦])|[|｜¦](?=[>＞\]］])|[\[［](?=[|｜¦])"  # <|im_end|>, <channel|>, [|user|]
    rf"|[<＜](?=/?(?!{_ELEMENT})[\w:!▁][^\s<>＜＞]{{0,80}}+[>＞])"  # <think>, </s>, <seed:think>, <0x0A>
    r"|[\[［](?=[/#]?[A-Z][A-Z0-9_]{1,40}+[\]］])"  # [INST], [/THINK], [TOOL_CALLS]
    rf"|[\[［](?=[/#]?(?i:{'|'.join(BRACKETED.split())})[\]］])"  # [inst], [gMASK]
    r"|\](?=~|<\])|~(?=[\[\]])|\[(?=>\[)"  # ]~b], [e~[, ]<]name[>[
    r"|◁(?=/?\w)"  # ◁think▷
    r"|/(?=[\w-]{0,16}(?i:think)|(?i:reason|system_override))"  # /no_think, also in the middle of a word
)
_ROLE = re.compile(
    r"^((?:human|assistant|user|system)|[#*]{1,6} ?(?:human|assistant|user|system|instruction|response|input))"
    r"(?=[*]{0,2}:)",
    re.IGNORECASE | re.MULTILINE,
)


def broken(text: str) -> str:
    """The text with a space inside everything that is, or looks like, a control token."""
    return _ROLE.sub(r"\1 ", _BREAK.sub(r"\g<0> ", text))
