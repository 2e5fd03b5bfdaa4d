"""The truth about a response: what rules, judge and policy never see.

A soft constraint is kept when the response shows exactly the wanted class *and* is grammatical from end to
end: a bag of fitting words says nothing about a harbour, and a planted verdict is no sentence of this world.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from verif.core.rules import Params, Rule, get, validate
from verif.core.text import Doc
from verif.data.world import lexicon as lex
from verif.data.world.constraints import SOFT, Argument, constraint
from verif.data.world.grammar import grammatical
from verif.data.world.prompts import wishes_of
from verif.data.world.slip import FINE, first_slip
from verif.types import Instruction, RuleConstraint


@dataclass(frozen=True, slots=True)
class Truth:
    """One truth per constraint in the instruction's order; `followed` is all of them."""

    constraints: tuple[bool, ...]
    grammatical: bool
    followed: bool


@lru_cache(maxsize=4096)
def _rule(kind: str, argument: Argument) -> tuple[Rule, Params]:
    wish = constraint(kind, argument, "")
    assert isinstance(wish, RuleConstraint)
    return get(wish.rule), validate(wish.rule, wish.params)


def hard_ok(kind: str, argument: Argument, doc: Doc) -> bool:
    """Whether a response keeps a hard wish."""
    spec, params = _rule(kind, argument)
    return spec.check(doc, params).ok


def _untitled(text: str) -> str:
    """The text without `<<...>>`; a line is looked at only as far as its last `>>`, or open ones would take for ever."""
    lines = []
    for line in text.split("\n"):
        end = line.rfind(">>") + 2
        lines.append(re.sub(r"<<.*?>>", "", line[:end]) + line[end:] if end > 1 else line)
    return "\n".join(lines)


def seen(text: str, dimension: str) -> tuple[str, ...]:
    """The classes of a soft dimension that a response shows, in lexicon order; the title does not count.

    Without a pronoun of the first or second person the point of view is the third.
    """
    words = lex.words_of(_untitled(text))
    if dimension == "topic":
        topics = {lex.TOPIC_OF[w] for w in words if w in lex.TOPIC_OF}
        return tuple(name for name in lex.TOPICS if name in topics)
    if dimension == "tone":
        tones = {lex.TONE_OF[w] for w in words if w in lex.TONE_OF}
        return tuple(name for name in lex.TONES if name in tones)
    if dimension == "pov":
        povs = {lex.POV_OF[w] for w in words if w in lex.POV_OF} or {"third"}
        return tuple(name for name in lex.POVS if name in povs)
    flat = f" {' '.join(words)} "
    return tuple(
        name
        for name, greetings in lex.GREETINGS.items()
        if any(f" {greeting.lower()} " in flat for greeting in greetings)
    )


def truth(item: Instruction, text: str) -> Truth:
    """The truth about a response to a world instruction; any other instruction is an `InputError`."""
    language, doc = grammatical(text), Doc(text)
    kept = tuple(
        (seen(text, kind) == (argument,) and language) if kind in SOFT else hard_ok(kind, argument, doc)
        for kind, argument in wishes_of(item)
    )
    return Truth(kept, language, all(kept))


def soft_truth(item: Instruction, text: str) -> bool:
    """Whether all soft constraints are kept: what a judge asked once should answer."""
    return all(
        ok
        for (kind, _), ok in zip(wishes_of(item), truth(item, text).constraints, strict=True)
        if kind in SOFT
    )


def reasoning(item: Instruction, text: str) -> str:
    """What a judge should write before its verdict: `topic kitchen yes, tone gloomy no, grammar no boat`.

    It names the classes that the response shows (at most three; "none" without any), then whether they fit.
    The language is decided first and the word at which it breaks named after: asked for the word first, a judge
    that is sure of a slip but not of its place finds "fine" likelier than any one word.
    """
    parts = []
    for kind, argument in wishes_of(item):
        if kind in SOFT:
            shown = seen(text, kind)
            parts.append(f"{kind} {' '.join(shown[:3]) or 'none'} {'yes' if shown == (argument,) else 'no'}")
    slip = first_slip(text)
    return ", ".join([*parts, "grammar yes" if slip == FINE else f"grammar no {slip}"])
