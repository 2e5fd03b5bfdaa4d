"""Syllables of an English word, as the library syllapy 0.8 counts them, on which one rule of IFBench rests.

Groups of vowels are counted, a final "e" is silent. `syllables.json` holds the words of syllapy's own list (MIT) for which
that is not what the list says: number of syllables to words. Made by `scripts/syllable_table.py`.
"""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path

_GROUP = re.compile("[aeiouy]+")
_DIGIT = re.compile(r"\d")


@cache
def exceptions() -> dict[str, int]:
    """The words whose syllables are not what their vowels say, read once."""
    table = json.loads(Path(__file__).with_name("syllables.json").read_text("utf-8"))
    return {word: int(count) for count, words in table.items() for word in words.split()}


def syllables(word: str) -> int:
    """Syllables of a word in lower case without punctuation; 0 for a word with a digit."""
    if not word or _DIGIT.search(word):
        return 0
    known = exceptions().get(word)
    return known if known is not None else by_vowels(word)


def by_vowels(word: str) -> int:
    """Groups of vowels, less a final "e", more one for "-le" after a consonant; at least one."""
    count = len(_GROUP.findall(word)) - word.endswith("e")
    if word.endswith("le") and len(word) > 2 and word[-3] not in "aeiouy":
        count += 1
    return count or 1
