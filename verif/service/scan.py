"""Counts the values of a JSON text before anything parses it.

A parser makes objects as it reads, and holds the interpreter while it does. This reads the bytes in small steps,
between which others may run, and makes nothing. It does not say whether the text is JSON: that is the parser's, which
also bounds depth and digits. Up to the first fault that a parser would find, the count is right.
"""

from __future__ import annotations

STEP = 128 << 10


def values(body: bytes | bytearray, enough: int) -> int:
    """Objects, lists and what stands between their commas; stops counting at more than `enough`. Linear."""
    count, inside, rest = 0, False, b""
    for start in range(0, len(body), STEP):
        piece = rest + bytes(body[start : start + STEP])
        bare = piece.rstrip(b"\\")
        rest = b"\\" * ((len(piece) - len(bare)) % 2)  # what it escapes stands in the next step
        if b"\\" in bare:
            bare = bare.replace(b"\\\\", b"").replace(b'\\"', b"")
        parts = bare.split(b'"')
        outside = b" ".join(parts[inside::2])
        inside ^= len(parts) % 2 == 0
        count += outside.count(b",") + outside.count(b"{") + outside.count(b"[")
        if count > enough:
            break
    return count
