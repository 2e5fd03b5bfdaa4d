"""A number as people and models write it, read exactly: separators, fractions, percent, powers of ten, a unit.

English separators unless the text can only be the other way round: `1,234.5` and `1.234,5` are both 1234.5; `1.234`
is a decimal and `1,234` a thousand. `1,5` is one and a half, since no group of one digit exists.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from fractions import Fraction

MOST_DIGITS = 300
CURRENCY = "$€£¥₹₩₽"
_LATEX = (
    ("\\dfrac", "\\frac"), ("\\tfrac", "\\frac"), ("\\left", ""), ("\\right", ""), ("\\!", ""), ("\\,", " "),
    ("\\;", " "), ("\\:", " "), ("\\ ", " "), ("~", " "), ("\\%", "%"), ("\\$", ""), ("\\cdot", "×"), ("\\times", "×"),
    ("−", "-"), ("–", "-"), ("\u00a0", " "), ("\u202f", " "), ("\u2009", " "), ("\u2044", "/"),
    ("／", "/"), ("．", "."), ("，", ","), ("％", "%"), ("٫", "."), ("٬", ","), ("’", "'"),
)  # fmt: skip
_VULGAR = {"½": "1/2", "⅓": "1/3", "⅔": "2/3", "¼": "1/4", "¾": "3/4", "⅕": "1/5", "⅛": "1/8"}
_SCALES = {
    "dozen": 12, "hundred": 100, "thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12,
}  # fmt: skip
_LETTERS = {"k": 10**3, "K": 10**3, "M": 10**6, "B": 10**9, "bn": 10**9}
"""What stands for a scale behind an amount of money; `k` does behind every number."""
_NO_UNIT = {
    "or", "and", "to", "not", "no", "but", "wrong", "incorrect", "plus", "minus", "times", "over", "squared",
    "cubed", "factorial",
}  # fmt: skip
"""Words that make another number of it, or take it back."""
_OPERATORS = set("π√∞±×÷*^")
_TEXT = re.compile(r"\\(?:text|mathrm|textbf|mbox)\s{0,4}\{([^{}]{0,80})\}")
_FRAC = re.compile(
    r"([-+]?)\s?(?:(\d{1,300})\s?)?\\frac\s?\{?\s?([-+]?\d{1,300})\s?\}?\s?\{?\s?(\d{1,300})\s?\}?"
)
_NUMBER = re.compile(
    r"(?P<sign>[-+]?)\s?(?P<body>\d[\d.,' ]{0,400}|\.\d{1,300})"
    r"(?:\s?/\s?(?P<below>\d{1,300}))?(?:\s?(?:[eE]|×\s?10\s?\^\s?)\{?(?P<power>[-+]?\d{1,3})\}?)?"
)
_POWER_OF_TEN = re.compile(r"\A([-+]?)\s?10\s?\^")
_MIXED = re.compile(r"(\d{1,300}) (\d{1,300})\s?/\s?(\d{1,300})")


@dataclass(frozen=True, slots=True)
class Number:
    """An exact value, its unit in lower case ("" without one), and whether it is written in percent."""

    value: Fraction
    unit: str = ""
    percent: bool = False
    places: int | None = None
    """Decimal places of a decimal, which may be rounded; None for what is written exactly."""


def read_number(text: str) -> Number | None:
    """The number that the whole text is; None where it is anything else, as two numbers or a sentence.

    >>> [str(read_number(t).value) for t in ("1,234.5", "1.234,5", "\\\\frac{3}{4}", "1 1/2", "2.5e3", "½")]
    ['2469/2', '2469/2', '3/4', '3/2', '2500', '1/2']
    >>> read_number("6 or 7") is None, read_number("12 km").unit, read_number("45%").percent
    (True, 'km', True)
    """
    if len(text) > MOST_DIGITS * 2:
        return None
    plain = _plain(text)
    currency = next((c for c in CURRENCY if plain.startswith(c) or plain.startswith("-" + c)), "")
    plain = plain.replace(currency, "", 1).strip() if currency else plain
    plain = _POWER_OF_TEN.sub(r"\g<1>1×10^", plain)
    if match := _FRAC.match(plain):
        sign, whole, above, below = match.groups()
        value = _ratio(above, below)
        if value is None:
            return None
        value = (int(whole) if whole else 0) + value
        return _with_unit(-value if sign == "-" else value, plain[match.end() :], currency)
    sign = "-" if plain.startswith("-") else ""
    if match := _MIXED.match(plain.lstrip("+-")):
        value = _ratio(match[2], match[3])
        if value is None:
            return None
        value += int(match[1])
        rest = plain.lstrip("+-")[match.end() :]
        return _with_unit(-value if sign else value, rest, currency)
    return _decimal(plain, currency)


def _plain(text: str) -> str:
    text = text.strip().strip("$").strip() if text.count("$") > 1 else text.strip()
    for old, new in _LATEX:
        text = text.replace(old, new)
    text = _TEXT.sub(r" \1 ", text)
    for old, new in _VULGAR.items():
        text = text.replace(old, f" {new}")
    return " ".join(text.split()).removesuffix(".").strip()


def _ratio(above: str, below: str) -> Fraction | None:
    return Fraction(int(above), int(below)) if int(below) else None


def _decimal(plain: str, currency: str) -> Number | None:
    match = _NUMBER.match(plain)
    if match is None:
        return None
    body = match["body"]
    written = body.rstrip(".,' ")
    if match["below"] is not None and written != body.rstrip():
        return None
    digits = _separated(written)
    if digits is None or sum(c.isdigit() for c in digits) > MOST_DIGITS:
        return None
    value = Fraction(digits)
    if match["below"] is not None:
        below = int(match["below"])
        if not below:
            return None
        value /= below
    if match["power"] is not None:
        value *= Fraction(10) ** int(match["power"])
    # `12.` and `5 km`: what stands behind the digits belongs to the rest
    used = match.end() if match["below"] or match["power"] else match.start("body") + len(written)
    places = len(digits.partition(".")[2]) if "." in digits and match["power"] is None else None
    return _with_unit(-value if match["sign"] == "-" else value, plain[used:], currency, places)


def _separated(text: str) -> str | None:
    """Digits with a point for decimals; None where the separators make no number."""
    text = "".join(str(int(c)) if c.isdigit() else c for c in text)  # digits of any script
    commas, points = text.count(","), text.count(".")
    spaced = re.fullmatch(r"\d{1,3}(?:[ ']\d{3}){1,100}(?:[.,]\d{1,300})?", text)
    if spaced:
        return text.replace(" ", "").replace("'", "").replace(",", ".")
    if " " in text or "'" in text:
        return None
    if commas and points:
        decimal = "," if text.rfind(",") > text.rfind(".") else "."
        group = "." if decimal == "," else ","
        whole, _, part = text.rpartition(decimal)
        return (
            f"{whole.replace(group, '')}.{part}" if decimal not in whole and _grouped(whole, group) else None
        )
    if commas:
        if _grouped(text, ","):
            return text.replace(",", "")
        whole, _, part = text.partition(",")
        return f"{whole}.{part}" if commas == 1 and whole and part else None
    if points > 1:
        return text.replace(".", "") if _grouped(text, ".") else None
    return f"0{text}" if text.startswith(".") else text


def _grouped(text: str, separator: str) -> bool:
    """Groups of three, or as in India: of two before the last, which has three."""
    head, *groups = text.split(separator)
    if not groups or len(groups[-1]) != 3 or not head:
        return False
    sizes = {len(group) for group in groups[:-1]}
    return (len(head) <= 3 and sizes <= {3}) or (len(head) <= 2 and sizes == {2})


def _with_unit(value: Fraction, rest: str, currency: str, places: int | None = None) -> Number | None:
    rest = rest.strip()
    percent = rest.startswith("%") or rest.lower().startswith(("percent", "per cent"))
    if percent:
        rest = rest.lstrip("%").strip()
        for word in ("percentage", "percent", "per cent"):
            rest = rest[len(word) :].strip() if rest.lower().startswith(word) else rest
    if not percent:
        scale, rest = _scale(rest, currency)
        value, places = value * scale, places if scale == 1 else None
    unit = rest.strip(".,;: ").lower()
    if (
        len(unit) > 30
        or any(unicodedata.category(c) == "Nd" for c in unit)
        or any(c in "=+<>\\{}" for c in unit)
    ):
        return None
    if len(unit.split()) > 3 or _NO_UNIT & set(unit.split()):
        return None
    if _OPERATORS & set(unit) or unicodedata.category(unit[:1] or " ") == "No":  # 5², 5π
        return None
    return Number(value, _singular(unit) or currency, percent, places)


def _scale(rest: str, currency: str) -> tuple[int, str]:
    """What the words behind the digits multiply them by, and what follows: `million people`, `k`."""
    scale = 1
    letter = re.match(r"[A-Za-z]{1,2}(?![A-Za-z])", rest)
    if letter and letter[0] in _LETTERS and (currency or letter[0] == "k"):
        return _LETTERS[letter[0]], rest[letter.end() :].strip()
    words = rest.split(" ")
    while words and (factor := _SCALES.get(words[0].lower().removesuffix("s"))):
        scale *= factor
        words = words[1:]
        if scale > 10**MOST_DIGITS:
            break
    return scale, " ".join(words)


def _singular(unit: str) -> str:
    return unit[:-1] if len(unit) > 3 and unit.endswith("s") and not unit.endswith("ss") else unit


def same_number(reference: Number, answer: Number, tolerance: float = 0.0) -> bool:
    """Equal values; a unit or a percent sign that one of them leaves out is no difference.

    `tolerance` is relative to the reference. `45%` equals `0.45` and `45`; two different units are never equal.
    """
    if reference.unit and answer.unit and reference.unit != answer.unit:
        return False
    given = {answer.value}
    if answer.percent != reference.percent:
        given.add(answer.value / 100 if answer.percent else answer.value * 100)
    margin = abs(reference.value) * Fraction(tolerance)
    return any(abs(value - reference.value) <= margin for value in given)


def rounded(left: Number, right: Number) -> bool:
    """Whether one is the other's decimal; a unit that only one of them has is no difference."""
    units = {number.unit for number in (left, right) if number.unit}
    return len(units) < 2 and (rounds_to(left, right) or rounds_to(right, left))


def rounds_to(decimal: Number, exact: Number) -> bool:
    """Whether an exact value, written as a decimal of so many places, is that decimal; two digits are too few to tell.

    >>> [rounds_to(read_number(d), read_number("600/7")) for d in ("85.71", "85.714", "85.72", "86")]
    [True, True, False, False]
    """
    if (
        decimal.places is None
        or exact.places is not None
        or len(str(abs(decimal.value * 10**decimal.places))) < 3
    ):
        return False
    value = exact.value * 100 if decimal.percent and not exact.percent else exact.value
    return abs(value - decimal.value) <= Fraction(1, 2 * 10**decimal.places)


def other_number(reference: str, answer: str) -> bool:
    """Whether both are numbers and no other form, unit or rounding of one could be the other.

    >>> other_number("12", "13 km"), other_number("1/3", "0.33"), other_number("12", "about 12"), other_number("45%", "0.4")
    (True, False, False, True)
    """
    right, given = read_number(reference), read_number(answer)
    if right is None or given is None:
        return False
    ratio = abs(given.value / right.value) if right.value else abs(given.value) + 2
    near = right.places != given.places and Fraction(99, 100) < ratio < Fraction(101, 100)
    if right.unit and given.unit and right.unit != given.unit:
        return False
    return right.value != given.value and not near and ratio not in (100, Fraction(1, 100))
