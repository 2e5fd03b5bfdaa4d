"""What the repaired rules (`*_fixed`) look at: lines, blanks and letters of any script and of any writing of line ends.

They must not fail what the plain rule passes because of a line ending, a kind of blank or a script: CRLF, U+2028, a
no-break or an ideographic space, letters with combining marks (Hindi, Tamil, vocalised Arabic, decomposed Latin).
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache

BLANKS = "".join(c for c in map(chr, range(0x3001)) if c.isspace()) + "\u200b\ufeff"
"""Every character that `str.isspace` knows, the zero-width space and the byte-order mark."""
_ENDS = re.compile("\r\n|[\r\v\f\x1c-\x1e\x85\u2028\u2029]")


def with_lines(text: str) -> str:
    """The text with `\\n` at the end of each line, however it was written."""
    return _ENDS.sub("\n", text)


def lines(text: str) -> list[str]:
    """The lines of a text."""
    return with_lines(text).split("\n")


def even(text: str) -> str:
    """The text composed, in lower case, with single blanks for white space of any kind and none at either end."""
    return " ".join(unicodedata.normalize("NFC", text).lower().strip(BLANKS).split())


def unmarked(text: str) -> str:
    r"""The text without combining marks and joiners, which `\w` takes for the end of a word."""
    return text if text.isascii() else _marks().sub("", text)


@cache
def _marks() -> re.Pattern[str]:
    """Combining marks of the first two planes and the variation selectors, and joiners; made when first asked for."""
    points = [
        n
        for n in (*range(0x300, 0x20000), *range(0xE0100, 0xE01F0))
        if unicodedata.category(chr(n))[0] == "M"
    ]
    ranges: list[list[int]] = []
    for point in points:
        if ranges and ranges[-1][1] == point - 1:
            ranges[-1][1] = point
        else:
            ranges.append([point, point])
    return re.compile("[\u200c\u200d" + "".join(f"{chr(a)}-{chr(b)}" for a, b in ranges) + "]+")
