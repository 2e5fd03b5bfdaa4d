"""The sentences of the local world: one table of forms makes them and recognises them.

A response is grammatical when all of it can be read by this grammar: an optional title line and opening
phrase, then sentences or bullet points, then an optional closing phrase. Case is free (casing is a constraint
of its own). Nothing here knows what an instruction asked for.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from verif.data.world import lexicon as lex

# Slots: {who} {act} agree with each other; {own} goes with the point of view; {list} needs a comma.
FORMS = (
    "{who} {act} the {adjective} {thing} {place} the {thing}",
    "{who} {adverb} {act} the {thing}, the {thing} and the {thing}",
    "{who} {adverb} {act} the {thing} and the {thing}",
    "{who} {adverb} {act} the {adjective} {thing}",
    "{own} {thing} is {adjective} and {adjective}",
)
TITLE = "<<The {topic}>>"


@dataclass(frozen=True, slots=True)
class Voice:
    """What a sentence speaks of and how. Example: `Voice("harbour", "gloomy", "first")`."""

    topic: str
    tone: str
    pov: str


def sentence(
    rng: random.Random,
    voice: Voice,
    *,
    commas: bool = True,
    must: Sequence[str] = (),
    avoid: Iterable[str] = (),
    opener: str = "",
) -> str:
    """One sentence without its end mark, which holds the things in `must` (at most two) and none in `avoid`."""
    form = rng.choice([f for f in FORMS if f.count("{thing}") >= len(must) and (commas or "," not in f)])
    slots = form.count("{thing}")
    others = [thing for thing in lex.THINGS[voice.topic] if thing not in {*avoid, *must}]
    things = [*must, *rng.sample(others, slots - len(must))]
    rng.shuffle(things)
    pronouns = lex.PRONOUNS.get(voice.pov, ())
    who = rng.choice(pronouns) if pronouns else "The " + rng.choice(lex.PEOPLE[voice.topic])
    verb = rng.choice(list(lex.VERBS))
    choices = {
        "who": lambda: who,
        "act": lambda: verb if pronouns else lex.VERBS[verb],
        "adjective": lambda: rng.choice(lex.ADJECTIVES[voice.tone]),
        "adverb": lambda: rng.choice(lex.ADVERBS[voice.tone]),
        "place": lambda: rng.choice(lex.PLACES),
        "own": lambda: rng.choice(lex.OWNERS[voice.pov]),
        "thing": lambda: things.pop(),
    }
    text = re.sub(r"\{(\w+)\}", lambda match: choices[match[1]](), form)
    if not opener and rng.random() < 0.3:
        opener = rng.choice(lex.TIMES)
    if opener:
        first = text if text.startswith("I ") else text[0].lower() + text[1:]
        text = f"{opener}{',' if commas else ''} {first}"
    return text


def _any(words: Iterable[str]) -> str:
    return "(?:" + "|".join(sorted({w.lower() for w in words}, key=lambda w: (-len(w), w))) + ")"


def _all(table: Mapping[str, tuple[str, ...]]) -> list[str]:
    return [word for words in table.values() for word in words]


SLOTS = {
    "adjective": _any(_all(lex.ADJECTIVES)),
    "adverb": _any(_all(lex.ADVERBS)),
    "place": _any(lex.PLACES),
    "own": _any(_all(lex.OWNERS)),
    "thing": _any([*_all(lex.THINGS), *lex.NEUTRAL]),
}
PERSONS = (
    {"who": _any(_all(lex.PRONOUNS)), "act": _any(lex.VERBS)},
    {"who": "the " + _any(_all(lex.PEOPLE)), "act": _any(lex.VERBS.values())},
)
OPENER = _any([*lex.TIMES, *_all(lex.GREETINGS)])
"""Patterns (lower case) of the slots; agreement of who and act is one choice of `PERSONS`."""


def _recogniser() -> str:
    forms = {form.format(**SLOTS, **person) for form in FORMS for person in PERSONS}
    return rf"(?:{OPENER},? )?(?:{'|'.join(sorted(forms))})"


SENTENCE = _recogniser()
_HEAD = re.compile(rf"(?:{TITLE.lower().format(topic=_any(lex.TOPICS))}\n)?(?:{_any(lex.STARTS)}:[ \n])?")
_TAIL = re.compile(rf"[ \n]{_any(lex.ENDS)}[.!]$")
_LINE = re.compile(rf"{SENTENCE}[.!](?: {SENTENCE}[.!])*")


def inside(text: str) -> list[str]:
    """The lines of a response between quotes, title, opening and closing phrase, in lower case."""
    return placed(text)[1]


def placed(text: str) -> tuple[int, list[str]]:
    """Where the first line of `inside` begins in `text`, and the lines."""
    start, text = len(text) - len(text.lstrip()), text.strip().lower()
    if len(text) > 2 and text[0] == text[-1] == '"':
        start, text = start + 1, text[1:-1]
    head = _HEAD.match(text)
    skipped = head.end() if head else 0
    return start + skipped, _TAIL.sub("", text[skipped:]).split("\n")


def grammatical(text: str) -> bool:
    """Whether the grammar could have made all of `text`; word salad, an unfinished or an empty text is False."""
    lines = inside(text)
    if len(lines) > 1 and not all(line.startswith("- ") for line in lines):
        return False
    return all(_LINE.fullmatch(line.removeprefix("- ")) for line in lines)
