"""Near-duplicates and benchmark prompts, found exactly: no pair that is similar enough is missed, and chance has no say.

Texts are sets of neighbouring words; two are near when the sets' Jaccard index reaches a threshold t. The prefix filter
(Chaudhuri et al., ICDE 2006) makes that fast: with the rarest elements first, two such sets share one among the first
`n - ceil(t * n) + 1` of each. Linear in the texts, and in the number of pairs that share a rare element.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Sequence

CONTAINED = 0.8
"""A benchmark's prompt is inside a question that has this share of its neighbouring words."""
FEWEST = 6
"""Words that a benchmark's prompt must have to be looked for inside others: shorter ones stand everywhere."""
LENGTH = 2
"""Words of an element."""

Elements = frozenset[str]


def elements(text: str) -> Elements:
    """Every `LENGTH` neighbouring words, in lower case and without marks; a shorter text is one element."""
    spoken = words(text)
    if len(spoken) < LENGTH:
        return frozenset((" ".join(spoken),)) if spoken else frozenset()
    return frozenset(" ".join(spoken[i : i + LENGTH]) for i in range(len(spoken) - LENGTH + 1))


def words(text: str) -> list[str]:
    """The words of a text in lower case, without marks."""
    return "".join(char if char.isalnum() else " " for char in text.lower()).split()


def prefix(own: Elements, rarity: Counter[str], share: float) -> list[str]:
    """The rarest elements, one of which any set that has this share of `own` must have, too."""
    ordered = sorted(own, key=lambda element: (rarity[element], element))
    return ordered[: len(ordered) - math.ceil(share * len(ordered) - 1e-9) + 1]


def near_duplicates(texts: Sequence[str], threshold: float) -> list[tuple[int, int, float]]:
    """(later, earlier, similarity) for each text that is near an earlier one that stays; the earliest such one counts.

    A text that is left out takes nobody with it: chains of small steps do not fall one by one. One without a word
    is near nothing.
    """
    sets = [elements(text) for text in texts]
    rarity = Counter(element for each in sets for element in each)
    index: dict[str, list[int]] = defaultdict(list)
    near = []
    for place, own in enumerate(sets):
        if not own:
            continue
        rarest = prefix(own, rarity, threshold)
        candidates = sorted({other for element in rarest for other in index[element]})
        match = next(
            (
                (other, similarity)
                for other in candidates
                if (similarity := jaccard(own, sets[other])) >= threshold
            ),
            None,
        )
        if match is not None:
            near.append((place, *match))
            continue
        for element in rarest:
            index[element].append(place)
    return near


def jaccard(a: Elements, b: Elements) -> float:
    """Shared elements among all."""
    shared = len(a & b)
    return shared / (len(a) + len(b) - shared)


class Held:
    """Prompts of benchmarks that no question may be near or hold."""

    def __init__(self, prompts: Sequence[str], threshold: float) -> None:
        self.prompts, self.threshold = prompts, threshold
        self._sets = [elements(prompt) for prompt in prompts]
        self._rarity = Counter(element for each in self._sets for element in each)
        self._index: dict[str, list[int]] = defaultdict(list)
        for place, own in enumerate(self._sets):
            for element in prefix(own, self._rarity, min(threshold, CONTAINED)):
                self._index[element].append(place)

    def inside(self, question: str) -> str:
        """The benchmark prompt that a question is near or holds; "" if there is none."""
        own = elements(question)
        for place in sorted({p for element in own if element in self._index for p in self._index[element]}):
            theirs = self._sets[place]
            shared = len(own & theirs)
            holds = len(theirs) >= FEWEST - LENGTH + 1 and shared >= CONTAINED * len(theirs)
            if holds or shared >= self.threshold * (len(own) + len(theirs) - shared):
                return self.prompts[place]
        return ""
