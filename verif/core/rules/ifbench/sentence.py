"""`sentence:*` of IFBench: alliteration, a keyword in a sentence, growing sentences."""

from __future__ import annotations

import itertools

from verif.core.rules.ifbench.shared import EDGES, Small, bare
from verif.core.rules.params import Ordinal, Phrase
from verif.core.rules.registry import Outcome, Params, rule
from verif.core.rules.splitting import sentences
from verif.core.text import Doc


class InSentence(Params):
    """A word, taken literally, and the number of a sentence, from 1."""

    word: Phrase
    N: Ordinal


def _alliteration(sentence: str) -> int:
    """Neighbours that begin alike: two for the first pair of a run, one for each further word."""
    words = [word for piece in sentence.lower().split() if (word := piece.lstrip(EDGES))]
    total, before = 0, False
    for word, after in itertools.pairwise(words):
        alike = word[0] == after[0]
        total += (1 if before else 2) * alike
        before = alike
    return total


@rule(
    "sentence:alliteration_increment",
    asks="Let each sentence hold more alliterating neighbours than the one before it.",
    example=({}, "The mill turns. Big boats sail. Five fat fish flee.", "The mill turns. Big boats sail. Fat fish swim."),
)  # fmt: skip
def alliteration_increment(doc: Doc, _: Params) -> Outcome:
    """Words in a row with the same first letter are counted in each sentence (all its runs together), and must grow.

    The first sentence may have none; a second one without any fails.
    """
    counts = [_alliteration(sentence) for sentence in sentences(doc.text)]
    ok = all(before < after for before, after in itertools.pairwise(counts))
    return Outcome(ok, f"alliterating words by sentence: {counts[:20]}", {"counts": counts[:100]})


@rule(
    "sentence:keyword", InSentence,
    asks="Use the word {word} in sentence {N}.",
    example=({"word": "lamp", "N": 2}, "It is dark. The lamp burns.", "The lamp burns. It is bright."),
)  # fmt: skip
def keyword(doc: Doc, params: InSentence) -> Outcome:
    """The N-th sentence holds the word, in any case, also inside a word."""
    parts = sentences(doc.text)
    if len(parts) < params.N:
        return Outcome(False, f"{len(parts)} sentences", {"sentences": len(parts)})
    ok = params.word.lower() in parts[params.N - 1].lower()
    return Outcome(ok, f"sentence {params.N} {'holds' if ok else 'does not hold'} {params.word!r}")


@rule(
    "sentence:increment", Small,
    asks="Make each sentence exactly {small_n} words longer than the one before it.",
    example=({"small_n": 1}, "It rains. The mill turns. The old miller sleeps.", "It rains. The mill turns. The miller sleeps."),
)  # fmt: skip
def increment(doc: Doc, params: Small) -> Outcome:
    """Each sentence has exactly so many words more than the one before; punctuation that stands alone is no word."""
    counts = [len(bare(sentence).split()) for sentence in sentences(doc.text)]
    ok = all(after == before + params.small_n for before, after in itertools.pairwise(counts))
    return Outcome(ok, f"words by sentence: {counts[:20]}", {"counts": counts[:100]})
