"""`keywords:*`: words that must or must not occur, and how often.

Upstream reads a keyword as a regular expression, ignores case, and matches inside words ("art" is found in
"start"), except for forbidden words, which are matched at word boundaries. A letter is any one character
and is counted in the lower-cased text.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from verif.core.rules.expressions import compiled
from verif.core.rules.params import Count, Expression, Expressions, Relation, holds
from verif.core.rules.registry import Outcome, Params, rule
from verif.core.text import Doc


class Keywords(Params):
    """All of these must occur."""

    keywords: Expressions


class Frequency(Params):
    """One keyword, a relation and a number of occurrences."""

    keyword: Expression
    frequency: Count
    relation: Relation


class Forbidden(Params):
    """None of these may occur."""

    forbidden_words: Expressions


class LetterFrequency(Params):
    """One character, a relation and a number of occurrences."""

    letter: Annotated[str, Field(min_length=1, max_length=1)]
    let_frequency: Count
    let_relation: Relation


def none_missing(missing: list[str]) -> Outcome:
    """The outcome where every keyword has to occur and these do not."""
    reason = f"missing: {', '.join(missing)}" if missing else "all keywords occur"
    return Outcome(not missing, reason, {"missing": missing})


def none_used(used: list[str]) -> Outcome:
    """The outcome where no word may occur and these do."""
    return Outcome(
        not used, f"found: {', '.join(used)}" if used else "no forbidden word occurs", {"found": used}
    )


def occurs(keyword: str, count: int, relation: Relation, frequency: int) -> Outcome:
    """The outcome where a keyword that occurs `count` times has to occur less than, or at least, so many times."""
    reason = f"{keyword!r} occurs {count} times, {relation} {frequency} asked"
    return Outcome(holds(count, relation, frequency), reason, {"count": count})


@rule(
    "keywords:existence",
    Keywords,
    asks="Use these words: {keywords}.",
    example=({"keywords": ["lamp"]}, "A lamplighter came.", "A sailor came."),
)
def existence(doc: Doc, params: Keywords) -> Outcome:
    """Every keyword occurs somewhere."""
    return none_missing([word for word in params.keywords if not compiled(word).search(doc.text)])


@rule(
    "keywords:frequency",
    Frequency,
    asks="Use {keyword} {relation} {frequency} times.",
    example=({"keyword": "lamp", "frequency": 2, "relation": "at least"}, "A lamp, two lamps.", "A lamp."),
)
def frequency(doc: Doc, params: Frequency) -> Outcome:
    """The keyword occurs less than, or at least, so many times."""
    count = sum(1 for _ in compiled(params.keyword).finditer(doc.text))
    return occurs(params.keyword, count, params.relation, params.frequency)


@rule(
    "keywords:forbidden_words",
    Forbidden,
    asks="Do not use these words: {forbidden_words}.",
    example=({"forbidden_words": ["lamp"]}, "Lamps burn.", "A lamp burns."),
)
def forbidden_words(doc: Doc, params: Forbidden) -> Outcome:
    r"""No forbidden word occurs between word boundaries (`\b`)."""
    return none_used([word for word in params.forbidden_words if compiled(rf"\b{word}\b").search(doc.text)])


@rule(
    "keywords:letter_frequency",
    LetterFrequency,
    asks="Use the letter {letter} {let_relation} {let_frequency} times.",
    example=({"letter": "e", "let_frequency": 2, "let_relation": "at least"}, "The sea", "The surf"),
)
def letter_frequency(doc: Doc, params: LetterFrequency) -> Outcome:
    """The letter occurs less than, or at least, so many times, whatever its case."""
    letter = params.letter.strip().lower()
    count = doc.lower.count(letter) if len(letter) == 1 else 0
    ok = holds(count, params.let_relation, params.let_frequency)
    return Outcome(
        ok,
        f"{letter!r} occurs {count} times, {params.let_relation} {params.let_frequency} asked",
        {"count": count},
    )
