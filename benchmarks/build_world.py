"""The local world's side of a build: pairs with planted copies, wishes read back from words, and checkers as models write them.

Truth is the world's own. `planted` decides by digest of content which replies have a defect, so that the same question
always gets the same reply.
"""

from __future__ import annotations

import random
from typing import Any

from verif.core.text import Doc
from verif.data.world import lexicon as lex
from verif.data.world.constraints import HARD, HELD_OUT, TEXTS, Wish
from verif.data.world.grammar import grammatical
from verif.data.world.oracle import hard_ok, seen
from verif.data.world.prompts import draw, wishes_of
from verif.data.world.responses import certainly
from verif.system.files import digest

DEFECTS = (
    "false soft", "repeated", "quotes the answer", "false hard", "unknown dimension", "always true", "off by one",
    "another word", "raises", "attacks",
)  # fmt: skip
"""Kinds of planted defects: the first five of proposals, the others of written checkers."""
PROPOSED, WRITTEN = DEFECTS[:5], DEFECTS[5:]
_COUNT = r"len(re.findall(r'(?<![.!?])[.!?]+(?=[\s\"]|$)', response))"
_WORDS = r"len(re.findall(r'\w+', response))"
_USES = r"len(re.findall(r'\b' + re.escape({0!r}) + r'\b', response.lower()))"
DECIDES: dict[str, str] = {
    "sentences": f"{_COUNT} == {{0}}",
    "max_sentences": f"1 <= {_COUNT} <= {{0}}",
    "max_words": f"1 <= {_WORDS} <= {{0}}",
    "min_words": f"{_WORDS} >= {{0}}",
    "bullets": r"len(re.findall(r'^\"?- \S', response, re.MULTILINE)) == {0}",
    "keyword": f"{_USES} >= 1",
    "keyword_twice": f"{_USES} >= 2",
    "forbid": f"bool(re.findall(r'\\w+', response)) and {_USES} == 0",
    "lowercase": r"response == response.lower() and bool(re.findall(r'\w+', response))",
    "uppercase": r"response == response.upper() and bool(re.findall(r'\w+', response))",
    "no_comma": r"',' not in response and bool(re.findall(r'\w+', response))",
    "exclaim": (
        r"bool(re.findall(r'[.!?]+(?=[\s\"]|$)', response)) and "
        r"all(set(mark) == {{'!'}} for mark in re.findall(r'(?<![.!?])([.!?]+)(?=[\s\"]|$)', response))"
    ),
    "start": "response.lower().lstrip().lstrip('\"').startswith({0!r})",
    "end": "response.lower().rstrip().rstrip('\"').rstrip('.!').endswith({0!r})",
    "quotes": ("len(response.strip()) > 2 and response.strip()[0] == '\"' and response.strip()[-1] == '\"'"),
    "title": r"re.match(r'<<[^<>\n]*\w[^<>\n]*>>(\n|$)', response.lstrip()) is not None",
}
"""What a good writer writes for a wish, as the world's rules decide it."""


def planted(share: float, *content: object) -> float:
    """A number of the content, evenly spread over 0 to 1; below `share` there is a defect."""
    return int(digest([share, *map(str, content)])[:8], 16) / 16**8


def world_pairs(count: int, seed: int, copies: float = 0.05) -> tuple[list[dict[str, Any]], set[int]]:
    """Rows of prompt and response, and the positions of planted copies with one word changed or other marks."""
    rng = random.Random(f"{seed}-pairs")
    rows: list[dict[str, Any]] = []
    copied: set[int] = set()
    while len(rows) < count:
        item = draw(rng, "train")
        wishes = wishes_of(item)
        text = certainly(wishes, rng)
        rows.append({"prompt": item.prompt.partition(".")[0] + ".", "response": text, "source": "world"})
        if rng.random() < copies and len(text.split()) >= 24:
            copied.add(len(rows))
            rows.append({**rows[-1], "response": _copy(text, rng)})
    return rows, copied


def _copy(text: str, rng: random.Random) -> str:
    words = text.split(" ")
    if rng.random() < 0.5:
        words[rng.randrange(len(words))] = rng.choice(lex.NEUTRAL)
        return " ".join(words)
    return rng.choice(
        (text.upper(), text.lower(), text.replace(",", ""), text.replace(". ", ".\n"), f"{text}\n")
    )


def wish_of(text: str) -> Wish | None:
    """The wish behind a wording of the world; None for any other text."""
    for kind in TEXTS:
        for form in TEXTS[kind]:
            before, hole, after = form.partition("{}")
            if not hole:
                if text == form:
                    return kind, None
                continue
            if len(text) <= len(before) + len(after) or not (
                text.startswith(before) and text.endswith(after)
            ):
                continue
            inside = text[len(before) : len(text) - len(after)]
            if kind in ("start", "end"):
                return kind, inside
            if inside.isdigit():
                return kind, int(inside)
            if inside.isalpha() and kind not in HELD_OUT:
                return kind, inside
    return None


def kept(kind: str, argument: Any, text: str) -> bool:
    """Whether a text keeps a wish: the world's truth."""
    if kind in HARD:
        return bool(text.strip()) and hard_ok(kind, argument, Doc(text))
    return seen(text, kind) == (argument,) and grammatical(text)


def wishes_kept(text: str, rng: random.Random) -> tuple[list[Wish], list[Wish]]:
    """Soft and hard wishes that a text keeps, the hard ones drawn."""
    soft: list[Wish] = [
        (kind, seen(text, kind)[0]) for kind in ("tone", "pov", "audience") if len(seen(text, kind)) == 1
    ]
    soft = [wish for wish in soft if kept(*wish, text)]
    doc = Doc(text)
    things = [word for word in lex.words_of(text) if word in lex.TOPIC_OF] or ["boat"]
    lines = [line for line in text.split("\n") if line.lstrip('"').startswith("- ")]
    ends = [phrase for phrase in lex.ENDS if phrase.lower() in text.lower()]
    starts = [phrase for phrase in lex.STARTS if phrase.lower() in text.lower()]
    options: list[Wish] = [
        ("sentences", len([m for m in text if m in ".!?"])),
        ("max_words", len(doc.words) + rng.randint(1, 6)),
        ("min_words", max(2, len(doc.words) - rng.randint(0, 5))),
        ("bullets", len(lines)),
        ("keyword", rng.choice(things)),
        ("keyword_twice", rng.choice(things)),
        ("forbid", rng.choice(lex.NEUTRAL)),
        *(("start", phrase) for phrase in starts),
        *(("end", phrase) for phrase in ends),
        *((kind, None) for kind in ("lowercase", "uppercase", "no_comma", "exclaim", "quotes", "title")),
    ]
    true = [(kind, argument) for kind, argument in options if argument != 0 and kept(kind, argument, text)]
    return soft, rng.sample(true, min(3, len(true)))


def source(kind: str, argument: Any, defect: str = "") -> str:
    """A checker for a wish, right or with a defect."""
    if defect == "off by one" and isinstance(argument, int):
        argument += 1 if kind == "min_words" else -1
    if defect in ("another word", "off by one") and isinstance(argument, str):
        argument += "s"
    value = argument.lower() if isinstance(argument, str) else argument
    body = f"return {DECIDES[kind].format(value)}"
    if defect == "always true" or (defect in ("off by one", "another word") and argument is None):
        body = "return len(response) >= 0"
    if defect == "another word" and isinstance(argument, int):
        body = f"return len(response) >= {argument}"
    if defect == "raises":
        body = "return response.split()[40].count('a') >= 0"
    if defect == "attacks":
        body = "while True:\n        pass" if kind < "m" else "import os\n    return os.system('id') == 0"
    return f"import re\n\n\ndef check_following(instruction, response):\n    {body}\n"
