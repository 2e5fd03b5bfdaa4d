"""What the parameters of a rule are, as far as a builder can fill them: one number, choices, and texts.

Nothing here knows a rule by name: the parameter model says what a rule takes. A rule with more than one number, or with
a request to repeat, cannot be filled from an answer, and has no slots.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import islice, product
from typing import Any

from verif.core import rules

USUAL = (
    "length_constraints:number_words", "length_constraints:number_sentences", "length_constraints:number_paragraphs",
    "keywords:existence", "keywords:frequency", "keywords:forbidden_words", "keywords:letter_frequency",
    "detectable_content:number_placeholders", "detectable_content:postscript", "detectable_format:number_bullet_lists",
    "detectable_format:number_highlighted_sections", "detectable_format:title", "detectable_format:json_format",
    "combination:two_responses", "change_case:english_capital", "change_case:english_lowercase",
    "change_case:capital_word_frequency", "startend:end_checker", "startend:quotation", "punctuation:no_comma",
    "first_word:first_word_answer", "count:unique_word_count", "count:numbers", "format:emoji", "format:parentheses",
    "keywords:word_once", "open-instruct:verify_paragraph_count", "open-instruct:validate_word_constraint",
    "open-instruct:verify_sentence_constraint", "open-instruct:validate_highlighted_sections",
)  # fmt: skip
"""Rules that ordinary answers keep or break, in English; a recipe may name any others."""
REQUESTS = ("prompt_to_repeat", "original_prompt", "reference_text", "options", "expected", "language")
"""Parameters that no answer says."""
WORDS = ("word", "keyword")
"""Names of parameters that hold one word; others hold phrases, and `*_marker` a mark such as P.S."""
MOST = 400
"""Candidates of one rule."""


@dataclass(frozen=True, slots=True)
class Values:
    """What there is to fill parameters with."""

    numbers: tuple[int, ...] = ()
    words: tuple[str, ...] = ()
    phrases: tuple[str, ...] = ()
    marks: tuple[str, ...] = ()
    letters: tuple[str, ...] = ()
    lists: tuple[tuple[str, ...], ...] = ()

    def texts(self, name: str) -> tuple[str, ...]:
        """Those for a parameter of this name."""
        if name.endswith("_marker"):
            return self.marks
        return self.words if name in WORDS else self.phrases


@dataclass(frozen=True, slots=True)
class Slots:
    """The names of a rule's parameters by what fills them; `choices` holds each name's values."""

    number: str = ""
    choices: tuple[tuple[str, tuple[str, ...]], ...] = ()
    text: str = ""
    letter: str = ""
    texts: str = ""


@cache
def slots(rule: str) -> Slots | None:
    """What a rule takes; None where it cannot be filled, or where it has no words to be asked in."""
    spec = rules.get(rule)
    if not spec.asks:
        return None
    schema = spec.params.model_json_schema(mode="validation")
    by_kind: dict[str, list[str]] = {"number": [], "text": [], "letter": [], "texts": []}
    choices: list[tuple[str, tuple[str, ...]]] = []
    for name, field in schema.get("properties", {}).items():
        field = schema.get("$defs", {}).get(str(field.get("$ref", "")).rpartition("/")[2], field)
        kind = field.get("type", "")
        if "enum" in field:
            choices.append((name, tuple(map(str, field["enum"]))))
        elif name in REQUESTS or kind not in ("integer", "string", "array"):
            return None
        elif kind == "integer":
            by_kind["number"].append(name)
        elif kind == "array":
            by_kind["texts"].append(name)
        else:
            by_kind["letter" if field.get("maxLength") == 1 or name == "letter" else "text"].append(name)
    if any(len(names) > 1 for names in by_kind.values()):
        return None
    return Slots(choices=tuple(choices), **{kind: (names or [""])[0] for kind, names in by_kind.items()})


def chosen(patterns: Sequence[str]) -> tuple[str, ...]:
    """The rules that a recipe names, alone or as families (`keywords:*`), as far as they can be filled."""
    if not patterns:
        return tuple(name for name in USUAL if slots(name) is not None)
    names: dict[str, None] = {}
    for pattern in patterns:
        if not pattern.endswith("*"):
            rules.get(pattern)  # an unknown name is the recipe's mistake
            names[pattern] = None
        else:
            names.update(dict.fromkeys(n for n in sorted(rules.rules()) if n.startswith(pattern[:-1])))
    return tuple(name for name in names if slots(name) is not None)


def filled(rule: str, values: Values) -> Iterator[dict[str, Any]]:
    """The rule's parameters in every combination of what there is, at most `MOST`."""
    need = slots(rule)
    if need is None:
        return
    axes: list[tuple[str, Sequence[Any]]] = [*need.choices]
    axes += [(need.number, values.numbers)] if need.number else []
    axes += [(need.text, values.texts(need.text))] if need.text else []
    axes += [(need.letter, values.letters)] if need.letter else []
    axes += [(need.texts, [list(names) for names in values.lists])] if need.texts else []
    names = [name for name, _ in axes]
    for chosen_values in islice(product(*(options for _, options in axes)), MOST):
        yield dict(zip(names, chosen_values, strict=True))
