"""`keywords:*`, `first_word:*`, `last_word:*` and `count:*` of IF-RLVR."""

from __future__ import annotations

import itertools
import re
from typing import Annotated, Any

from pydantic import BeforeValidator

from verif.core import segment
from verif.core.rules import tokens
from verif.core.rules.expressions import compiled
from verif.core.rules.ifbench.positions import Position, at_place
from verif.core.rules.keywords import Frequency, frequency
from verif.core.rules.params import Count, Expression, Phrase
from verif.core.rules.registry import Outcome, Params, rule
from verif.core.rules.splitting import sentences
from verif.core.text import Doc

_LOWER = re.compile(r"\b[a-z]+\b")
_MARKS = re.compile(r"[^\w\s]")


def _only(value: Any) -> Any:
    """Upstream's rows hold a word, or a list whose first entry is the word."""
    return value[0] if isinstance(value, list | tuple) and len(value) == 1 else value


Word = Annotated[Phrase, BeforeValidator(_only)]


class Keyword(Params):
    """A keyword, read as a regular expression."""

    keyword: Expression


class Literal(Params):
    """A keyword, taken literally."""

    keyword: Phrase


class Place(Position):
    """A keyword, the number of a sentence and of a word in it, from 1."""

    keyword: Word


class First(Params):
    """The first word."""

    first_word: Word


class Last(Params):
    """The last word."""

    last_word: Word


class Most(Params):
    """A greatest number."""

    N: Count


class OnceTwice(Params):
    """Two keywords, read as regular expressions."""

    keyword1: Expression
    keyword2: Expression


def _times(doc: Doc, keyword: str) -> int:
    return sum(1 for _ in compiled(keyword).finditer(doc.text))


@rule(
    "keywords:word_once", Keyword,
    asks="Use the word {keyword} exactly once.",
    example=({"keyword": "lamp"}, "The lamp burns.", "The lamp lights the lamplighter."),
)  # fmt: skip
def word_once(doc: Doc, params: Keyword) -> Outcome:
    """The keyword, read as a regular expression, occurs once, in any case, also inside words."""
    count = _times(doc, params.keyword)
    return Outcome(count == 1, f"{params.keyword!r} occurs {count} times, once asked", {"count": count})


@rule(
    "keywords:word_count_different_numbers", Frequency,
    asks="Use the word {keyword} {relation} {frequency} times.",
    example=(
        {"keyword": "lamp", "frequency": 2, "relation": "at least"}, "A lamp is a lamp.", "A lamp is a light.",
    ),
)  # fmt: skip
def word_count_different_numbers(doc: Doc, params: Frequency) -> Outcome:
    """As `keywords:frequency`. Upstream's sentence for prompts says "should appear N times" and leaves the relation out."""
    return frequency(doc, params)


@rule(
    "keywords:exclude_word_harder", Literal,
    asks="Do not use the word {keyword}.",
    example=({"keyword": "lamp"}, "No light burns.", "No lamp burns."),
)  # fmt: skip
def exclude_word_harder(doc: Doc, params: Literal) -> Outcome:
    """The keyword does not stand between two blanks, in this case. At either end, or before a comma, it is not seen."""
    ok = f" {params.keyword} " not in doc.text
    return Outcome(ok, f"{params.keyword!r} {'does not stand' if ok else 'stands'} between blanks")


@rule(
    "keywords:no_adjacent_consecutive",
    asks="Let no two neighbouring words begin with consecutive letters of the alphabet.",
    example=({}, "Old boats drift.", "Old planks drift."),
)  # fmt: skip
def no_adjacent_consecutive(doc: Doc, _: Params) -> Outcome:
    """No word begins with the character that comes after the first of the word before it, in lower case.

    Words are what stands between white space, so that a quotation mark is a first character.
    """
    words = doc.text.split()
    firsts = [word[0].lower() for word in words]
    for place, (before, after) in enumerate(itertools.pairwise(firsts)):
        if len(before) != 1 or len(after) != 1 or ord(after) - ord(before) == 1:
            return Outcome(False, f"{words[place][:40]!r} is followed by {words[place + 1][:40]!r}")
    return Outcome(True, "no consecutive letters")


@rule(
    "keywords:palindrome",
    asks="Include a palindrome.",
    example=({}, "The radar turns.", "The sonar turns."),
)  # fmt: skip
def palindrome(doc: Doc, _: Params) -> Outcome:
    """A piece between white space reads alike backwards, in this case; "a", "I" and "-" do, too, as upstream."""
    word = next((word for word in doc.text.split() if word == word[::-1]), None)
    return Outcome(word is not None, f"{word[:40]!r}" if word else "no palindrome")


@rule(
    "keywords:keyword_specific_position", Place, flavour=segment.splitter,
    asks="Let word {m} of sentence {n} be {keyword}.",
    example=({"keyword": "lamp", "n": 2, "m": 3}, "It is dark. The old lamp burns.", "It is dark. The lamp burns."),
)  # fmt: skip
def keyword_specific_position(doc: Doc, params: Place) -> Outcome:
    """As `words:keywords_specific_position`: marks are tokens, "don't" is two, and the case must be the keyword's."""
    return at_place(doc, params.keyword, params.n, params.m)


@rule(
    "keywords:start_end", flavour=segment.splitter,
    asks="Begin and end with the same word, without a mark behind it.",
    example=({}, "Home is where I feel at home", "Home is where I feel at home."),
)  # fmt: skip
def start_end(doc: Doc, _: Params) -> Outcome:
    """The first and the last of at least two tokens are the same, in any case; a last period is a token."""
    words = tokens.words(doc)
    ok = len(words) > 1 and words[0].lower() == words[-1].lower()
    return Outcome(ok, f"first {words[0][:40]!r}, last {words[-1][:40]!r}" if words else "no tokens")


@rule(
    "first_word:first_word_sent", First,
    asks="Begin each sentence with the word {first_word}.",
    example=({"first_word": "Rain"}, "Rain falls. Rain stops.", "Rain falls. It stops."),
)  # fmt: skip
def first_word_sent(doc: Doc, params: First) -> Outcome:
    """What stands before the first white space of each sentence is the word, in any case; marks belong to it."""
    wrong = [s for s in sentences(doc.text) if s.lower().split()[:1] != [params.first_word.lower()]]
    return Outcome(not wrong, f"{len(wrong)} sentences begin otherwise", {"otherwise": len(wrong)})


@rule(
    "first_word:first_word_answer", First,
    asks="Begin with the word {first_word}.",
    example=({"first_word": "Rain"}, "rain falls.", "Rain, it falls."),
)  # fmt: skip
def first_word_answer(doc: Doc, params: First) -> Outcome:
    """What stands before the first white space of the response is the word, in any case; marks belong to it."""
    first = doc.text.split(None, 1)[0]
    return Outcome(first.lower() == params.first_word.lower(), f"begins with {first[:40]!r}")


def _last_is(text: str, word: str) -> bool:
    """Whether the last piece between white space is the word, in any case, once marks are taken out of it."""
    return _MARKS.sub("", (text.split() or [""])[-1]).lower() == word.lower()


@rule(
    "last_word:last_word_sent", Last,
    asks="End each sentence with the word {last_word}.",
    example=({"last_word": "rain"}, "I like rain. Here is rain!", "I like rain. Here is rain water!"),
)  # fmt: skip
def last_word_sent(doc: Doc, params: Last) -> Outcome:
    """The last word of each sentence is the word, in any case, once marks are taken out of it."""
    wrong = [s for s in sentences(doc.text) if not s or not _last_is(s, params.last_word)]
    return Outcome(not wrong, f"{len(wrong)} sentences end otherwise", {"otherwise": len(wrong)})


@rule(
    "last_word:last_word_answer", Last,
    asks="End with the word {last_word}.",
    example=({"last_word": "rain"}, "All I like is rain.", "Rain is all I like."),
)  # fmt: skip
def last_word_answer(doc: Doc, params: Last) -> Outcome:
    """The last word of the response is the word, in any case, once marks are taken out of it."""
    ok = _last_is(doc.text, params.last_word)
    return Outcome(ok, f"{'ends' if ok else 'does not end'} with {params.last_word!r}")


@rule(
    "count:lowercase_counting", Most,
    asks="Write at most {N} words in lower case.",
    example=({"N": 2}, "SHIPS sail at NIGHT", "SHIPS sail at the NIGHT"),
)  # fmt: skip
def lowercase_counting(doc: Doc, params: Most) -> Outcome:
    """At most so many words that consist of the letters a to z only; "Ship" is none, "don't" is two."""
    count = sum(1 for _ in _LOWER.finditer(doc.text))
    return Outcome(
        count <= params.N, f"{count} words in lower case, at most {params.N} asked", {"count": count}
    )


@rule(
    "count:count_unique", flavour=segment.splitter,
    asks="Repeat no word.",
    example=({}, "The old mill turns.", "The old mill and the mill."),
)  # fmt: skip
def count_unique(doc: Doc, _: Params) -> Outcome:
    """No token occurs twice: a mark is one, so that a second period fails; "The" and "the" are different."""
    words = tokens.words(doc)
    twice = len(words) - len(set(words))
    return Outcome(not twice, f"{twice} repetitions among {len(words)} tokens", {"repetitions": twice})


@rule(
    "count:count_increment_word", OnceTwice,
    asks="Use the word {keyword1} once and the word {keyword2} twice.",
    example=({"keyword1": "mill", "keyword2": "sea"}, "The mill, the sea, the sea.", "The mill, the sea."),
)  # fmt: skip
def count_increment_word(doc: Doc, params: OnceTwice) -> Outcome:
    """The first keyword occurs once and the second twice, read as regular expressions, in any case, also inside words."""
    first, second = _times(doc, params.keyword1), _times(doc, params.keyword2)
    return Outcome(
        (first, second) == (1, 2), f"{params.keyword1!r} {first} times, {params.keyword2!r} {second} times"
    )
