"""The hard constraint types of the local world (`local:<type>`), small and exact.

They are simpler than IFEval's: a sentence is counted by its end mark, a bullet by "- " at the start of a
line, a title is a first line in double angle brackets. `verif.data.world` draws instructions from them.
"""

from __future__ import annotations

import re

from pydantic import Field

from verif.core.rules.params import MOST, Text, Texts
from verif.core.rules.registry import NoParams, Outcome, Params, rule
from verif.core.text import Doc


class Count(Params):
    """A number of words, sentences or bullets."""

    n: int = Field(ge=1, le=MOST)


class Word(Params):
    """One keyword; case does not matter."""

    word: Text


class KeywordList(Params):
    """Several keywords; case does not matter."""

    words: Texts


class Phrase(Params):
    """An opening or closing phrase; case does not matter."""

    phrase: Text


def _counted(count: int, ok: bool, what: str) -> Outcome:
    return Outcome(ok, f"{count} {what}", {"count": count})


def _sentences(doc: Doc) -> int:
    return len(re.findall(r"(?<![.!?])[.!?]++(?=[\s\"]|$)", doc.text))


def _uses(doc: Doc, word: str) -> int:
    return len(re.findall(rf"\b{re.escape(word.lower())}\b", doc.lower))


@rule(
    "local:sentences",
    Count,
    asks="Write exactly {n} sentences.",
    example=({"n": 2}, "It rains. We stay.", "It rains."),
)
def sentences(doc: Doc, p: Count) -> Outcome:
    """Exactly n sentences."""
    count = _sentences(doc)
    return _counted(count, count == p.n, "sentences")


@rule(
    "local:max_sentences",
    Count,
    asks="Write at most {n} sentences.",
    example=({"n": 1}, "It rains.", "It rains. We stay."),
)
def max_sentences(doc: Doc, p: Count) -> Outcome:
    """At least one and at most n sentences."""
    count = _sentences(doc)
    return _counted(count, 1 <= count <= p.n, "sentences")


@rule(
    "local:max_words",
    Count,
    asks="Write at most {n} words.",
    example=({"n": 2}, "It rains.", "It rains again."),
)
def max_words(doc: Doc, p: Count) -> Outcome:
    """At least one and at most n words."""
    count = len(doc.words)
    return _counted(count, 1 <= count <= p.n, "words")


@rule(
    "local:min_words",
    Count,
    asks="Write at least {n} words.",
    example=({"n": 3}, "It rains again.", "It rains."),
)
def min_words(doc: Doc, p: Count) -> Outcome:
    """At least n words."""
    count = len(doc.words)
    return _counted(count, count >= p.n, "words")


@rule(
    "local:bullets",
    Count,
    asks="Write exactly {n} bullet points.",
    example=({"n": 2}, "- bread\n- salt", "- bread"),
)
def bullets(doc: Doc, p: Count) -> Outcome:
    """Exactly n lines that begin with "- "."""
    count = len(re.findall(r"^\"?- \S", doc.text, re.MULTILINE))
    return _counted(count, count == p.n, "bullet points")


@rule(
    "local:keyword",
    Word,
    asks="Use the word {word}.",
    example=({"word": "lamp"}, "A Lamp burns.", "Lamps burn."),
)
def keyword(doc: Doc, p: Word) -> Outcome:
    """The word stands in the response."""
    count = _uses(doc, p.word)
    return _counted(count, count >= 1, f"uses of {p.word!r}")


@rule(
    "local:keyword_twice",
    Word,
    asks="Use the word {word} at least twice.",
    example=({"word": "lamp"}, "A lamp is a lamp.", "A lamp is a light."),
)
def keyword_twice(doc: Doc, p: Word) -> Outcome:
    """The word stands in the response at least twice."""
    count = _uses(doc, p.word)
    return _counted(count, count >= 2, f"uses of {p.word!r}")


@rule(
    "local:keywords",
    KeywordList,
    asks="Use these words: {words}.",
    example=({"words": ["lamp", "sea"]}, "A lamp by the sea.", "A lamp."),
)
def keywords(doc: Doc, p: KeywordList) -> Outcome:
    """All of the words stand in the response."""
    missing = [word for word in p.words if not _uses(doc, word)]
    return Outcome(
        not missing, f"missing: {', '.join(missing)}" if missing else "all used", {"missing": missing}
    )


@rule(
    "local:forbidden",
    KeywordList,
    asks="Do not use these words: {words}.",
    example=({"words": ["lamp"]}, "Lamps burn.", "A lamp burns."),
)
def forbidden(doc: Doc, p: KeywordList) -> Outcome:
    """None of the words stands in the response, which is not empty."""
    used = [word for word in p.words if _uses(doc, word)]
    if not doc.words:
        return Outcome(False, "the response has no words", {"used": []})
    return Outcome(not used, f"used: {', '.join(used)}" if used else "none used", {"used": used})


@rule("local:lowercase", asks="Use small letters only.", example=({}, "it rains", "It rains"))
def lowercase(doc: Doc, _: NoParams) -> Outcome:
    """Has letters, none of them a capital."""
    capitals = sum(ch.isupper() for ch in doc.text)
    return Outcome(not capitals and bool(doc.words), f"{capitals} capitals", {"capitals": capitals})


@rule("local:uppercase", asks="Use capitals only.", example=({}, "IT RAINS", "It rains"))
def uppercase(doc: Doc, _: NoParams) -> Outcome:
    """Has letters, all of them capitals."""
    small = sum(ch.islower() for ch in doc.text)
    return Outcome(not small and bool(doc.words), f"{small} small letters", {"small": small})


@rule("local:no_comma", asks="Do not use any comma.", example=({}, "Bread and salt", "Bread, salt"))
def no_comma(doc: Doc, _: NoParams) -> Outcome:
    """Has words and no comma."""
    count = doc.text.count(",")
    return _counted(count, count == 0 and bool(doc.words), "commas")


@rule(
    "local:exclaim",
    asks="End every sentence with an exclamation mark.",
    example=({}, "It rains! Run!", "It rains. Run!"),
)
def exclaim(doc: Doc, _: NoParams) -> Outcome:
    """Every sentence ends with an exclamation mark."""
    marks = re.findall(r"(?<![.!?])([.!?]++)(?=[\s\"]|$)", doc.text)
    others = sum(set(mark) != {"!"} for mark in marks)
    return Outcome(
        bool(marks) and not others, f"{others} of {len(marks)} sentences end otherwise", {"others": others}
    )


@rule(
    "local:start",
    Phrase,
    asks="Begin with: {phrase}",
    example=({"phrase": "Good day"}, "Good day to you.", "To you a good day."),
)
def start(doc: Doc, p: Phrase) -> Outcome:
    """The response begins with the phrase (a double quote may stand before it)."""
    ok = doc.lower.lstrip().lstrip('"').startswith(p.phrase.lower())
    return Outcome(ok, "" if ok else f"does not begin with {p.phrase!r}")


@rule(
    "local:end",
    Phrase,
    asks="End with: {phrase}",
    example=({"phrase": "good day"}, "I say good day.", "Good day, I say."),
)
def end(doc: Doc, p: Phrase) -> Outcome:
    """The response ends with the phrase (end marks and a double quote may follow it)."""
    ok = doc.lower.rstrip().rstrip('"').rstrip(".!").endswith(p.phrase.lower())
    return Outcome(ok, "" if ok else f"does not end with {p.phrase!r}")


@rule(
    "local:quotes", asks="Put everything in double quotation marks.", example=({}, '"It rains."', "It rains.")
)
def quotes(doc: Doc, _: NoParams) -> Outcome:
    """The whole response stands in double quotes."""
    text = doc.text.strip()
    ok = len(text) > 2 and text[0] == text[-1] == '"'
    return Outcome(ok, "" if ok else "not wrapped in double quotes")


@rule(
    "local:title",
    asks="Begin with a title in double angle brackets.",
    example=({}, "<<Sea>>\nWaves.", "Sea\nWaves."),
)
def title(doc: Doc, _: NoParams) -> Outcome:
    """The first line is a title in double angle brackets: <<title>>."""
    opening = re.match(r"<<([^<>\n]*+)>>(\n|$)", doc.text.lstrip())
    ok = opening is not None and re.search(r"\w", opening[1]) is not None
    return Outcome(ok, "" if ok else "no title line")
