"""`count:*` of IFBench: words, names, numbers, pronouns, conjunctions, marks."""

from __future__ import annotations

import re
from typing import Self

from pydantic import model_validator

from verif.core.rules.ifbench.shared import EDGES, Nth, Number, Small, bare, counted
from verif.core.rules.params import Count, Phrase
from verif.core.rules.registry import Outcome, Params, rule
from verif.core.text import Doc

CONJUNCTIONS = frozenset(("and", "but", "for", "nor", "or", "so", "yet"))
PRONOUNS = frozenset(
    """i me my mine myself we us our ours ourselves you your yours yourself yourselves he him his himself she her hers
    herself it its itself they them their theirs themselves""".split()  # noqa: SIM905
)
NAMES = (
    "Emma",
    "Liam",
    "Sophia",
    "Jackson",
    "Olivia",
    "Noah",
    "Ava",
    "Lucas",
    "Isabella",
    "Mason",
    "Mia",
    "Ethan",
    "Charlotte",
    "Alexander",
    "Amelia",
    "Benjamin",
    "Harper",
    "Leo",
    "Zoe",
    "Daniel",
    "Chloe",
    "Samuel",
    "Lily",
    "Matthew",
    "Grace",
    "Owen",
    "Abigail",
    "Gabriel",
    "Ella",
    "Jacob",
    "Scarlett",
    "Nathan",
    "Victoria",
    "Elijah",
    "Layla",
    "Nicholas",
    "Audrey",
    "David",
    "Hannah",
    "Christopher",
    "Penelope",
    "Thomas",
    "Nora",
    "Andrew",
    "Aria",
    "Joseph",
    "Claire",
    "Ryan",
    "Stella",
    "Jonathan",
)
_JAPANESE = re.compile("[\u3040-\u30ff\u4e00-\u9fff]")
_DIGITS = re.compile(r"\d+")
_INTERROBANGS = ("?!", "!?", "‽")


class Range(Params):
    """A least and a greatest number of words."""

    min_words: Count
    max_words: Count

    @model_validator(mode="after")
    def _exists(self) -> Self:
        if self.max_words < self.min_words:
            raise ValueError(f"no number is between {self.min_words} and {self.max_words}")
        return self


class Five(Params):
    """Five keywords, which must occur once, twice, three, five and seven times."""

    keyword1: Phrase
    keyword2: Phrase
    keyword3: Phrase
    keyword4: Phrase
    keyword5: Phrase


@rule(
    "count:word_count_range", Range,
    asks="Write between {min_words} and {max_words} words.",
    example=({"min_words": 3, "max_words": 5}, "A well-known tale.", "A tale."),
)  # fmt: skip
def word_count_range(doc: Doc, params: Range) -> Outcome:
    r"""Runs of `\w`, both ends of the range included. "well-known" counts two."""
    count = len(doc.words)
    asked = f"{params.min_words} to {params.max_words}"
    return counted(count, params.min_words <= count <= params.max_words, "words", asked)


@rule(
    "count:unique_word_count", Number,
    asks="Use at least {N} different words.",
    example=({"N": 3}, "The old mill, the mill.", "The mill, the mill."),
)  # fmt: skip
def unique_word_count(doc: Doc, params: Number) -> Outcome:
    """Different words between white space, in lower case, without punctuation at their ends.

    A dash that stands alone is left with nothing and counts as one more word, as upstream.
    """
    count = len({word.strip(EDGES) for word in doc.lower.split()})
    return counted(count, count >= params.N, "different words", f"at least {params.N}")


@rule(
    "count:conjunctions", Small,
    asks="Use at least {small_n} different coordinating conjunctions.",
    example=({"small_n": 2}, "Small but old, and dry.", "Small but old but dry."),
)  # fmt: skip
def conjunctions(doc: Doc, params: Small) -> Outcome:
    """Words that are and, but, for, nor, or, so, yet once punctuation and case are set aside.

    They are told apart as they are written: "And", "and" and "and," are three, as upstream.
    """
    count = len({word for word in doc.text.split() if word.strip(EDGES).lower() in CONJUNCTIONS})
    return counted(count, count >= params.small_n, "conjunctions", f"at least {params.small_n}")


@rule(
    "count:person_names", Number,
    asks=f"Mention at least {{N}} of these names: {', '.join(NAMES)}.",
    example=({"N": 2}, "Emma met Noah.", "Emma met a sailor."),
)  # fmt: skip
def person_names(doc: Doc, params: Number) -> Outcome:
    """Names of a list of 50 that occur anywhere, also inside a word: "Noah's" and "Leopold" count."""
    count = sum(name in doc.text for name in NAMES)
    return counted(count, count >= params.N, "names of the list", f"at least {params.N}")


@rule(
    "count:numbers", Number,
    asks="Include exactly {N} numbers, written in digits.",
    example=({"N": 2}, "We sold 1,000 lamps in 3.5 days.", "We sold 1,000 lamps."),
)  # fmt: skip
def numbers(doc: Doc, params: Number) -> Outcome:
    """Runs of digits once punctuation is taken out: "1,000" and "3.5" are one number each, and so is "2020-21"."""
    count = len(_DIGITS.findall(bare(doc.text)))
    return counted(count, count == params.N, "numbers", params.N)


@rule(
    "count:pronouns", Number,
    asks="Use at least {N} pronouns.",
    example=({"N": 3}, "She gave him his/her hat.", "She gave him a hat."),
)  # fmt: skip
def pronouns(doc: Doc, params: Number) -> Outcome:
    """Personal, possessive and reflexive pronouns, each time they occur; a slash parts two words.

    Punctuation is taken out first, so that "I'm" is "im" and no pronoun, while "it's" is "its" and one.
    """
    count = sum(word in PRONOUNS for word in bare(doc.text.replace("/", " ").lower()).split())
    return counted(count, count >= params.N, "pronouns", f"at least {params.N}")


@rule(
    "count:punctuation",
    asks="Use every standard punctuation mark at least once: . , ! ? ; : and the interrobang (?!).",
    example=({}, "What?! Yes: a, b; c. Why? Go!", "What? Yes: a, b; c. Why? Go!"),
)  # fmt: skip
def punctuation(doc: Doc, _: Params) -> Outcome:
    """All of `.,!?;:` and one of `?!`, `!?`, `‽`; the marks of the first interrobang do not count a second time."""
    if not any(mark in doc.text for mark in _INTERROBANGS):
        return Outcome(False, "no interrobang", {"missing": ["?!"]})
    rest = doc.text.replace("?!", "", 1)
    if len(rest) == len(doc.text):
        rest = doc.text.replace("!?", "", 1)
    missing = [mark for mark in ".,!?;:" if mark not in rest]
    return Outcome(
        not missing, f"missing: {' '.join(missing)}" if missing else "all marks", {"missing": missing}
    )


@rule(
    "count:words_japanese", Nth,
    asks="Let every {N}th word be Japanese.",
    example=({"N": 2}, "one 二 three 四", "one 二 three four"),
)  # fmt: skip
def words_japanese(doc: Doc, params: Nth) -> Outcome:
    """Every N-th piece between white space holds a kana or a common kanji; a number or bare punctuation is let off."""
    for place in range(params.N, len(pieces := doc.text.split()) + 1, params.N):
        word = pieces[place - 1].strip(EDGES)
        if word and not word.isdigit() and not _JAPANESE.search(word):
            return Outcome(False, f"word {place} is {word[:40]!r}", {"place": place})
    return Outcome(True, "each of them is Japanese")


@rule(
    "count:keywords_multiple", Five,
    asks="Use {keyword1} once, {keyword2} twice, {keyword3} three times, {keyword4} five times and {keyword5} seven times.",
    example=(
        {"keyword1": "v", "keyword2": "w", "keyword3": "x", "keyword4": "y", "keyword5": "z"},
        "v ww xxx yyyyy zzzzzzz", "v ww xxx yyyyy zzzzzzzz",
    ),
)  # fmt: skip
def keywords_multiple(doc: Doc, params: Five) -> Outcome:
    """Each keyword occurs exactly so often, in any case, also inside words ("lamp" in "lamplight")."""
    counts = {word: doc.lower.count(word.lower()) for word in params.model_dump().values()}
    asked = dict(zip(params.model_dump().values(), (1, 2, 3, 5, 7), strict=True))
    wrong = [
        f"{word!r} {counts[word]} times, not {times}"
        for word, times in asked.items()
        if counts[word] != times
    ]
    ok = not wrong and len(asked) == len(Five.model_fields)
    return Outcome(
        ok, ", ".join(wrong) or ("all as asked" if ok else "a keyword is asked twice"), {"counts": counts}
    )
