"""Mutators of IFEval's constraints that do not count: phrases, formats, casing, language."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Sequence

from verif.audit.mutations.base import (
    MUTATORS,
    RARE,
    SENTENCES,
    Edit,
    Edits,
    Raw,
    insert_word,
    prose,
    words,
)

FOREIGN = {
    "de": "Der alte Bäcker öffnet seinen Laden jeden Morgen sehr früh. Die Kinder warten schon auf frische Brötchen.",
    "fr": "La vieille boulangère ouvre sa boutique très tôt chaque matin. Les enfants attendent déjà le pain frais.",
    "es": "El viejo panadero abre su tienda muy temprano cada mañana. Los niños ya esperan el pan recién hecho.",
    "ru": "Старый пекарь открывает свою лавку рано утром каждый день. Дети уже ждут свежего хлеба на улице.",
}
PROMPT = "Describe a quiet morning in a small town by the river."


def plain(rule: str, draw: Callable[[random.Random], Raw], repair: Edit, break_: Edit) -> None:
    """Register a mutator."""
    MUTATORS[rule] = Edits(draw, repair, break_)


def nothing(rng: random.Random) -> Raw:  # noqa: ARG001
    """For rules without parameters."""
    return {}


def occurs(word: str, text: str) -> bool:
    """Whether the word occurs anywhere, whatever its case."""
    return word.lower() in text.lower()


def add_missing(rng: random.Random, text: str, wanted: Sequence[str]) -> str:
    """The text with each missing word put in once."""
    for word in wanted:
        if not occurs(word, text):
            text = insert_word(rng, text, word)
    return text


def without(text: str, word: str) -> str:
    """The text with every occurrence of the word replaced."""
    return re.sub(re.escape(word), "thing", text, flags=re.IGNORECASE)


def first_letter(rng: random.Random, text: str, *, up: bool) -> str:
    """One random letter (of an English word) turned to the other case."""
    place = rng.choice(words(text)).start()
    letter = text[place]
    return text[:place] + (letter.upper() if up else letter.lower()) + text[place + 1 :]


plain(
    "keywords:existence",
    lambda rng: {"keywords": rng.sample(RARE, 2)},
    lambda rng, text, raw: add_missing(rng, text, raw["keywords"]),
    lambda rng, text, raw: without(text, rng.choice(raw["keywords"])),
)


def _allow(rng: random.Random, text: str, raw: Raw) -> str:  # noqa: ARG001
    for word in raw["forbidden_words"]:
        text = without(text, word)
    return text


plain(
    "keywords:forbidden_words",
    lambda rng: {"forbidden_words": rng.sample(RARE, 3)},
    _allow,
    lambda rng, text, raw: insert_word(rng, text, rng.choice(raw["forbidden_words"])),
)


def _speak(rng: random.Random, text: str, raw: Raw) -> str:  # noqa: ARG001
    return FOREIGN.get(raw["language"]) or prose(rng)


def _speak_another(rng: random.Random, text: str, raw: Raw) -> str:  # noqa: ARG001
    return FOREIGN[rng.choice([name for name in FOREIGN if name != raw["language"]])]


plain(
    "language:response_language",
    lambda rng: {"language": rng.choice(["en", *FOREIGN])},
    _speak,
    _speak_another,
)


def _paragraphs(rng: random.Random, text: str, raw: Raw) -> str:
    parts = [part for part in text.split("\n\n") if part.strip()][: raw["num_paragraphs"]]
    while len(parts) < raw["num_paragraphs"]:
        parts.append(rng.choice(SENTENCES))
    nth = raw["nth_paragraph"] - 1
    parts[nth] = f"{raw['first_word'].capitalize()} {parts[nth]}"
    return "\n\n".join(parts)


def _break_paragraphs(rng: random.Random, text: str, raw: Raw) -> str:
    parts = text.split("\n\n")
    if rng.random() < 0.5:
        return "\n\n".join([*parts, rng.choice(SENTENCES)])
    nth = raw["nth_paragraph"] - 1
    parts[nth] = parts[nth].split(None, 1)[1]
    return "\n\n".join(parts)


plain(
    "length_constraints:nth_paragraph_first_word",
    lambda rng: {
        "num_paragraphs": (n := rng.randint(2, 4)),
        "nth_paragraph": rng.randint(1, n),
        "first_word": rng.choice(RARE),
    },
    _paragraphs,
    _break_paragraphs,
)
plain(
    "detectable_content:postscript",
    lambda rng: {"postscript_marker": rng.choice(("P.S.", "P.P.S"))},
    lambda rng, text, raw: f"{text}\n\n{raw['postscript_marker']} {rng.choice(SENTENCES)}",
    lambda rng, text, raw: text.replace(raw["postscript_marker"], "PS"),  # noqa: ARG005
)
plain(
    "detectable_format:constrained_response",
    nothing,
    lambda rng, text, raw: rng.choice(("My answer is yes.", "My answer is no.", "My answer is maybe.")),  # noqa: ARG005
    lambda rng, text, raw: text.replace("My answer is ", rng.choice(("My answer: ", "The answer is "))),  # noqa: ARG005
)
plain(
    "detectable_format:json_format",
    nothing,
    lambda rng, text, raw: json.dumps({"text": text}),  # noqa: ARG005
    lambda rng, text, raw: rng.choice((text[:-1], text.replace('"', "'", 1), f"{text} done")),  # noqa: ARG005
)
plain(
    "detectable_format:title",
    nothing,
    lambda rng, text, raw: f"<<{rng.choice(RARE)}>>\n{text}",  # noqa: ARG005
    lambda rng, text, raw: text.replace(*rng.choice(((">>", ">"), ("<<", "<"), (">>", "\n>>")))),  # noqa: ARG005
)


def _answer_twice(rng: random.Random, text: str, raw: Raw) -> str:  # noqa: ARG001
    first = text.split("*****")[0].strip()
    return f"{first}\n******\nAnother way: {first}"


plain(
    "combination:two_responses",
    nothing,
    _answer_twice,
    lambda rng, text, raw: rng.choice(  # noqa: ARG005
        (text.replace("******", "*****"), text.replace("Another way: ", ""), f"{text}\n******\nThird.")
    ),
)
plain(
    "combination:repeat_prompt",
    lambda rng: {"prompt_to_repeat": PROMPT},  # noqa: ARG005
    lambda rng, text, raw: f"{raw['prompt_to_repeat']}\n\n{text}",  # noqa: ARG005
    lambda rng, text, raw: rng.choice(  # noqa: ARG005
        (text.replace("quiet ", "", 1), f"Sure! {text}", text.replace("Describe", "Describing", 1))
    ),
)
plain(
    "startend:end_checker",
    lambda rng: {"end_phrase": rng.choice(("Is there anything else?", "That is all.", "See you soon."))},
    lambda rng, text, raw: f"{text} {raw['end_phrase']}",  # noqa: ARG005
    lambda rng, text, raw: rng.choice((f"{text} Bye.", text[:-1])),  # noqa: ARG005
)
plain(
    "startend:quotation",
    nothing,
    lambda rng, text, raw: f'"{text}"',  # noqa: ARG005
    lambda rng, text, raw: rng.choice((text[:-1], text[1:], f"{text}.")),  # noqa: ARG005
)
plain(
    "punctuation:no_comma",
    nothing,
    lambda rng, text, raw: text.replace(",", ""),  # noqa: ARG005
    lambda rng, text, raw: insert_word(rng, text, "well,"),  # noqa: ARG005
)
plain(
    "change_case:english_capital",
    nothing,
    lambda rng, text, raw: text.upper(),  # noqa: ARG005
    lambda rng, text, raw: first_letter(rng, text, up=False),  # noqa: ARG005
)
plain(
    "change_case:english_lowercase",
    nothing,
    lambda rng, text, raw: text.lower(),  # noqa: ARG005
    lambda rng, text, raw: first_letter(rng, text, up=True),  # noqa: ARG005
)
