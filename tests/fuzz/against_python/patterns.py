"""Random regular expressions and texts, and what CPython and the sandbox's engine make of them."""

from __future__ import annotations

import random
import re
import warnings
from typing import Any

LETTERS = "abckisxKIS019_ -.,:;!?'\"<>=&~@#%/\n\t\réßſıİΣσςÄаЖ中²½٣\u0301\u212a\u00a0\x1c"
TEXT_PARTS = ("a", "b", "ab", "ba", "A", "K", "I", "s", "S", "x", "_", "1", "23", " ", "  ", "\n", "\n\n", "\r\n", "\t",
              ".", ",", "! ", "? ", "-", "word", "Word", "the ", "é", "É", "ß", "ſ", "ı", "İ", "Σ", "σ", "ς", "\u0301",
              "²", "½", "٣", "中", "ж", "Ж", "\u212a", "\x1c", "\x85", "\u00a0", "&", "[", "]", "{", "}", "<", "#", "*")  # fmt: skip
ESCAPES = (r"\d", r"\w", r"\s", r"\D", r"\W", r"\S", r"\b", r"\B", r"\A", r"\Z", r"\n", r"\t", r"\.", r"\-", r"\<", r"\>",
           r"\ ", r"\_", r"\x41", r"\u00e9", r"\0", r"\07", r"\101", r"\[", r"\]", r"\(", r"\\", r"\/", r"\"", r"\#",
           r"\z", r"\h", r"\K", r"\G", r"\R", r"\X", r"\e", r"\p", r"\1", r"\2", r"\8", r"\é", r"\{", r"\}", r"\&")  # fmt: skip
CLASSES = ("[a-z]", "[A-Z]", "[a-zA-Z]", "[0-9]", "[^a]", "[.!?]", "[a&&b]", "[a--b]", "[[a]", "[]a]", "[^]a]", "[a-]", "[-a]",
           r"[\w-]", r"[\d.]", r"[^\s]", r"[\W_]", r"[^\w\s]", "[:alpha:]", "[[:alpha:]]", r"[\b]", "[a~~b]", "[é-ü]", "[а-я]",
           "[à-ÿĀ-ſ]", "[^i]", "[k]", "[i]", r"[\]\[]", "[z-a]", r"[a-\d]", "[a||b]", "[#]", "[ ]", r"[\S\n]", r"[^\W\d_]",
           "[ıİ]", "[s-t]", r"[\x00-\x1f]", r"[\u4e00-\u9fff]")  # fmt: skip
QUANTIFIERS = ("*", "+", "?", "{2}", "{1,2}", "{,2}", "{2,}", "{0}", "{2", "{a}", "{}", "{,}", "*?", "+?", "??", "{1,2}?", "*+", "++",
               "?+", "**", "{2,1}", "{1}{2}")  # fmt: skip
WRAPS = ("({})", "(?:{})", "(?P<n>{})", "(?={})", "(?!{})", "(?<={})", "(?<!{})", "(?>{})", "(?i:{})", "(?s:{})", "(?m:{})",
         "(?-i:{})", "(?x:{})", "(?#{})", "(?P<n{})", "(?<n>{})", "(?({})a|b)", "({}", "{})", r"\b{}\b", "^{}$", "{}$")  # fmt: skip
IDIOMS = (r"\b\w+\b", r"\n\s*\n", r"(?<=[.!?])\s+", r"[.!?]+", r"^\s*[-*]\s", r"^\d+\.\s", r"\*\*(.+?)\*\*", r'"([^"]*)"', r"\d{3}-\d{4}",
          r"<<[^>]+>>", r"^#+\s", r"\$\d+", r"https?://\S+", r"[A-Z]{2,}", r"(\w)\1", r"\bword\b", r"^$", r"\s+$", r"(?m)^- .*$",
          r".*", r"x*", r"\w*", r"^.*$", r"(?=\d)", r"\[[^\]]*\]", r"[^\x00-\x7F]", r"(?i)the", r"\.$", r"[,;:]\s*", r"(a|b)+", r"(?:a|ab)(?:c|bcd)?")  # fmt: skip
FLAGS = (0, 0, 0, 2, 2, 8, 16, 64, 256, 10, 18, 24, 258, 26, 66)
REPLACEMENTS = (
    "",
    "-",
    r"[\g<0>]",
    r"\1",
    r"<\g<1>>",
    r"\n",
    r"\\",
    r"\q",
    "$1",
    "${0}",
    r"\g<n>",
    r"\0",
    r"\7",
    "é",
)


def pattern(rng: random.Random) -> str:
    """A random expression: pieces, idioms, and now and then something that CPython refuses."""
    if rng.random() < 0.15:
        return rng.choice(IDIOMS)
    return _alternatives(rng, 0)


def _alternatives(rng: random.Random, depth: int) -> str:
    count = rng.choice((1, 1, 1, 1, 2, 3))
    return "|".join(_sequence(rng, depth) for _ in range(count))


def _sequence(rng: random.Random, depth: int) -> str:
    return "".join(
        _piece(rng, depth) for _ in range(rng.choice((0, 1, 1, 2, 2, 3, 4) if depth else (1, 1, 2, 2, 3, 4)))
    )


def _piece(rng: random.Random, depth: int) -> str:
    kind = rng.random()
    if kind < 0.4:
        atom = rng.choice(LETTERS)
        if atom in ".?" and rng.random() < 0.5:
            atom = "\\" + atom
    elif kind < 0.6:
        atom = rng.choice(ESCAPES)
    elif kind < 0.72:
        atom = rng.choice(CLASSES)
    elif kind < 0.8:
        atom = rng.choice(
            (
                "^",
                "$",
                ".",
                ".",
                "(?i)",
                "(?s)",
                "(?m)",
                "(?x)",
                "(?a)",
                "(?P=n)",
                "(?#c)",
                "{",
                "}",
                "[",
                "]",
            )
        )
    elif depth < 3:
        inner = _alternatives(rng, depth + 1)
        atom = rng.choice(WRAPS[: 10 if rng.random() < 0.8 else len(WRAPS)]).replace("{}", inner)
    else:
        atom = rng.choice(IDIOMS)
    return atom + (rng.choice(QUANTIFIERS) if rng.random() < 0.3 else "")


def text(rng: random.Random) -> str:
    """A random text of what the expressions speak of."""
    plain = TEXT_PARTS[:30] if rng.random() < 0.6 else TEXT_PARTS
    return "".join(rng.choice(plain) for _ in range(rng.choice((0, 1, 3, 6, 12, 20))))


#: What is asked of each expression; runs in CPython with `re`, and in the engine with the helpers put in its place.
ASK = """
def _seen(m):
    return None if m is None else [m.span(), m.groups(), m.group(), m.groupdict(), [m.span(i) for i in range(len(m.groups()) + 1)]]
def _ask(kind, p, t, f, r):
    try:
        if kind == 0: return repr(_seen(re_search(p, t, f)))
        if kind == 1: return repr(_seen(re_match(p, t, f)))
        if kind == 2: return repr(_seen(re_fullmatch(p, t, f)))
        if kind == 3: return repr(re_findall(p, t, f))
        if kind == 4: return repr([_seen(m) for m in re_finditer(p, t, f)])
        if kind == 5: return repr(re_split(p, t, flags=f))
        if kind == 6: return repr(re_sub(p, r, t, flags=f))
        if kind == 7: return repr(re_subn(p, r, t, 2, f))
        if kind == 8: return repr(re_split(p, t, 1, f))
        if kind == 9: return repr(re_sub(p, lambda m: m.group()[::-1] + '!', t, flags=f))
        if kind == 10: return repr(re_compile(p, f).findall(t))
    except Exception as e:
        return '!' + type(e).__name__ + ': ' + str(e)[:150]
"""
KINDS = 11


def python_answers() -> Any:
    """The asking function on CPython's own `re`."""
    space: dict[str, Any] = {f"re_{name}": getattr(re, name) for name in
                             ("search", "match", "fullmatch", "findall", "finditer", "split", "sub", "subn", "compile")}  # fmt: skip
    exec(ASK, space)  # our own text, a few lines above
    warnings.simplefilter("ignore")
    return space["_ask"]


def silently_different(ours: str, pythons: str) -> bool:
    """True if both decided otherwise, or the engine decided where CPython raises, or raised a catchable error of its own."""
    if ours[:1] != "!":
        return ours != pythons
    if ours.startswith("!RuntimeError: _verif: "):
        return False
    if ours.startswith("!PatternError: _verif: "):
        return not pythons.startswith("!error")
    if ours.startswith("!PatternError"):  # the engine's own: no handler keeps it
        return False
    return ours.split(":")[0] != pythons.split(":")[0]
