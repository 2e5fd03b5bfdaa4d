"""Rules that nobody can keep: alone, by their parameters, or beside another rule of the same row."""

from __future__ import annotations

from typing import Any

from verif.types import RuleConstraint

COUNTS: dict[str, tuple[str, str]] = {
    "length_constraints:number_words": ("num_words", "relation"),
    "length_constraints:number_sentences": ("num_sentences", "relation"),
    "change_case:capital_word_frequency": ("capital_frequency", "capital_relation"),
    "keywords:frequency": ("frequency", "relation"),
    "keywords:letter_frequency": ("let_frequency", "let_relation"),
}
"""Rule to the names of its number and relation."""
AT_LEAST_ONE = ("length_constraints:number_words", "length_constraints:number_sentences")
UPPER, LOWER, NO_COMMA = (
    "change_case:english_capital",
    "change_case:english_lowercase",
    "punctuation:no_comma",
)


def impossible(constraint: RuleConstraint) -> str:
    """Why no response can keep a rule; "" if one can."""
    rule, params = _plain(constraint.rule), constraint.params
    low, high = bounds(rule, params)
    if high < (1 if rule in AT_LEAST_ONE else 0) or low > high:
        return f"asks for fewer than {high + 1:g}, and every response has more"
    paragraph, of = params.get("nth_paragraph"), params.get("num_paragraphs")
    if isinstance(paragraph, int) and isinstance(of, int) and paragraph > of:
        return f"paragraph {paragraph} of {of}"
    if rule == "open-instruct:validate_paragraphs" and params.get("i", 0) > params.get("N", 0):
        return f"paragraph {params.get('i')} of {params.get('N')}"
    return ""


def bounds(rule: str, params: dict[str, Any]) -> tuple[float, float]:
    """The least and the greatest count that keeps a rule that counts."""
    if rule not in COUNTS:
        return 0, float("inf")
    number, relation = (params.get(name) for name in COUNTS[rule])
    if not isinstance(number, int | float):
        return 0, float("inf")
    return (0, number - 1) if relation == "less than" else (number, float("inf"))


def clash(constraint: RuleConstraint, other: RuleConstraint) -> str:
    """Why a rule cannot be kept beside another; "" if it can, or if that is not certain."""
    rule, beside = _plain(constraint.rule), _plain(other.rule)
    params, given = constraint.params, other.params
    if rule == beside and rule in COUNTS:
        same = all(params.get(name) == given.get(name) for name in ("keyword", "letter"))
        (low, _), (_, high) = bounds(rule, params), bounds(beside, given)
        if same and low > high:
            return f"at least {low:g} here, at most {high:g} there"
    if rule == UPPER and beside == LOWER:
        return "capital letters only here, none there"
    if rule in (UPPER, LOWER) and beside == "language:response_language" and given.get("language") != "en":
        return f"English here, {given.get('language')!r} there"
    texts = demanded(other)
    if rule == NO_COMMA:
        held = [text for text in texts if "," in text]
        return f"no comma here, {held[0][:80]!r} there" if held else ""
    if rule == "keywords:forbidden_words":
        words = [str(word).lower() for word in params.get("forbidden_words", ())]
        held = [word for word in words for text in texts if f" {word} " in f" {text.lower()} "]
        return f"{held[0]!r} is forbidden here and demanded there" if held else ""
    if rule == "length_constraints:number_words":
        longest = max((len(text.split()) for text in texts), default=0)
        high = bounds(rule, params)[1]
        return f"at most {high:g} words here, {longest} demanded there" if longest > high else ""
    if rule in (UPPER, LOWER) and beside == "detectable_format:multiple_sections":
        splitter = str(given.get("section_spliter", ""))
        cased = splitter.upper() if rule == UPPER else splitter.lower()
        return f"{cased!r} only here, {splitter!r} there" if splitter != cased else ""
    return ""


def demanded(constraint: RuleConstraint) -> list[str]:
    """Texts that a response must hold to keep a rule, letter by letter but for their case."""
    rule, params = _plain(constraint.rule), constraint.params
    name = {
        "keywords:existence": "keywords", "open-instruct:verify_keywords": "keyword_list",
        "combination:repeat_prompt": "prompt_to_repeat", "startend:end_checker": "end_phrase",
    }.get(rule)  # fmt: skip
    value = params.get(name) if name else None
    return [text for text in (value if isinstance(value, list | tuple) else [value]) if isinstance(text, str)]


def _plain(rule: str) -> str:
    return rule.removesuffix("_fixed").removesuffix("_multilingual")
