"""The types of constraints that are composed: a registered rule, how its parameters are drawn, and how people say it.

The first wording of each is the rule's own (`asks`). Those under `held_out` stand in no prompt that is trained on.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Draw = Callable[[random.Random, str], dict[str, Any]]
"""Random generator and the subject's word to parameters."""
WORDS = (
    "bright", "simple", "careful", "together", "early", "letter", "window", "promise", "quiet", "enough", "better",
    "journey", "morning", "garden", "friendly", "different", "today", "always", "reason", "answer", "small", "warm",
    "memory", "colour", "minute", "second", "picture", "honest", "useful", "common", "strange", "yellow", "corner",
)  # fmt: skip
COMMON = (
    "very",
    "really",
    "good",
    "great",
    "make",
    "maybe",
    "people",
    "just",
    "also",
    "because",
    "there",
    "important",
)
ENDINGS = (
    "That is all.", "Thank you for reading.", "Let me know what you think.", "I hope this helps.", "See you soon.",
    "What do you think?", "Nothing more to say.", "Until next time.",
)  # fmt: skip


@dataclass(frozen=True)
class ComposedType:
    """A type of constraint. Of a `group` an instruction has one at most: they would get into each other's way."""

    rule: str
    draw: Draw
    wordings: tuple[str, ...]
    held_out: tuple[str, ...]
    group: str = ""


def _nothing(_rng: random.Random, _word: str) -> dict[str, Any]:
    return {}


def _keywords(rng: random.Random, word: str) -> dict[str, Any]:
    return {
        "keywords": [word, *rng.sample(WORDS, rng.randint(0, 2))]
        if rng.random() < 0.6
        else rng.sample(WORDS, 2)
    }


def _words(rng: random.Random, _: str) -> dict[str, Any]:
    if rng.random() < 0.5:
        return {"num_words": 10 * rng.randint(3, 7), "relation": "at least"}
    return {"num_words": 10 * rng.randint(4, 9), "relation": "less than"}


def _sentences(rng: random.Random, _: str) -> dict[str, Any]:
    if rng.random() < 0.5:
        return {"num_sentences": rng.randint(3, 6), "relation": "at least"}
    return {"num_sentences": rng.randint(4, 8), "relation": "less than"}


def _number(name: str, low: int, high: int) -> Draw:
    return lambda rng, _: {name: rng.randint(low, high)}


def _chosen(name: str, *values: str) -> Draw:
    return lambda rng, _: {name: rng.choice(values)}


TRAINED = (
    ComposedType("keywords:existence", _keywords,
          ("Include the words {keywords}.", "These words must appear: {keywords}.", "Mention {keywords} somewhere."),
          ("Work {keywords} into the text.", "The text should contain {keywords}.")),
    ComposedType("keywords:forbidden_words", lambda rng, _: {"forbidden_words": rng.sample(COMMON, rng.randint(1, 3))},
          ("Avoid the words {forbidden_words}.", "The words {forbidden_words} must not appear.",
           "Leave out {forbidden_words}."),
          ("Never say {forbidden_words}.", "Keep clear of the following: {forbidden_words}.")),
    ComposedType("length_constraints:number_words", _words,
          ("Use {relation} {num_words} words.", "Your answer should have {relation} {num_words} words.",
           "The length is {relation} {num_words} words."),
          ("Answer with {relation} {num_words} words.", "I need {relation} {num_words} words."), "length"),
    ComposedType("length_constraints:number_sentences", _sentences,
          ("Use {relation} {num_sentences} sentences.", "Your answer should have {relation} {num_sentences} sentences."),
          ("Say it in {relation} {num_sentences} sentences.", "I would like {relation} {num_sentences} sentences."),
          "length"),
    ComposedType("length_constraints:number_paragraphs", _number("num_paragraphs", 2, 3),
          ("There should be {num_paragraphs} paragraphs, divided by ***",
           "Use exactly {num_paragraphs} paragraphs and put the divider *** between them."),
          ("Divide the text into {num_paragraphs} paragraphs with *** between paragraphs.",), "shape"),
    ComposedType("detectable_content:number_placeholders", _number("num_placeholders", 1, 3),
          ("Use at least {num_placeholders} placeholders in square brackets, such as [address].",
           "The text must hold at least {num_placeholders} placeholders in square brackets, such as [date]."),
          ("Put in at least {num_placeholders} square-bracket placeholders, for example [place].",)),
    ComposedType("detectable_content:postscript", _chosen("postscript_marker", "P.S.", "P.P.S"),
          ("At the end, add a postscript that starts with {postscript_marker}",
           "Finish with a postscript starting with {postscript_marker}"),
          ("Do not forget a postscript; it has to start with {postscript_marker}",), "end"),
    ComposedType("detectable_format:number_bullet_lists", _number("num_bullets", 2, 5),
          ("Use exactly {num_bullets} bullet points, such as: * This is a point.",
           "The answer must contain exactly {num_bullets} bullet points in markdown."),
          ("Make a list of exactly {num_bullets} bullets, each on a line that starts with *",)),
    ComposedType("detectable_format:number_highlighted_sections", _number("num_highlights", 1, 3),
          ("Mark at least {num_highlights} parts with asterisks, such as *this part*.",
           "Highlight at least {num_highlights} sections in markdown, for example *highlighted section*."),
          ("At least {num_highlights} pieces of the text should stand between asterisks, *in this way*.",)),
    ComposedType("detectable_format:title", _nothing,
          ("Begin with a title in double angular brackets, such as <<title>>.",
           "The answer needs a title, wrapped like <<this>>."),
          ("Put a heading between << and >> first.",)),
    ComposedType("change_case:english_lowercase", _nothing,
          ("Use lowercase letters only.", "Write everything in lowercase. No capital letters are allowed.",
           "Your entire answer should be in English and in lowercase."),
          ("Not a single capital letter, please.", "all letters have to be small ones."), "case"),
    ComposedType("change_case:english_capital", _nothing,
          ("Use capital letters only.", "WRITE EVERYTHING IN CAPITAL LETTERS.",
           "Your entire answer should be in English and in all capital letters."),
          ("Not a single lowercase letter, please.", "EVERY LETTER HAS TO BE A CAPITAL."), "case"),
    ComposedType("startend:end_checker", _chosen("end_phrase", *ENDINGS),
          ("Finish with this exact phrase: {end_phrase} Nothing may follow it.",
           'The very last words must be "{end_phrase}"'),
          ("Close with exactly these words: {end_phrase}",), "end"),
    ComposedType("startend:quotation", _nothing,
          ("Wrap your entire answer in double quotation marks.", "Put double quotation marks around the whole answer."),
          ("The first and the last character must be double quotation marks.",)),
    ComposedType("punctuation:no_comma", _nothing,
          ("Avoid commas.", "Refrain from the use of any commas.", "Your answer must not contain a comma."),
          ("Write without a single comma.", "Commas are forbidden.")),
)  # fmt: skip
UNSEEN = (
    ComposedType("keywords:letter_frequency",
          lambda rng, _: {"letter": rng.choice("cdglmpu"), "let_frequency": rng.randint(3, 6), "let_relation": "at least"},
          (), ("The letter {letter} should appear {let_relation} {let_frequency} times.",)),
    ComposedType("keywords:frequency",
          lambda rng, word: {"keyword": word, "frequency": rng.randint(2, 3), "relation": "at least"},
          (), ("The word {keyword} should appear {relation} {frequency} times.",)),
    ComposedType("change_case:capital_word_frequency",
          lambda rng, _: {"capital_frequency": rng.randint(2, 4), "capital_relation": "at least"},
          (), ("Words in all capital letters should appear {capital_relation} {capital_frequency} times.",), "case"),
    ComposedType("detectable_format:multiple_sections",
          lambda rng, _: {"section_spliter": rng.choice(("Section", "PART")), "num_sections": rng.randint(2, 3)},
          (), ("There must be {num_sections} sections. Begin each with {section_spliter} X, such as {section_spliter} 1.",),
          "shape"),
    ComposedType("combination:two_responses", _nothing,
          (), ("Give two different answers and put six asterisks between them: ******",), "shape"),
    ComposedType("length_constraints:nth_paragraph_first_word",
          lambda rng, _: {"num_paragraphs": 2, "nth_paragraph": rng.randint(1, 2), "first_word": rng.choice(("Today", "Often"))},
          (), ("There should be {num_paragraphs} paragraphs with two line breaks between them. Paragraph {nth_paragraph}"
               " must start with the word {first_word}.",), "shape"),
)  # fmt: skip
"""Never trained on."""
