"""How the time of a function grows with a hostile text: shapes of texts, and a fit that a busy machine does not upset.

A text is made ever longer while the function is quick; where it is not, the same shape is measured at four sizes,
and the slope of log time over log size is the exponent: 1 is linear, 2 quadratic. A quadratic pass over sixteen
thousand characters takes a second where a linear one takes a millisecond, so that little time tells much.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

Read = Callable[[str], object]
LADDER = {256: 0.01, 1024: 0.015, 4096: 0.015, 16_384: 0.1, 65_536: 0.5}
"""Sizes, and the seconds below which a size says nothing and the next one is tried."""
STEEP = 1.5
ENOUGH_S = 1.0


def _filled(piece: str, n: int) -> str:
    return (piece * (n // len(piece) + 1))[:n]


PIECES = (
    # runs of one character
    "a", "A", "1", " ", "\n", "\t", "\r", "\u00a0", "\u3000", "\x1c", "<", ">", "[", "]", "{", "}", "(", ")", "*",
    "_", "#", "`", '"', "'", "“", "|", "｜", ".", "!", "?", ",", "-", "/", "\\", "~", "\u0301", "\u200d", "漢", "。",
    "\U0001f469", "\ud800", "İ",
    # runs of two and more
    "\r\n", " \n", "\n ", "\n\n\n", "< ", "[ ", "] ", "<|", "|>", "<<", ">>", "<</", "[[", "[]", "()", '"\'', "**", "* ",
    "** ", "*a", "**a*", "_a", "``` ", "`a`", "- ", "-- ", ". ", "a.", "a. ", "A. ", "a, ", "e.g. ", "...a", "1,", "1.",
    "1) ", "a) ", "I ", "aA", "a!", "a-", "don't ", "'s ", "a'", "cannot ", "wanna ", "P.S. ", "p. ", "p.p.s", "Section 1 ",
    "Section", "SECTION\n", "word ", "the old harbour lies ", "The Old Harbour. ", "# a\n", "- a\n", "* a\n", "1. a\n",
    "[a](b)", '{"a":', '{"verdict": ', '"verdict"', "<think>", "</think>", "<b>", "a@", "a@b.", "http://a", "https://",
    "user:\n", "system :", "constraints ", "ignore all ", "end of ", "score : ", "漢字。", "e\u0301", "שלום ", "नमस्ते। ",
    "\U0001f469\u200d", "\U0001f1e9\U0001f1ea", "my answer is yes. ", "answer: ", "pass ", "at least 5 words ", "5,000 ",
)  # fmt: skip
AROUND = (
    ("<", " ", "x"), ("<", "\n", "x"), ("[", " ", "x"), ("[[", " ", "x"), ("[[", "a", "x"), ("<<", "a", ""),
    ("<<", " ", "x"), ("", "\n", "x"), ("", " ", "x"), ("", " \n", "x"), ("", "a", "!"), ("", "!", "x"),
    ("", "#", "x"), ("", "*", "x"), ("", "A", "1"), ("", "1", "x"), ("\"", "a", ""), ("```", "a", ""),
    ("```json\n", "{", ""), ("a.", " ", "b"), ("a.", ")", "b"), ("a", ".", "b"), ("Section", "1", "x"),
    ("Section", " ", "x"), ("score", " ", "x"), ("\"verdict\"", " ", "x"), ("a", "@", "b"), ("http://", "a", "!"),
    ("[", "[", "]"), ("(", "(", ")"), ("{\"a\":", "[", "]"), ("1", "0", ""), ("\n", "- ", "x"), ("<think", " ", ">"),
    ("/", "n", "o_think"), ("", "e\u0301", "x"), ("x", "\u200d", "y"), ("1", ",000", "x"),
)  # fmt: skip
SHAPES: dict[str, Callable[[int], str]] = {
    **{f"{piece!r} again and again": lambda n, p=piece: _filled(p, n) for piece in PIECES},  # type: ignore[misc]
    **{f"{a!r}, many {p!r}, {z!r}": lambda n, a=a, p=p, z=z: a + _filled(p, n) + z for a, p, z in AROUND},  # type: ignore[misc]
    "ever longer words": lambda n: " ".join("a" * k for k in range(1, math.isqrt(2 * n))),
    "nested brackets": lambda n: "[" * (n // 2) + "]" * (n // 2),
    "nested quotes": lambda n: "“" * (n // 2) + "”" * (n // 2),
    "words of their own": lambda n: " ".join(f"w{k}" for k in range(n // 6)),
    "lines of their own": lambda n: "\n".join(f"line {k}" for k in range(n // 9)),
}


@dataclass(frozen=True)
class Steep:
    """A function that grows faster than its text."""

    reader: str
    shape: str
    size: int
    seconds: float
    exponent: float

    def __str__(self) -> str:
        return f"{self.reader} on {self.shape}: n^{self.exponent:.2f}, {self.seconds:.2f} s for {self.size} characters"


def timed(read: Read, text: str, repeats: int) -> float:
    """The least processor time of some runs."""
    best = math.inf
    for _ in range(repeats):
        started = time.process_time()
        read(text)
        best = min(best, time.process_time() - started)
        if best > ENOUGH_S:
            break
    return best


def exponent(read: Read, shape: Callable[[int], str], size: int, longest: float) -> float:
    """The slope of log time over log size at `size` and three halvings of it."""
    sizes = [size >> k for k in (3, 2, 1)]
    points = [(math.log(n), math.log(max(timed(read, shape(n), 3), 1e-7))) for n in sizes]
    points.append((math.log(size), math.log(longest)))
    mean_x, mean_y = (sum(axis) / len(points) for axis in zip(*points, strict=True))
    return sum((x - mean_x) * (y - mean_y) for x, y in points) / sum((x - mean_x) ** 2 for x, _ in points)


def steep(name: str, read: Read, shapes: dict[str, Callable[[int], str]], most: int) -> list[Steep]:
    """The shapes, up to `most` characters long, on which a function is steeper than linear."""
    out = []
    for shape, make in shapes.items():
        for size, quick in LADDER.items():
            if size > most:
                break
            spent = timed(read, make(size), 1)
            if spent < quick:
                continue
            spent = min(spent, timed(read, make(size), 2))  # noise only ever adds
            if spent < quick:
                continue
            slope = exponent(read, make, size, spent)
            if slope > STEEP:
                out.append(Steep(name, shape, size, spent, slope))
            if slope > STEEP or spent > ENOUGH_S:
                break
    return out
