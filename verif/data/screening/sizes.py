"""How large a claim may be before no probes of it are made: rows are written by others, and so are their numbers.

"At least 1,000,000,000 words" is understood, but a text of that length cannot be asked about. Such a claim is
left alone, and the screening says so: nothing is concluded from it.
"""

from __future__ import annotations

CAP = 10**9
"""Larger numbers are all alike, and Python refuses to read one of 5,000 digits."""
MOST = {"words": 5_000, "sentences": 900, "letters": 10_000}
"""Of a unit: probes twice as long stay below some tens of kilobytes."""
PHRASES, CHARACTERS = 50, 2_000
"""Of demanded keywords together: the probes leave out each of them in turn."""


def number_of(digits: str) -> int:
    """The number of a text of digits and commas, at most `CAP`."""
    plain = digits.replace(",", "")
    return int(plain) if len(plain) < 10 else CAP


def oversized(claim: object, unbounded: int) -> str:
    """Why no probes of a claim are made; "" if they are. `unbounded` is the number that stands for no upper end."""
    wanted = getattr(claim, "wanted", ())
    length = sum(map(len, wanted))
    if len(wanted) > PHRASES or length > CHARACTERS:
        return f"its text demands {len(wanted):,} phrases of {length:,} characters"
    unit = str(getattr(claim, "unit", ""))
    counts = {name: getattr(claim, name, 0) for name in ("around", "low", "high", "most", "least")}
    if counts["high"] == unbounded:
        del counts["high"]
    large = [count for count in counts.values() if count > MOST.get(unit, CAP)]
    return f"its text asks for {large[0]:,} {unit}, and probes are made up to {MOST[unit]:,}" if large else ""
