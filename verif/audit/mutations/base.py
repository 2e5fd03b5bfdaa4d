"""The edits of verif's own rules, and plain prose to start from.

A rule's edits (`Edits`, called a mutator here) know how to draw parameters for it, how to repair any text minimally
so that it follows, and how to break a following text minimally. They count by themselves on simple text and never
call the rule, so that a miscounting rule is found.
"""

from __future__ import annotations

import importlib
import pkgutil
import random
import re
from functools import cache

from verif.core.rules.registry import Edit, Edits, Raw

__all__ = ["MUTATORS", "Edit", "Edits", "Raw"]

MUTATORS: dict[str, Edits] = {}
"""By rule id, for verif's own rules; a rule may also bring its edits with it (`rule(..., edits=)`).
A variant (`*_fixed`, `*_multilingual`) uses those of its plain rule unless it has one of its own."""

_PACKAGE = __name__.rpartition(".")[0]


@cache
def mutators() -> dict[str, Edits]:
    """`MUTATORS`, filled by every module of this folder: a new one is found by itself."""
    package = importlib.import_module(_PACKAGE)
    for module in pkgutil.iter_modules(package.__path__):
        importlib.import_module(f"{_PACKAGE}.{module.name}")
    return MUTATORS


SENTENCES = (
    "The old ferry crosses the river before breakfast.",
    "My neighbour grows tomatoes behind the wooden fence.",
    "Every child in the village knows the baker by name.",
    "She repaired the radio with a piece of copper wire.",
    "The train to the coast leaves from the second platform.",
    "We walked home slowly because the road was wet.",
    "Several students asked about the history of the bridge.",
    "The museum keeps its oldest maps in a dark room.",
    "Nobody remembered where the spare keys were kept.",
    "He writes long letters to his sister in the winter.",
    "The garden smells of mint after a warm rain.",
    "They painted the kitchen walls in a pale yellow.",
    "Our teacher explained the problem with great patience.",
    "The small shop near the station sells fresh bread.",
    "Most visitors come for the view from the tower.",
    "The children built a raft from empty barrels.",
)
RARE = ("quartz", "lantern", "zeppelin", "walrus", "pumpkin", "velvet", "bamboo", "saddle")
FILLERS = ("often", "really", "still", "again", "perhaps", "nearly")


_BARE = re.compile(r"(?<!\S)[A-Za-z]+(?=[\s.!?]|$)")
"""Words that stand alone: nothing is put inside brackets or asterisks."""


def prose(rng: random.Random) -> str:
    """Four to seven English sentences without commas, capitals within, or anything special."""
    return " ".join(rng.sample(SENTENCES, rng.randint(4, 7)))


def readable(text: str) -> bool:
    """Whether there is something to edit: a few words that stand alone."""
    return len(_BARE.findall(text)) >= 4


def words(text: str) -> list[re.Match[str]]:
    """Words of letters, with their places."""
    return list(re.finditer(r"[A-Za-z]+", text))


def insert_word(rng: random.Random, text: str, word: str) -> str:
    """The word put after a random word of the text."""
    places = list(_BARE.finditer(text)) or words(text)
    if not places:
        return f"{text} {word}".strip()
    end = rng.choice(places).end()
    return f"{text[:end]} {word}{text[end:]}"


def remove(text: str, start: int, end: int) -> str:
    """The text without that part, and without the blank that would be left before it."""
    if start and text[start - 1] == " ":
        start -= 1
    return text[:start] + text[end:]


def boundary(relation: str, threshold: int) -> tuple[int, int]:
    """The last count that follows and the first that does not: "exactly", "at least", "at most" or "less than"."""
    return {
        "exactly": (threshold, threshold + 1),
        "at least": (threshold, threshold - 1),
        "at most": (threshold, threshold + 1),
        "less than": (threshold - 1, threshold),
    }[relation]
