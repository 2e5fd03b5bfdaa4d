"""Sentences as IFBench and IF-RLVR cut them: by expressions, not by Punkt as IFEval does.

Periods that end no sentence are hidden, marks that may end one are followed by a cut, and the text is cut there. The
order of the steps is upstream's, and so are the oddities: "e.g." is one initialism, "Ph.D." hides both periods, a
quotation mark after a mark moves before it, and every mark of "?!" ends a sentence of its own.
"""

from __future__ import annotations

import re

_HIDDEN, _CUT = "<prd>", "<stop>"
_LETTER = "([A-Za-z])"
_OPENER = r"(Mr|Mrs|Ms|Dr|Prof|Capt|Cpt|Lt|He\s|She\s|It\s|They\s|Their\s|Our\s|We\s|But\s|However\s|That\s|This\s|Wherever)"
_FIRM = "(Inc|Ltd|Jr|Sr|Co)"
_ELLIPSIS = re.compile(r"\.{2,}")
_BEFORE = (
    (re.compile("(Mr|St|Mrs|Ms|Dr)[.]"), r"\1<prd>"),
    (re.compile("[.](com|net|org|io|gov|edu|me)"), r"<prd>\1"),
    (re.compile("([0-9])[.]([0-9])"), r"\1<prd>\2"),
)
_AFTER = (
    (re.compile(rf"\s{_LETTER}[.] "), r" \1<prd> "),
    (re.compile(rf"([A-Z][.][A-Z][.](?:[A-Z][.])?) {_OPENER}"), r"\1<stop> \2"),
    (re.compile(rf"{_LETTER}[.]{_LETTER}[.]{_LETTER}[.]"), r"\1<prd>\2<prd>\3<prd>"),
    (re.compile(rf"{_LETTER}[.]{_LETTER}[.]"), r"\1<prd>\2<prd>"),
    (re.compile(rf" {_FIRM}[.] {_OPENER}"), r" \1<stop> \2"),
    (re.compile(rf" {_FIRM}[.]"), r" \1<prd>"),
    (re.compile(rf" {_LETTER}[.]"), r" \1<prd>"),
)
_QUOTED = ((".”", "”."), ('."', '".'), ('!"', '"!'), ('?"', '"?'))


def sentences(text: str) -> list[str]:
    """The sentences of a text, stripped; an empty one between two marks is kept, an empty last one is not."""
    text = f" {text}  ".replace("\n", " ")
    for expression, replacement in _BEFORE:
        text = expression.sub(replacement, text)
    text = _ELLIPSIS.sub(lambda dots: _HIDDEN * len(dots.group()) + _CUT, text)
    text = text.replace("Ph.D.", "Ph<prd>D<prd>")
    for expression, replacement in _AFTER:
        text = expression.sub(replacement, text)
    for before, after in _QUOTED:
        text = text.replace(before, after)
    for mark in ".?!":
        text = text.replace(mark, mark + _CUT)
    pieces = [piece.strip() for piece in text.replace(_HIDDEN, ".").split(_CUT)]
    return pieces if pieces[-1] else pieces[:-1]
