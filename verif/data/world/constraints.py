"""The constraint types of the local world: how each is drawn, worded, and turned into a `Constraint`.

A wish is `(type, argument)`; a set of wishes is what splits must not share. Argument: a number, a word, a
tuple of words, a phrase or None.
"""

from __future__ import annotations

import random

from verif.data.world import lexicon as lex
from verif.types import Constraint, RuleConstraint, SoftConstraint

Argument = int | str | tuple[str, ...] | None
Wish = tuple[str, Argument]

SOFT = ("topic", "tone", "pov", "audience")
# Never in a training split: only in `unseen`. Each is made of notions that the trained types use.
HELD_OUT = ("max_sentences", "keywords", "forbid_two")
TEXTS: dict[str, tuple[str, ...]] = {
    "topic": ("Write about the {}.", "Describe the {}.", "Tell me about the {}."),
    "tone": ("Keep a {} tone.", "Make it sound {}."),
    "pov": ("Write in the {} person.", "Use the {} person."),
    "audience": ("Write it for {}.", "Address it to {}."),
    "sentences": ("Use exactly {} sentences.", "Write {} sentences."),
    "max_words": ("Use at most {} words.", "Write no more than {} words."),
    "min_words": ("Use at least {} words.", "Write {} words or more."),
    "bullets": ("Use exactly {} bullet points.", "Answer as a list of {} bullet points."),
    "keyword": ("Mention the word {}.", "Include the word {}."),
    "keyword_twice": ("Use the word {} at least twice.", "Mention the word {} two times."),
    "forbid": ("Do not use the word {}.", "Avoid the word {}."),
    "lowercase": ("Use only lowercase letters.", "Write in all lowercase."),
    "uppercase": ("Use only capital letters.", "Write in all capitals."),
    "no_comma": ("Do not use commas.", "Avoid commas."),
    "exclaim": (
        "End every sentence with an exclamation mark.",
        "Use only exclamation marks to end sentences.",
    ),
    "start": ("Start with the words '{}'.", "Begin with '{}'."),
    "end": ("End with the words '{}'.", "Finish with '{}'."),
    "quotes": ("Wrap the whole answer in double quotes.", "Put double quotes around the answer."),
    "title": ("Begin with a title in double angle brackets.", "Give it a title such as <<title>>."),
    "max_sentences": ("Use at most {} sentences.", "Write no more than {} sentences."),
    "keywords": ("Mention the words {}.", "Include the words {}."),
    "forbid_two": ("Do not use the words {}.", "Avoid the words {}."),
}
HARD = tuple(kind for kind in TEXTS if kind not in SOFT)
TRAINED = tuple(kind for kind in TEXTS if kind not in HELD_OUT)
# Types that never stand together in one instruction.
CLASHES = (
    {"sentences", "max_words", "min_words", "bullets", "max_sentences"},
    {"lowercase", "uppercase"},
    {"start", "title", "quotes"},
    {"end", "quotes"},
    {"keyword", "keyword_twice", "keywords"},
    {"forbid", "forbid_two"},
)


def clashes(kind: str, taken: set[str]) -> bool:
    """Whether `kind` cannot join the types already taken."""
    return kind in taken or any(kind in group and group & taken for group in CLASHES)


def draw_argument(kind: str, topic: str, rng: random.Random) -> Argument:
    """A random argument for a type; things come from the topic, keywords at times from outside of it."""

    def thing() -> str:
        return rng.choice(lex.THINGS[topic] if rng.random() < 0.75 else lex.NEUTRAL)

    match kind:
        case "sentences" | "bullets":
            return rng.randint(2, 4)
        case "max_sentences":
            return rng.randint(2, 3)
        case "max_words":
            return rng.choice((12, 16, 20, 24))
        case "min_words":
            return rng.choice((15, 20, 25, 30))
        case "keyword" | "keyword_twice":
            return thing()
        case "forbid":
            return rng.choice(lex.THINGS[topic])
        case "keywords" | "forbid_two":
            return tuple(rng.sample(lex.THINGS[topic], 2))
        case "start":
            return rng.choice(lex.STARTS)
        case "end":
            return rng.choice(lex.ENDS)
        case "tone":
            return rng.choice(lex.TONES)
        case "pov":
            return rng.choice(lex.POVS)
        case "audience":
            return rng.choice(lex.AUDIENCES)
        case _:
            return None


def things_of(argument: Argument) -> set[str]:
    """The words an argument speaks of: no two wishes of one instruction share one."""
    return (
        set(argument) if isinstance(argument, tuple) else {argument} if isinstance(argument, str) else set()
    )


def word(kind: str, argument: Argument, rng: random.Random) -> str:
    """A wording of the wish, e.g. "Use at most 12 words."."""
    shown = " and ".join(argument) if isinstance(argument, tuple) else argument
    return rng.choice(TEXTS[kind]).format(shown)


def _params(kind: str, argument: Argument) -> dict[str, object]:
    if kind in ("forbid", "forbid_two", "keywords"):
        return {"words": [argument] if isinstance(argument, str) else list(argument or ())}  # type: ignore[arg-type]
    if kind in ("keyword", "keyword_twice"):
        return {"word": argument}
    if kind in ("start", "end"):
        return {"phrase": argument}
    return {} if argument is None else {"n": argument}


def rule_id(kind: str) -> str:
    """The registered rule that decides a hard type."""
    return "local:forbidden" if kind in ("forbid", "forbid_two") else f"local:{kind}"


def constraint(kind: str, argument: Argument, text: str) -> Constraint:
    """The typed constraint of a wish worded as `text`."""
    if kind in SOFT:
        return SoftConstraint(text=text, dimension=kind)
    return RuleConstraint(text=text, rule=rule_id(kind), params=_params(kind, argument))
