"""M-IFEval's Spanish types: what they do otherwise than IFEval, and what only Spanish has.

Upstream counts spaCy's tokens, which are cut by rules, and its sentences, which a model finds. `words` follows the rules;
for sentences the marks and the ends of lines stand in the place of the model.
"""

from __future__ import annotations

import re
import unicodedata

from verif.core import segment
from verif.core.rules import content, formatting
from verif.core.rules.expressions import compiled
from verif.core.rules.language import Language
from verif.core.rules.language import response_language as in_this_language
from verif.core.rules.length import FirstWord
from verif.core.rules.mifeval.common import in_language, one_of
from verif.core.rules.mifeval.shared import Capitals, Sentences, Spanish, Words, counted
from verif.core.rules.params import Count
from verif.core.rules.phrases import EndPhrase
from verif.core.rules.registry import Outcome, Params, rule
from verif.core.text import Doc

_RUN = re.compile(r"\s+|\S+")
_EDGE = "§%=—–+<>_#*&…,:;!?¿¡()[]{}'\"”“`‘´’‚„»«「」『』$£€¥.·/|^~"
_INSIDE = re.compile(
    r"(?<=[a-záéíóúüñ])\.(?=[A-ZÁÉÍÓÚÜÑ])|(?<=[^\W\d_]),(?=[^\W\d_])|(?<=[^\W_])[:<>=/](?=[^\W\d_])|\.{2,}|…"
)
_MARKERS = {"P.D.": r"p\.\s?d\.", "Nota": "nota"}
_TILDES = frozenset("áéíóúÁÉÍÓÚ")


class Letters(Params):
    """A number of words."""

    let_frequency: Count


def words(text: str) -> list[str]:
    """The tokens that are no punctuation, about as spaCy's Spanish rules cut them.

    White space is a token unless it is one blank behind a word; symbols ("+", "$", an emoji) stand alone and count.
    """
    tokens = []
    for place, run in enumerate(_RUN.findall(text)):
        if run.isspace():
            if place == 0 or run != " ":
                tokens.append(run)
            continue
        core = run if "://" in run else run.strip(_EDGE)
        begin = run.find(core) if core else len(run)
        around = run[:begin] + run[begin + len(core) :]
        tokens += [c for c in around if not unicodedata.category(c).startswith("P")]
        pieces = [core] if "://" in core else _INSIDE.split(core)
        tokens += [piece for piece in pieces if piece]
    return tokens


@rule("es:length_constraints:number_words", Words[Spanish], asks="Responde con {relation} {num_words} palabras.",
      example=({"num_words": 3, "relation": "como máximo"}, "El mar azul.", "El mar es azul."))  # fmt: skip
def number_words(doc: Doc, params: Words[Spanish]) -> Outcome:
    """Tokens that are no punctuation, by spaCy's rules: a hyphenated word is one, an empty line counts as one, too."""
    return counted(len(words(doc.text)), "words", params.relation, params.num_words)


@rule("es:length_constraints:number_sentences", Sentences[Spanish], asks="Responde con {relation} {num_sentences} frases.",
      example=({"num_sentences": 1, "relation": "como máximo"}, "Llueve mucho.", "Llueve. Hace frío."))  # fmt: skip
def number_sentences(doc: Doc, params: Sentences[Spanish]) -> Outcome:
    """Sentences of each line, by their marks, where upstream asks a model."""
    count = sum(len(segment.own_sentences(line)) for line in doc.text.split("\n") if line.strip())
    return counted(count, "sentences", params.relation, params.num_sentences)


@rule("es:change_case:capital_word_frequency", Capitals[Spanish],
      asks="Escribe {capital_relation} {capital_frequency} palabras en mayúsculas.",
      example=({"capital_frequency": 2, "capital_relation": "al menos"}, "EL MAR", "EL mar"))  # fmt: skip
def capital_word_frequency(doc: Doc, params: Capitals[Spanish]) -> Outcome:
    """Tokens (see `number_words`) for which `str.isupper` holds: a single capital letter counts."""
    count = sum(word.isupper() for word in words(doc.text))
    return counted(count, "words in capitals", params.capital_relation, params.capital_frequency)


@rule("es:change_case:spanish_capital", asks="Escribe todo en español y en mayúsculas.",
      example=({}, "HOY HACE MUY BUEN TIEMPO EN LA CIUDAD DE MADRID", "HOY HACE MUY BUEN TIEMPO en la ciudad"))  # fmt: skip
def spanish_capital(doc: Doc, _: Params) -> Outcome:
    """No small letter, at least one capital, and Spanish, which is read from the text in small letters."""
    return in_language(Doc(doc.lower), doc.text.isupper(), "capitals", "es")


@rule("es:change_case:spanish_lowercase", asks="Escribe todo en español y en minúsculas.",
      example=({}, "hoy hace muy buen tiempo en la ciudad", "Hoy hace muy buen tiempo en la ciudad"))  # fmt: skip
def spanish_lowercase(doc: Doc, _: Params) -> Outcome:
    """No capital, at least one small letter, and Spanish."""
    return in_language(doc, doc.text.islower(), "small letters", "es")


@rule("es:language:response_language", Language, asks="Responde solo en el idioma {language}.",
      example=({"language": "de"}, "Das ist ein kurzer Satz auf Deutsch.", "Esta es una frase en español."))  # fmt: skip
def response_language(doc: Doc, params: Language) -> Outcome:
    """As `language:response_language`: the most probable one; a text without letters follows."""
    return in_this_language(doc, params)


@rule(
    "es:length_constraints:nth_paragraph_first_word",
    FirstWord,
    asks="Escribe {num_paragraphs} párrafos separados por una línea en blanco; el {nth_paragraph} empieza por {first_word}.",
    example=(
        {"num_paragraphs": 2, "nth_paragraph": 2, "first_word": "Creo que"},
        "Sí.\n\nCreo que sí.",
        "Creo que sí.\n\nSí.",
    ),
)
def nth_paragraph_first_word(doc: Doc, params: FirstWord) -> Outcome:
    """The number of paragraphs is exact and the n-th starts with the text, in any case, a quotation mark aside."""
    pieces = [piece.strip() for piece in doc.paragraphs]
    count = sum(map(bool, pieces))
    begins = (
        pieces[params.nth_paragraph - 1].lstrip("'").lstrip('"').lower()
        if params.nth_paragraph <= count
        else ""
    )
    ok = count == params.num_paragraphs and begins.startswith(params.first_word.lower())
    return Outcome(ok, f"{count} paragraphs, paragraph {params.nth_paragraph} starts {begins[:40]!r}")


@rule("es:startend:end_checker", EndPhrase, asks="Termina con: {end_phrase}",
      example=({"end_phrase": "Hasta luego"}, "Bien. hasta luego.", "Hasta luego. Bien."))  # fmt: skip
def end_checker(doc: Doc, params: EndPhrase) -> Outcome:
    """The response ends with the phrase, in any case; double quotation marks and a period after it are let off."""
    ending = doc.text.strip().strip('"').lower()
    ok = ending.removesuffix(".").endswith(params.end_phrase.lower().removesuffix("."))
    return Outcome(ok, f"ends with {ending[-60:]!r}")


@rule(
    "es:detectable_format:constrained_response",
    asks="Responde Sí., No. o Quizás.",
    example=({}, "Quizás.", "Quizás"),
)
def constrained_response(doc: Doc, _: Params) -> Outcome:
    """ "Sí.", "No." or "Quizás." occurs somewhere, with its period."""
    return one_of(doc, ("Sí.", "No.", "Quizás."))


@rule("es:detectable_format:number_bullet_lists", formatting.Bullets,
      asks="Escribe exactamente {num_bullets} puntos que empiecen por *",
      example=({"num_bullets": 2}, "* uno\n* dos", "* uno\n- dos"))  # fmt: skip
def number_bullet_lists(doc: Doc, params: formatting.Bullets) -> Outcome:
    """Lines that begin with `*` and something other than a second one; hyphens are no bullets here."""
    starless = "\n".join(line for line in doc.text.split("\n") if not line.lstrip().startswith("-"))
    count = formatting.count_bullets(starless)
    return Outcome(
        count == params.num_bullets, f"{count} bullets, {params.num_bullets} asked", {"bullets": count}
    )


@rule("es:detectable_content:postscript", content.Postscript, asks="Añade al final una posdata: {postscript_marker}",
      example=({"postscript_marker": "P.D."}, "Adiós. p. d. Escribe.", "Adiós. Escribe."))  # fmt: skip
def postscript(doc: Doc, params: content.Postscript) -> Outcome:
    """The marker anywhere, in any case; `P.D.` also with a blank after the first period, others as expressions."""
    marker = params.postscript_marker
    ok = compiled(_MARKERS.get(marker) or marker.lower(), False).search(doc.lower) is not None
    return Outcome(ok, f"{marker} {'found' if ok else 'not found'}")


def _enclosed(text: str, begin: str, end: str) -> bool:
    """Something that is not blank stands between the marks."""
    at = text.find(begin)
    while at >= 0 and (stop := text.find(end, at)) >= 0:
        if text[at:stop].lstrip(begin).strip():
            return True
        at = text.find(begin, stop)
    return False


@rule(
    "es:punctuation:question_marks",
    asks="Incluye una pregunta, con ¿ y ?.",
    example=({}, "¿Vienes?", "Vienes?"),
)
def question_marks(doc: Doc, _: Params) -> Outcome:
    """Something that is not blank stands between `¿` and `?`."""
    ok = _enclosed(doc.text, "¿", "?")
    return Outcome(ok, "a question" if ok else "no ¿question?")


@rule(
    "es:punctuation:exclamation_marks",
    asks="Incluye una exclamación, con ¡ y !.",
    example=({}, "¡Ven!", "Ven!"),
)
def exclamation_marks(doc: Doc, _: Params) -> Outcome:
    """Something that is not blank stands between `¡` and `!`."""
    ok = _enclosed(doc.text, "¡", "!")
    return Outcome(ok, "an exclamation" if ok else "no ¡exclamation!")


def _holding(doc: Doc, letter: str, params: Letters) -> Outcome:
    count = sum(letter in word.lower() for word in words(doc.text))
    reason = f"{count} words with {letter}, {params.let_frequency} asked"
    return Outcome(count == params.let_frequency, reason, {"count": count})


@rule("es:special_character:enie", Letters, asks="Usa exactamente {let_frequency} palabras con ñ.",
      example=({"let_frequency": 1}, "El niño duerme.", "El niño sueña."))  # fmt: skip
def enie(doc: Doc, params: Letters) -> Outcome:
    """Exactly so many tokens hold an ñ of either case, composed."""
    return _holding(doc, "ñ", params)


@rule("es:special_character:dieresis", Letters, asks="Usa exactamente {let_frequency} palabras con ü.",
      example=({"let_frequency": 1}, "El pingüino duerme.", "El pinguino duerme."))  # fmt: skip
def dieresis(doc: Doc, params: Letters) -> Outcome:
    """Exactly so many tokens hold a ü of either case, composed."""
    return _holding(doc, "ü", params)


@rule("es:special_character:tildes", Words[Spanish], asks="Usa {relation} {num_words} palabras con tilde.",
      example=({"num_words": 2, "relation": "al menos"}, "Café y té.", "Café y agua."))  # fmt: skip
def tildes(doc: Doc, params: Words[Spanish]) -> Outcome:
    """Tokens that hold an acute accent on a vowel, composed."""
    count = sum(not _TILDES.isdisjoint(word) for word in words(doc.text))
    return counted(count, "words with an acute accent", params.relation, params.num_words)
