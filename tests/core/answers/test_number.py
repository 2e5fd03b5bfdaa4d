"""Numbers as people write them, read exactly or not at all."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verif.core.answers.number import read_number, same_number


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("42", "42"), ("-3", "-3"), ("−3", "-3"), ("+3", "3"), ("1,234", "1234"), ("1,234,567.5", "1234567.5"),
        ("1.234,5", "1234.5"), ("1.234.567", "1234567"), ("1 234,5", "1234.5"), ("1'234", "1234"), ("1,5", "1.5"),
        (".5", "0.5"), ("3/4", "3/4"), ("-3/4", "-3/4"), ("1 1/2", "3/2"), ("-1 1/2", "-3/2"), ("½", "1/2"),
        ("\\frac{3}{4}", "3/4"), ("\\dfrac34", "3/4"), ("-\\frac{3}{4}", "-3/4"), ("2\\frac{1}{2}", "5/2"),
        ("$5", "5"), ("€1.234,50", "1234.5"), ("12 km", "12"), ("12\\text{ km}", "12"), ("45%", "45"), ("45\\%", "45"),
        ("1.2e3", "1200"), ("1.2 \\times 10^3", "1200"), ("5 × 10^{-2}", "1/20"), ("٤٢", "42"), ("$42$", "42"),
        ("12 million", "12000000"), ("1.5 million people", "1500000"), ("3 dozen eggs", "36"), ("5k", "5000"),
        ("$2B", "2000000000"), ("2 hundred thousand", "200000"), ("300 K", "300"), ("5 m²", "5"), ("5 m/s", "5"),
        ("1’234.5", "1234.5"), ("10^3", "1000"), ("-10^{-2}", "-1/100"), ("10^2 km", "100"),
    ],
)  # fmt: skip
def test_it_is_read(text: str, value: str) -> None:
    number = read_number(text)
    assert number is not None
    assert number.value == Fraction(value)


@pytest.mark.parametrize(
    "text",
    ["", "six", "6 or 7", "6, 7", "6 and 7", "1/0", "\\frac{1}{0}", "x", "x=2", "1,23,4", "1.2.3", "3/4/5",
     "9" * 700, "1e9999", "6 7", "\\frac{1}", "12 km 5", "$$", ".",
     "5²", "5π", "5√", "5 not six", "5 is wrong", "5 squared", "5 × x",
     "10^", "10^{}", "10^9999", "10^2 3", "10^x", "110^3"],
)  # fmt: skip
def test_it_is_none(text: str) -> None:
    assert read_number(text) is None


@pytest.mark.slow
@given(st.integers(-(10**12), 10**12), st.integers(0, 6))
def test_what_is_written_in_english_and_german_is_the_same(whole: int, places: int) -> None:
    english = f"{Decimal(whole).scaleb(-places):,.{places}f}"
    german = english.translate(str.maketrans(",.", ".,"))
    left, right = read_number(english), read_number(german)
    assert left is not None
    assert left.value == Fraction(whole, 10**places)
    if places not in (0, 3) or english.count(",") > 1:  # one group of three digits is read as English
        assert right is not None
        assert right.value == left.value


@pytest.mark.parametrize(
    ("reference", "answer", "equal"),
    [
        ("45%", "0.45", True), ("45%", "45", True), ("0.45", "45%", True), ("0.45", "45", False), ("45", "0.45", False),
        ("12 km", "12", True), ("12", "12 km", True), ("12 km", "12 miles", False), ("12 hours", "12 hour", True),
        ("$5", "5 dollars", False), ("1/3", "0.333", False),
    ],
)  # fmt: skip
def test_units_and_percent(reference: str, answer: str, equal: bool) -> None:
    left, right = read_number(reference), read_number(answer)
    assert left is not None
    assert right is not None
    assert same_number(left, right) is equal


def test_a_tolerance_is_relative_to_the_reference() -> None:
    reference, answer = read_number("200"), read_number("201")
    assert reference is not None
    assert answer is not None
    assert same_number(reference, answer, 0.01)
    assert not same_number(reference, answer, 0.001)
