"""Ways to change an accepted response: what a search tries when it looks for false responses that a judge lets pass.

They know words and sentences, no grammar and no truth: whether a mutant is still true is for the oracle to say. What
they share with a policy in training is that each starts from something that was rewarded.
"""

from __future__ import annotations

import random
import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from verif.types import Instruction

_QUOTED = re.compile(r"[A-Za-z]+")
LONGEST = 400
"""Words that are looked at: a longer response is cut for the purpose, so that a search stays linear."""


@dataclass(frozen=True, slots=True)
class Company:
    """What a mutant may borrow: another accepted response, words of the instruction, and who stands behind whom.

    `behind[word]` are the words that stood behind `word` in accepted responses: one exchanged for another of them
    keeps the place, so the text still looks like the language.
    """

    other: list[str]
    asked: list[str]
    behind: dict[str, list[str]]


def words_of(text: str) -> list[str]:
    """The words of a response as they stand, with their marks and line breaks."""
    return re.split(r"(?<=\s)(?=\S)", text.strip())[:LONGEST]


def neighbours(texts: Sequence[str]) -> dict[str, list[str]]:
    """For each word (lower case, no marks) the different words that follow it, sorted."""
    table: dict[str, set[str]] = defaultdict(set)
    for text in texts:
        words = words_of(text)
        for left, right in pairwise(words):
            table[bare(left)].add(right.strip())
    return {word: sorted(after) for word, after in table.items()}


def bare(word: str) -> str:
    """A word without marks, in lower case."""
    return "".join(_QUOTED.findall(word)).lower()


def company(instruction: Instruction, other: str, behind: dict[str, list[str]]) -> Company:
    """What a mutant of a response to `instruction` may borrow."""
    asked = [word.lower() for word in _QUOTED.findall(instruction.prompt) if len(word) > 3]
    return Company(words_of(other), asked or ["well"], behind)


def splice(rng: random.Random, words: list[str], near: Company) -> list[str]:
    """The beginning of this response and the end of another accepted one."""
    return [*words[: rng.randrange(1, len(words) + 1)], *near.other[rng.randrange(len(near.other)) :]]


def join(rng: random.Random, words: list[str], _: Company) -> list[str]:
    """Two halves of the response joined in mid-sentence: some words between them are gone, or come twice."""
    return [*words[: rng.randrange(1, len(words) + 1)], *words[rng.randrange(len(words)) :]]


def delete(rng: random.Random, words: list[str], _: Company) -> list[str]:
    """One to three neighbouring words are lost."""
    low = rng.randrange(len(words))
    return [*words[:low], *words[low + rng.randint(1, 3) :]]


def repeat(rng: random.Random, words: list[str], _: Company) -> list[str]:
    """One to four words come twice."""
    low = rng.randrange(len(words))
    high = low + rng.randint(1, 4)
    return [*words[:high], *words[low:high], *words[high:]]


def swap(rng: random.Random, words: list[str], _: Company) -> list[str]:
    """Two words change places."""
    i, j = rng.randrange(len(words)), rng.randrange(len(words))
    out = list(words)
    out[i], out[j] = out[j], out[i]
    return out


def exchange(rng: random.Random, words: list[str], near: Company) -> list[str]:
    """A word becomes another that has stood behind the same neighbour: the grammar is kept, or nearly."""
    i = rng.randrange(1, len(words)) if len(words) > 1 else 0
    choices = [w for w in near.behind.get(bare(words[i - 1]), []) if bare(w) != bare(words[i])] if i else []
    if not choices:
        return swap(rng, words, near)
    return [*words[:i], rng.choice(choices) + " ", *words[i + 1 :]]


def stuff(rng: random.Random, words: list[str], near: Company) -> list[str]:
    """Words of the instruction are pushed in."""
    out = list(words)
    for _ in range(rng.randint(1, 3)):
        out.insert(rng.randrange(len(out) + 1), rng.choice(near.asked) + " ")
    return out


def reorder(rng: random.Random, words: list[str], _: Company) -> list[str]:
    """A run of three to six words in another order."""
    low = rng.randrange(len(words))
    part = words[low : low + rng.randint(3, 6)]
    rng.shuffle(part)
    return [*words[:low], *part, *words[low + len(part) :]]


Edit = Callable[[random.Random, list[str], Company], list[str]]
EDITS: dict[str, Edit] = {
    "splice": splice,
    "join": join,
    "delete": delete,
    "repeat": repeat,
    "swap": swap,
    "exchange": exchange,
    "stuff": stuff,
    "reorder": reorder,
}


def mutate(rng: random.Random, name: str, text: str, near: Company) -> str:
    """A response changed by one edit; words keep one space between them, lines their breaks."""
    words = EDITS[name](rng, words_of(text), near)
    spaced = [word if word[-1:].isspace() else f"{word} " for word in words]
    return _recased("".join(spaced).strip(), text)


def _recased(new: str, like: str) -> str:
    """The mutant in the response's own case where that was all small or all capital: case is not what is tried."""
    return new.lower() if like == like.lower() else new.upper() if like == like.upper() else new
