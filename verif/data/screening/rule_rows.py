"""Rows decided by rules: the prompt against the parameters, repeats, contradictions, and what no response can keep.

As for checkers, only what is beyond doubt is said. A number is held against a prompt only where the prompt puts one or more
numbers before the rule's unit and none of them fits; a text only where the prompt does not hold it at all.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Literal

from verif.core.rules.language import LANGUAGES
from verif.data.screening.rule_clashes import clash, impossible
from verif.types import Instruction, RuleConstraint

Kind = Literal["unsatisfiable", "contradicts its text", "contradicts its sibling", "repeats its sibling"]
Found = tuple[int, Kind, str, dict[str, Any]]
"""Constraint, kind, detail, evidence."""
UNITS: dict[str, tuple[str, str]] = {
    "length_constraints:number_words": ("num_words", "word"),
    "length_constraints:number_sentences": ("num_sentences", "sentence"),
    "length_constraints:number_paragraphs": ("num_paragraphs", "paragraph"),
    "length_constraints:nth_paragraph_first_word": ("num_paragraphs", "paragraph"),
    "detectable_format:number_bullet_lists": ("num_bullets", "bullet"),
    "detectable_content:number_placeholders": ("num_placeholders", "placeholder"),
    "detectable_format:multiple_sections": ("num_sections", "section"),
    "detectable_format:number_highlighted_sections": ("num_highlights", "section"),
    "keywords:frequency": ("frequency", "time"),
    "keywords:letter_frequency": ("let_frequency", "time"),
    "change_case:capital_word_frequency": ("capital_frequency", "time"),
    "open-instruct:validate_word_constraint": ("N", "word"),
    "open-instruct:verify_sentence_constraint": ("N", "sentence"),
    "open-instruct:verify_paragraph_count": ("N", "paragraph"),
    "open-instruct:verify_bullet_points": ("N", "bullet"),
    "open-instruct:validate_placeholders": ("N", "placeholder"),
}
"""Rule to its number and what the number counts."""
NAMED: dict[str, str] = {
    "keywords:existence": "keywords", "keywords:forbidden_words": "forbidden_words", "keywords:frequency": "keyword",
    "startend:end_checker": "end_phrase", "detectable_content:postscript": "postscript_marker",
    "length_constraints:nth_paragraph_first_word": "first_word", "combination:repeat_prompt": "prompt_to_repeat",
    "detectable_format:multiple_sections": "section_spliter", "open-instruct:verify_keywords": "keyword_list",
    "open-instruct:validate_forbidden_words": "forbidden_words", "open-instruct:validate_end": "end_phrase",
}  # fmt: skip
"""Rule to the parameter whose text the prompt must hold."""
_UP_TO_TWENTY = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen", "twenty",
)  # fmt: skip
_MORE = {"once": 1, "twice": 2, "single": 1, "thirty": 30, "forty": 40, "fifty": 50, "hundred": 100}
SPOKEN = {name: value for value, name in enumerate(_UP_TO_TWENTY)} | _MORE
_TOKEN = re.compile(r"\d[\d,]{0,12}|[a-z]+")
NEAR = 4
"""Words that may stand between a number and its unit: "3 long and detailed sections"."""
SHOWN = 160


def screened(instruction: Instruction) -> Iterator[Found]:
    """Findings of a row's rules, in their order; one of a kind for each constraint."""
    rules = [(i, c) for i, c in enumerate(instruction.constraints) if isinstance(c, RuleConstraint)]
    tokens = _TOKEN.findall(instruction.prompt.lower()) if rules else []
    flat = _flat(instruction.prompt)
    for place, (index, constraint) in enumerate(rules):
        if why := impossible(constraint):
            yield index, "unsatisfiable", why, {"params": constraint.params}
        alike = [other for _, other in rules if other.rule == constraint.rule and other is not constraint]
        yield from _against_text(index, constraint, alike, tokens, flat)
        for before, other in rules[:place]:
            if _same(constraint, other):
                detail = f"the same constraint as number {before}"
                yield index, "repeats its sibling", detail, {"sibling": before}
            elif why := clash(constraint, other) or clash(other, constraint):
                evidence = {"sibling": before, "sibling_text": other.text}
                yield index, "contradicts its sibling", why, evidence


def _against_text(
    index: int, constraint: RuleConstraint, alike: list[RuleConstraint], tokens: list[str], flat: str
) -> Iterator[Found]:
    rule, params = _plain(constraint.rule), constraint.params
    language = params.get("language")
    if isinstance(language, str) and language not in LANGUAGES:
        yield index, "unsatisfiable", f"no detector answers {language!r}", {"language": language}
    if rule in UNITS:
        name, unit = UNITS[rule]
        wanted, numbers = params.get(name), counted(tokens, unit)
        others = {float(n) for c in alike if isinstance(n := c.params.get(name), int | float)}
        meant = numbers - {n for n in numbers for other in others if abs(n - other) <= 1}
        if isinstance(wanted, int | float) and meant and not any(abs(n - wanted) <= 1 for n in numbers):
            said = ", ".join(str(n) for n in sorted(meant))
            detail = f"the prompt says {said} {unit}s, the check {name}={wanted:g}"
            yield index, "contradicts its text", detail, {"prompt": sorted(meant), "check": wanted}
            return
    if rule in NAMED:
        value = params.get(NAMED[rule])
        texts = value if isinstance(value, list | tuple) else [value]
        missing = [text for text in texts if isinstance(text, str) and not _holds(flat, text)]
        if missing:
            detail = f"the prompt never says {', '.join(map(repr, missing))[:SHOWN]}"
            yield index, "contradicts its text", detail, {"missing": missing}


def counted(tokens: list[str], unit: str) -> set[int]:
    """The numbers that stand before a unit, at most `NEAR` words away; of several the nearest."""
    numbers_said = set()
    for place, token in enumerate(tokens):
        if token.rstrip("s") != unit and token != unit:
            continue
        before = tokens[max(0, place - 3 - NEAR) : place]
        numbers = [(n, at) for at, word in enumerate(before) if (n := _number(word)) is not None]
        if numbers and len(before) - numbers[-1][1] <= NEAR + 1:
            numbers_said.add(numbers[-1][0])
            if len(numbers) > 1 and numbers[-1][1] - numbers[-2][1] <= 2:  # "20 to 25", "between 20 and 25"
                numbers_said.add(numbers[-2][0])
    if unit == "time":
        numbers_said |= {SPOKEN[token] for token in tokens if token in ("once", "twice")}
    return numbers_said


def _number(word: str) -> int | None:
    return int(word.replace(",", "")) if word[0].isdigit() else SPOKEN.get(word)


def _plain(rule: str) -> str:
    return rule.removesuffix("_fixed").removesuffix("_multilingual")


def _flat(text: str) -> str:
    """Letters and digits in one row: quotes, line ends and marks are typed in many ways."""
    return "".join(char for char in text.lower() if char.isalnum())


def _holds(flat: str, text: str) -> bool:
    wanted = _flat(text)
    return not wanted or wanted in flat


def _same(constraint: RuleConstraint, other: RuleConstraint) -> bool:
    return (constraint.rule, constraint.params) == (other.rule, other.params)
