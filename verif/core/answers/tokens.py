"""An answer as tokens: numbers by value, variables, words and signs, however they are set.

What a model compares: LaTeX and plain text, fractions and decimals, Unicode and commands become the same tokens.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

MOST = 300
"""Tokens of an answer that are looked at."""
Kind = Literal["number", "variable", "word", "sign"]
_TOKEN = re.compile(
    r"\\(?P<command>[A-Za-z]{1,20})|\\(?P<escaped>.)|(?P<number>\d{1,3}(?:,\d{3}){1,20}(?!\d)(?:\.\d{1,40})?|\d{1,60}(?:\.\d{1,40})?|\.\d{1,40})"
    r"|(?P<word>[^\W\d_⁰¹²³⁴-⁹]{1,40})|(?P<sign>\S)"
)
_LAYOUT = frozenset(
    [
        "left",
        "right",
        "displaystyle",
        "limits",
        "big",
        "bigl",
        "bigr",
        "Big",
        "Bigl",
        "Bigr",
        "text",
        "mathrm",
        "mathbf",
        "textbf",
        "textit",
        "mbox",
        "operatorname",
        "quad",
        "qquad",
        "boxed",
        "fbox",
        "mathit",
        "rm",
        "bf",
        "mathcal",
        "mathbb",
        "begin",
        "end",
    ]
)
_COMMANDS = {
    "dfrac": "frac", "tfrac": "frac", "cfrac": "frac", "dbinom": "binom", "tbinom": "binom", "leq": "≤", "le": "≤",
    "leqslant": "≤", "geq": "≥", "ge": "≥",
    "geqslant": "≥", "lt": "<", "gt": ">", "neq": "≠", "ne": "≠", "infty": "∞", "pi": "π", "sqrt": "√", "cdot": "*",
    "times": "*", "div": "/", "cup": "∪", "bigcup": "∪", "sqcup": "∪", "cupdot": "∪", "uplus": "∪", "cap": "∩",
    "in": "∈", "pm": "±", "mp": "∓", "circ": "°", "degree": "°",
    "mid": "|", "vert": "|", "to": "→", "rightarrow": "→", "approx": "=", "equiv": "≡", "ldots": "…", "dots": "…",
    "cdots": "…",
    "overline": "‾", "bar": "‾", "prime": "'", "land": "and", "lor": "or", "lfloor": "⌊", "rfloor": "⌋",
    "lceil": "⌈", "rceil": "⌉",
    "log": "log", "ln": "ln", "emptyset": "∅",
    "varnothing": "∅", "setminus": "∖", "backslash": "∖", "colon": ":", "lbrace": "{", "rbrace": "}",
}  # fmt: skip
_SIGNS = {
    "−": "-", "–": "-", "×": "*", "·": "*", "⋅": "*", "÷": "/", "≈": "=", "⁄": "/", "“": '"', "”": '"', "⩽": "≤",
    "⩾": "≥",
}  # fmt: skip
_RAISED = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789")
_VULGAR = re.compile("[¼-¾⅐-⅞]")
_SMALL = {
    "zero": 0, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9,
    "ten": 10, "eleven": 11, "twelve": 12, "thirteen": 13, "fourteen": 14, "fifteen": 15, "sixteen": 16,
    "seventeen": 17, "eighteen": 18, "nineteen": 19, "twenty": 20,
}  # fmt: skip
_WORDS = {
    "infinity": "∞",
    "pi": "π",
    "sqrt": "√",
    "degrees": "°",
    "degree": "°",
    "percent": "%",
    "union": "∪",
}


@dataclass(frozen=True, slots=True)
class Token:
    """One sign of an answer; `value` only of a number."""

    kind: Kind
    text: str
    value: Fraction = Fraction(0)


def tokens(text: str) -> list[Token]:
    """The tokens of an answer, at most `MOST`.

    >>> [t.text for t in tokens("$x^2 \\\\le \\\\dfrac{1}{2}$ metres")]
    ['x', '^', '2', '≤', 'frac', '{', '1', '}', '{', '2', '}', 'metre']
    """
    text = _VULGAR.sub(
        lambda match: unicodedata.normalize("NFKC", match[0]).replace("⁄", "/"), text[: 8 * MOST]
    )
    out: list[Token] = []
    for match in _TOKEN.finditer(text):
        if len(out) >= MOST:
            break
        out.extend(_token(match))
    return out


def _token(match: re.Match[str]) -> list[Token]:
    if command := match["command"]:
        return [] if command in _LAYOUT else _named(_COMMANDS.get(command, command), command=True)
    if escaped := match["escaped"]:
        return [Token("sign", escaped)] if escaped in "{}%$#&_" and escaped not in "$&_#" else []
    if digits := match["number"]:
        plain = "".join(str(int(c)) if c.isdigit() else c for c in digits.replace(",", ""))
        return [Token("number", plain, Fraction(f"0{plain}" if plain.startswith(".") else plain))]
    if word := match["word"]:
        return _named(word)
    return _sign(match["sign"])


def _named(word: str, *, command: bool = False) -> list[Token]:
    """A word, a variable, or the sign that it stands for; letters side by side are variables under a command only."""
    if len(word) == 1:
        return [Token("variable", word)] if word.isalpha() else [Token("sign", word)]
    lower = unicodedata.normalize("NFKC", word).casefold()
    if command and lower == "frac":
        return [Token("sign", "frac")]
    if lower in _WORDS:
        return [Token("sign", _WORDS[lower])]
    if lower in _SMALL:
        return [Token("number", str(_SMALL[lower]), Fraction(_SMALL[lower]))]
    if len(lower) > 3 and lower.endswith("s") and not lower.endswith("ss"):
        lower = lower[:-1]
    return [Token("word", lower)]


def _sign(sign: str) -> list[Token]:
    if sign in "⁰¹²³⁴⁵⁶⁷⁸⁹":
        digit = sign.translate(_RAISED)
        return [Token("sign", "^"), Token("number", digit, Fraction(int(digit)))]
    sign = _SIGNS.get(sign, sign)
    return [] if sign in '$~.?"`' or not sign.isprintable() else [Token("sign", sign)]
