"""What M-IFEval takes over from IFEval: the same decisions under `es:`, `fr:` and `ja:`, relations in the language."""

from __future__ import annotations

from typing import Any

from verif.core import segment
from verif.core.rules import combination, content, formatting, keywords, length, phrases
from verif.core.rules.expressions import compiled
from verif.core.rules.mifeval.shared import (
    AtLeastHighlights,
    AtLeastPlaceholders,
    AtLeastSections,
    Capitals,
    French,
    Frequency,
    Letters,
    Spanish,
    Words,
    counted,
)
from verif.core.rules.registry import Outcome, rule
from verif.core.text import Doc

_PARAGRAPHS = {
    "es": "Escribe {num_paragraphs} párrafos separados por ***",
    "fr": "Écrivez {num_paragraphs} paragraphes séparés par ***",
    "ja": "***で区切った{num_paragraphs}個の段落を書いてください。",
}
_TWO = {
    "es": "Da dos respuestas distintas, separadas por ******",
    "fr": "Donnez deux réponses distinctes, séparées par ******",
    "ja": "******で区切って、異なる答えを二つ書いてください。",
}
_JSON = {
    "es": "Responde solo con JSON.",
    "fr": "Répondez uniquement en JSON.",
    "ja": "JSONだけで答えてください。",
}
_PLACES = {
    "fr": "Laissez au moins {num_placeholders} champs à remplir, entre crochets : [nom].",
    "ja": "[名前]のような空欄を{num_placeholders}個以上入れてください。",
}
_WORDS_IN = {"es": "Usa las palabras {keywords}.", "fr": "Employez les mots {keywords}."}
_WORDS_OUT = {
    "es": "No uses las palabras {forbidden_words}.",
    "fr": "N'employez pas les mots {forbidden_words}.",
}
_REPEAT = {
    "es": "Repite primero esta petición y responde después: {prompt_to_repeat}",
    "fr": "Répétez d'abord cette demande, puis répondez : {prompt_to_repeat}",
}
_COMMA = {"es": "No uses comas.", "fr": "N'utilisez pas de virgule."}

for _tongue in ("es", "fr", "ja"):
    rule(f"{_tongue}:length_constraints:number_paragraphs", length.Paragraphs, asks=_PARAGRAPHS[_tongue],
         example=({"num_paragraphs": 2}, "A.\n***\nB.", "A.\n\nB."))(length.number_paragraphs)  # fmt: skip
    rule(f"{_tongue}:combination:two_responses", asks=_TWO[_tongue],
         example=({}, "A\n******\nB", "A\n******\nA"))(combination.two_responses)  # fmt: skip
    rule(f"{_tongue}:detectable_format:json_format", asks=_JSON[_tongue],
         example=({}, '```json\n{"a": 1}\n```', "{'a': 1}"))(formatting.json_format)  # fmt: skip
for _tongue in ("fr", "ja"):
    rule(f"{_tongue}:detectable_content:number_placeholders", content.Placeholders, asks=_PLACES[_tongue],
         example=({"num_placeholders": 2}, "[a] [b]", "[a]"))(content.number_placeholders)  # fmt: skip
for _tongue in ("es", "fr"):
    rule(f"{_tongue}:keywords:existence", keywords.Keywords, asks=_WORDS_IN[_tongue],
         example=({"keywords": ["mar"]}, "El mar.", "El sol."))(keywords.existence)  # fmt: skip
    rule(f"{_tongue}:keywords:forbidden_words", keywords.Forbidden, asks=_WORDS_OUT[_tongue],
         example=({"forbidden_words": ["mar"]}, "El sol. Los mares.", "El mar."))(keywords.forbidden_words)  # fmt: skip
    rule(f"{_tongue}:combination:repeat_prompt", combination.Repeat, asks=_REPEAT[_tongue],
         example=({"prompt_to_repeat": "Di hola."}, "Di hola. Hola", "Hola. Di hola."))(combination.repeat_prompt)  # fmt: skip
    rule(f"{_tongue}:punctuation:no_comma", asks=_COMMA[_tongue], example=({}, "A y B", "A, B"))(
        phrases.no_comma
    )

rule("es:startend:quotation", asks="Pon toda la respuesta entre comillas dobles.", example=({}, '"Hola"', "«Hola»"),
     )(phrases.quotation)  # fmt: skip
rule("es:detectable_format:title", asks="Pon un título, <<así>>.", example=({}, "<<Mar>>\nOlas.", "Mar\nOlas."),
     )(formatting.title_rule)  # fmt: skip
rule("es:detectable_format:multiple_sections", AtLeastSections,
     asks="Escribe al menos {num_sections} secciones, cada una con {section_spliter} y su número.",
     example=({"section_spliter": "Sección", "num_sections": 2}, "Sección 1 a\nSección 2 b", "Sección 1 a"),
     )(formatting.multiple_sections)  # fmt: skip
rule("fr:detectable_format:multiple_sections", formatting.Sections,
     asks="Écrivez au moins {num_sections} sections, chacune avec {section_spliter} et son numéro.",
     example=({"section_spliter": "Section", "num_sections": 2}, "Section 1 a\nSection 2 b", "Section 1 a"),
     )(formatting.multiple_sections)  # fmt: skip
rule("es:detectable_format:number_highlighted_sections", AtLeastHighlights,
     asks="Resalta al menos {num_highlights} partes, *así*.",
     example=({"num_highlights": 2}, "*uno* y *dos*", "*uno* y dos"))(formatting.number_highlighted_sections)  # fmt: skip
rule("fr:detectable_format:number_highlighted_sections", formatting.Highlights,
     asks="Mettez en valeur au moins {num_highlights} passages, *ainsi*.",
     example=({"num_highlights": 2}, "*un* et *deux*", "*un* et deux"))(formatting.number_highlighted_sections)  # fmt: skip
rule("es:detectable_content:number_placeholders", AtLeastPlaceholders,
     asks="Deja al menos {num_placeholders} huecos entre corchetes, como [nombre].",
     example=({"num_placeholders": 2}, "[a] [b]", "[a]"))(content.number_placeholders)  # fmt: skip
rule("fr:detectable_format:number_bullet_lists", formatting.Bullets, asks="Écrivez exactement {num_bullets} puces.",
     example=({"num_bullets": 2}, "* un\n- deux", "* un"))(formatting.number_bullet_lists)  # fmt: skip


@rule("es:keywords:frequency", Frequency[Spanish], asks="Usa {keyword} {relation} {frequency} veces.",
      example=({"keyword": "mar", "frequency": 1, "relation": "como máximo"}, "El mar.", "El mar y los mares."))  # fmt: skip
@rule("fr:keywords:frequency", Frequency[French], asks="Employez {keyword} {relation} {frequency} fois.",
      example=({"keyword": "mer", "frequency": 2, "relation": "au moins"}, "La mer, les mers.", "La mer."))  # fmt: skip
def frequency(doc: Doc, params: Frequency[Any]) -> Outcome:
    """As `keywords:frequency`: a regular expression, in any case, also inside words."""
    count = sum(1 for _ in compiled(params.keyword).finditer(doc.text))
    return counted(count, f"times {params.keyword!r}", params.relation, params.frequency)


@rule("es:keywords:letter_frequency", Letters[Spanish], asks="Usa la letra {letter} {let_relation} {let_frequency} veces.",
      example=({"letter": "a", "let_frequency": 2, "let_relation": "al menos"}, "La mar", "El mar"))  # fmt: skip
@rule("fr:keywords:letter_frequency", Letters[French],
      asks="Employez la lettre {letter} {let_relation} {let_frequency} fois.",
      example=({"letter": "e", "let_frequency": 2, "let_relation": "moins de"}, "La mer", "Le mer"))  # fmt: skip
def letter_frequency(doc: Doc, params: Letters[Any]) -> Outcome:
    """The character in either case. Upstream draws another one for what is no letter from a to z; here it is counted."""
    return counted(doc.lower.count(params.letter.lower()), "times", params.let_relation, params.let_frequency)


@rule("fr:length_constraints:number_words", Words[French], asks="Répondez avec {relation} {num_words} mots.",
      example=({"num_words": 3, "relation": "moins de"}, "L'eau.", "L'eau claire."))  # fmt: skip
def number_words(doc: Doc, params: Words[French]) -> Outcome:
    r"""Runs of `\w`: "l'eau" counts two."""
    return counted(len(doc.words), "words", params.relation, params.num_words)


@rule("fr:change_case:capital_word_frequency", Capitals[French],
      asks="Écrivez {capital_relation} {capital_frequency} mots en majuscules.", flavour=segment.splitter,
      example=({"capital_frequency": 2, "capital_relation": "au moins"}, "LA MER", "LA mer"))  # fmt: skip
def capital_word_frequency(doc: Doc, params: Capitals[French]) -> Outcome:
    """As `change_case:capital_word_frequency`: NLTK's tokens, cut as English ones."""
    count = sum(token.isupper() for token in doc.tokens)
    return counted(count, "words in capitals", params.capital_relation, params.capital_frequency)


def in_language(doc: Doc, cased: bool, what: str, language: str) -> Outcome:
    """All in one case and, as far as that can be told, in the language."""
    if not cased:
        return Outcome(False, f"not all {what}")
    spoken = doc.language
    return Outcome(spoken in (language, None), f"all {what}, language {spoken}", {"language": spoken})


def title_between(text: str, begin: str, end: str) -> str | None:
    """The first title that is not blank between the marks, within a line."""
    for line in text.split("\n"):
        start, stop = line.find(begin), line.rfind(end)
        if start >= 0 and stop >= start + len(begin) + 1:
            inner = line[start : stop + len(end)].lstrip(begin).rstrip(end).strip()
            if inner:
                return inner
    return None


def one_of(doc: Doc, answers: tuple[str, ...]) -> Outcome:
    """One of the answers occurs somewhere."""
    answer = next((text for text in answers if text in doc.text), None)
    return Outcome(answer is not None, f"found {answer!r}" if answer else f"none of {', '.join(answers)}")
