"""Responses: true ones, and those of authors who take the instruction lightly (what the policy learns from)."""

from __future__ import annotations

import random

from verif.core.text import Doc
from verif.data.world import lexicon as lex
from verif.data.world.constraints import HARD, Argument, Wish
from verif.data.world.grammar import TITLE, Voice, sentence
from verif.data.world.oracle import hard_ok, seen
from verif.data.world.prompts import wishes_of
from verif.types import Instruction

# How often a careless author heeds a wish of each type. Counting is what a tiny model finds hard by itself,
# so most carelessness lies where reinforcement can find it.
HEED = {
    "topic": 0.9, "tone": 0.5, "pov": 0.5, "audience": 0.4, "sentences": 0.7, "max_words": 0.7, "min_words": 0.6,
    "bullets": 0.6, "keyword": 0.5, "keyword_twice": 0.3, "forbid": 0.6, "lowercase": 0.5, "uppercase": 0.5,
    "no_comma": 0.4, "exclaim": 0.4, "start": 0.5, "end": 0.4, "quotes": 0.5, "title": 0.5,
}  # fmt: skip
# What `careless` authors hardly heed. With them most answers leave it out, and so does the policy when it is asked greedily.
IGNORED = dict.fromkeys(
    ("audience", "keyword_twice", "lowercase", "uppercase", "no_comma", "exclaim", "end", "quotes", "title"),
    0.1,
)
# Share of such authors, and how often each heeds a wish. The policy learns their habits with their language; reinforcement
# has them to unlearn, and more supervised training on the same authors (the control) cannot.
AUTHORS = {"careful": (0.0, HEED), "mixed": (0.38, HEED), "careless": (0.62, HEED | IGNORED)}


def _length(wanted: dict[str, Argument], rng: random.Random) -> int:
    """How many sentences to try, the closing phrase not counted."""
    match wanted:
        case {"max_words": int(n)}:
            return rng.randint(1, max(1, n // 8))
        case {"min_words": int(n)}:
            return n // 9 + rng.randint(0, 2)
        case {"max_sentences": int(n)}:
            return rng.randint(1, n)
        case {"sentences": int(n)} | {"bullets": int(n)}:
            return n
        case _:
            return rng.choice((1, 2, 2, 3, 3, 4))


def _body(wanted: dict[str, Argument], n: int, rng: random.Random) -> list[str]:
    """`n` sentences that hold the required things, none of the forbidden ones, and the greeting."""
    voice = Voice(
        topic=str(wanted.get("topic") or rng.choice(lex.TOPICS)),
        tone=str(wanted.get("tone") or rng.choice((*lex.TONES, "plain"))),
        pov=str(wanted.get("pov") or rng.choice(lex.POVS)),
    )
    must: list[list[str]] = [[] for _ in range(n)]
    twice = wanted.get("keyword_twice")
    for thing in (wanted.get("keyword"), twice, twice, *(wanted.get("keywords") or ())):  # type: ignore[misc]
        room = [slot for slot in must if len(slot) < 2]
        if isinstance(thing, str) and room:
            rng.choice(room).append(thing)
    banned = wanted.get("forbid") or wanted.get("forbid_two") or ()
    avoid = (banned,) if isinstance(banned, str) else tuple(banned)  # type: ignore[arg-type]
    audience = wanted.get("audience") or (rng.choice(lex.AUDIENCES) if rng.random() < 0.15 else None)
    greeted = rng.randrange(n) if audience else -1
    return [
        sentence(
            rng, voice, commas="no_comma" not in wanted and rng.random() < 0.8, must=must[i], avoid=avoid,
            opener=rng.choice(lex.GREETINGS[str(audience)]) if i == greeted else "",
        )
        for i in range(n)
    ]  # fmt: skip


def _laid_out(wanted: dict[str, Argument], body: list[str], rng: random.Random) -> str:
    """Sentences with end marks, bullets, title, opening, closing, quotes and casing."""
    mark = "!" if "exclaim" in wanted else "."
    listed = "bullets" in wanted
    text = ("\n- " if listed else " ").join(s + mark for s in body)
    if listed:
        text = "- " + text
    if "start" in wanted:
        text = f"{wanted['start']}:" + ("\n" if listed else " ") + text
    if "title" in wanted:
        text = TITLE.format(topic=str(wanted.get("topic") or rng.choice(lex.TOPICS)).title()) + "\n" + text
    if "end" in wanted:
        text += ("\n" if listed else " ") + f"{wanted['end']}{mark}"
    if "quotes" in wanted:
        text = f'"{text}"'
    return text.lower() if "lowercase" in wanted else text.upper() if "uppercase" in wanted else text


def compose(wishes: list[Wish], rng: random.Random, tries: int = 80) -> str | None:
    """A response that keeps all wishes, or None when none was found."""
    wanted = dict(wishes)
    hard = [(kind, argument) for kind, argument in wishes if kind in HARD]
    for _ in range(tries):
        n = _length(wanted, rng)
        closes = "end" in wanted and ("sentences" in wanted or "max_sentences" in wanted)
        text = _laid_out(wanted, _body(wanted, max(1, n - closes), rng), rng)
        doc = Doc(text)
        if len(seen(text, "topic")) == 1 and all(hard_ok(kind, argument, doc) for kind, argument in hard):
            return text
    return None


def reference(item: Instruction, rng: random.Random) -> str:
    """A response that keeps every constraint."""
    return certainly(wishes_of(item), rng)


def certainly(wishes: list[Wish], rng: random.Random) -> str:
    """As `compose`, for wishes that an instruction holds: those are always possible together."""
    for _ in range(50):
        if (text := compose(wishes, rng)) is not None:
            return text
    raise AssertionError(f"the world drew an instruction that nobody can follow: {wishes}")


def authored(wishes: list[Wish], rng: random.Random, authors: str = "mixed") -> str:
    """What one of these authors writes: a careful one keeps all wishes, a careless one heeds each type now and then."""
    careless, heed = AUTHORS[authors]
    kept = wishes
    if rng.random() < careless:
        kept = [(kind, argument) for kind, argument in wishes if rng.random() < heed[kind]]
    return certainly(kept, rng)


def plain_text(rng: random.Random) -> str:
    """Two or three sentences that answer no instruction: what the general canary is made of."""
    voice = Voice(rng.choice(lex.TOPICS), rng.choice(tuple(lex.ADJECTIVES)), rng.choice(lex.POVS))
    return " ".join(sentence(rng, voice, commas=rng.random() < 0.8) + "." for _ in range(rng.randint(2, 3)))
