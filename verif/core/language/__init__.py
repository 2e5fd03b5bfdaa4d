"""Language identification: deterministic, in process, without a download.

Upstream IFEval asks `langdetect`, which draws random n-grams without a seed: the same bytes get different
answers. `detect` weighs the same evidence (`tables.npz`, the n-gram counts of langdetect 1.0.9, Apache-2.0,
packed by `scripts/language_tables.py`) by the same procedure, with a fixed sequence of draws, on arrays. Where
langdetect is stable the answers agree; `docs/measurements.md` counts the rest.
"""

from __future__ import annotations

import re
from functools import cache

from verif.core.language.tables import Tables, load

_URL = re.compile(r"https?://[-_.?&~;+=/#0-9A-Za-z]{1,2076}")
_MAIL = re.compile(r"(?<![-_.0-9A-Za-z])[-_.0-9A-Za-z]{1,64}@[-_0-9A-Za-z]{1,255}[-_.0-9A-Za-z]{1,255}")
_LIMIT = 10_000
_MARGIN = 4_096

UNKNOWN = "unknown"


def detect(text: str) -> str | None:
    """The most probable language as an ISO 639-1 code (Chinese: zh-cn, zh-tw).

    None: there is nothing to go by (no known n-gram). "unknown": no language has a probability above 0.1.
    Reads the first 10,000 characters; time does not grow beyond that.
    """
    from verif.core.language.model import probabilities

    shares = probabilities(tables(), _prepared(text, tables()))
    if shares is None:
        return None
    best = int(shares.argmax())
    return tables().languages[best] if shares[best] > 0.1 else UNKNOWN


@cache
def tables() -> Tables:
    """The n-gram tables, read once (about 50 ms, 30 MB)."""
    return load()


def _prepared(text: str, tables: Tables) -> str:
    """The first 10,000 characters after web addresses, mail addresses and decomposed accents are replaced."""
    length = _LIMIT + _MARGIN
    while True:
        cut = text[:length]
        if "://" in cut:
            cut = _URL.sub(" ", cut)
        if "@" in cut:
            cut = _MAIL.sub(" ", cut)
        cut = tables.accented.sub(lambda match: tables.accents.get(match.group(), match.group()), cut)
        if length >= len(text) or len(cut) >= _LIMIT + _MARGIN // 2:
            return cut[:_LIMIT]
        length *= 2
