"""M-IFEval's French types: what they do otherwise than IFEval, and what only French has."""

from __future__ import annotations

import re
import unicodedata
from typing import Annotated

from pydantic import Field

from verif.core import segment
from verif.core.rules import content, length, phrases
from verif.core.rules.mifeval.common import in_language, one_of, title_between
from verif.core.rules.mifeval.shared import French, Sentences, counted
from verif.core.rules.params import Text
from verif.core.rules.registry import Outcome, Params, rule
from verif.core.text import Doc

ABBREVIATIONS = frozenset(
    """m mr mme mlle dr dre drs dres prof pr cap lt etc cf vs rép i.e ex e.g apr av j.c j.-c a.d env janv fév mar avr juil
    sept oct nov déc svp p.v tél adj q.v p resp tel v vol nb n.b p.s ps p.p.s p.-s p-s""".split()  # noqa: SIM905
)
_ACCENTED = frozenset("àáâãäåçèéêëìíîïñòóôõöùúûüýÿÀÁÂÃÄÅÇÈÉÊËÌÍÎÏÑÒÓÔÕÖÙÚÛÜÝ")
_TU = re.compile(r"\b(?:tu|te|t'|toi|ton|ta|tes)\b", re.IGNORECASE)
_WORD = re.compile(r"\w+")
_DIGIT = re.compile(r"\d")
_QUOTES = (('"', '"'), ("'", "'"), ("«", "»"))


class Character(Params):
    """A text that must not occur."""

    forbidden_char: Text


class Accents(Params):
    """Words without their accents, and how they are written."""

    word_to_accentuate: Annotated[dict[Text, Text], Field(min_length=1, max_length=200)]


class Language(Params):
    """An ISO 639-1 code."""

    language: Annotated[str, Field(max_length=5)]


@rule("fr:length_constraints:number_sentences", Sentences[French], flavour=segment.splitter,
      asks="Répondez avec {relation} {num_sentences} phrases.",
      example=({"num_sentences": 2, "relation": "au moins"}, "Il pleut. On reste.", "Il pleut et Mme. Hue reste."))  # fmt: skip
def number_sentences(doc: Doc, params: Sentences[French]) -> Outcome:
    """Sentences as Punkt cuts them, where a period after one of upstream's French abbreviations ends none.

    Upstream takes Punkt's French tables; the English ones, or what stands in their place, and that list are used here.
    """
    count = sum(1 for sentence in doc.sentences[:-1] if not _abbreviated(sentence)) + bool(doc.sentences)
    return counted(count, "sentences", params.relation, params.num_sentences)


def _abbreviated(sentence: str) -> bool:
    last = sentence.rsplit(None, 1)[-1].lower()
    return last.endswith(".") and last[:-1].lstrip("(\"'«") in ABBREVIATIONS


@rule("fr:language:response_language", Language, asks="Répondez uniquement dans la langue {language}.",
      example=({"language": "de"}, "Das ist ein kurzer Satz auf Deutsch.", "Ceci est une phrase en français."))  # fmt: skip
def response_language(doc: Doc, params: Language) -> Outcome:
    """The most probable language is the one asked; a text without letters follows.

    Upstream asks for `zh`, which its detector never gives (it says zh-cn or zh-tw): such a row cannot be followed.
    """
    language = doc.language
    return Outcome(
        language in (params.language, None),
        f"language {language}, {params.language} asked",
        {"language": language},
    )


rule("fr:length_constraints:nth_paragraph_first_word", length.FirstWord,
     asks="Écrivez {num_paragraphs} paragraphes séparés par une ligne vide ; le {nth_paragraph} commence par {first_word}.",
     example=({"num_paragraphs": 2, "nth_paragraph": 2, "first_word": "Lune"}, "Soleil.\n\nLune.", "Lune.\n\nSoleil."),
     )(length.nth_paragraph_first_word)  # fmt: skip
rule("fr:startend:end_checker", phrases.EndPhrase, asks="Terminez par : {end_phrase}",
     example=({"end_phrase": "À demain"}, "Bien. à demain", "À demain. Bien."))(phrases.end_checker)  # fmt: skip


@rule("fr:change_case:french_capital", asks="Écrivez tout en français et en majuscules.",
      example=({}, "IL FAIT TRÈS BEAU AUJOURD'HUI À PARIS", "IL FAIT TRÈS BEAU aujourd'hui À PARIS"))  # fmt: skip
def french_capital(doc: Doc, _: Params) -> Outcome:
    """No small letter, at least one capital, and French, which is read from the text in small letters."""
    return in_language(Doc(doc.lower), doc.text.isupper(), "capitals", "fr")


@rule("fr:change_case:french_lowercase", asks="Écrivez tout en français et en minuscules.",
      example=({}, "il fait très beau aujourd'hui à paris", "Il fait très beau aujourd'hui à Paris"))  # fmt: skip
def french_lowercase(doc: Doc, _: Params) -> Outcome:
    """No capital, at least one small letter, and French."""
    return in_language(doc, doc.text.islower(), "small letters", "fr")


@rule("fr:detectable_format:constrained_response", asks="Répondez par Oui., Non. ou Peut-être.",
      example=({}, "Peut-être.", "Peut-être"))  # fmt: skip
def constrained_response(doc: Doc, _: Params) -> Outcome:
    """ "Oui.", "Non." or "Peut-être." occurs somewhere, with its period."""
    return one_of(doc, ("Oui.", "Non.", "Peut-être."))


@rule("fr:detectable_format:title", asks="Mettez un titre entre doubles dièses : ##titre##.",
      example=({}, "##La mer##\nDes vagues.", "## La mer\nDes vagues."))  # fmt: skip
def title(doc: Doc, _: Params) -> Outcome:
    """A title between double number signs, within one line."""
    heading = title_between(doc.text, "##", "##")
    return Outcome(heading is not None, f"title {heading[:60]!r}" if heading else "no ##title##")


@rule("fr:detectable_content:postscript", content.Postscript, asks="Ajoutez à la fin un post-scriptum : {postscript_marker}",
      example=({"postscript_marker": "P.-S."}, "Adieu. p.-s. Écris !", "Adieu. Écris !"))  # fmt: skip
def postscript(doc: Doc, params: content.Postscript) -> Outcome:
    """As `detectable_content:postscript`: the marker anywhere, in any case, read as a regular expression."""
    return content.postscript(doc, params)


@rule(
    "fr:startend:quotation",
    asks="Mettez toute la réponse entre guillemets.",
    example=({}, "« Oui. »", "“Oui.”"),
)
def quotation(doc: Doc, _: Params) -> Outcome:
    """Straight double or single marks or guillemets around everything, of one kind."""
    text = doc.text.strip()
    ok = len(text) > 1 and (text[0], text[-1]) in _QUOTES
    return Outcome(ok, "in quotation marks" if ok else f"starts with {text[:1]!r}, ends with {text[-1:]!r}")


@rule("fr:special_character:ethel_or_cedilla", Character, asks="N'employez pas le caractère {forbidden_char}.",
      example=({"forbidden_char": "ç"}, "Une lecon", "Une leÇon"))  # fmt: skip
def ethel_or_cedilla(doc: Doc, params: Character) -> Outcome:
    """The text does not occur, in either case."""
    ok = re.search(re.escape(params.forbidden_char), doc.text, re.IGNORECASE) is None
    return Outcome(ok, f"{params.forbidden_char!r} {'does not occur' if ok else 'occurs'}")


@rule("fr:special_character:no_accents", asks="N'employez aucun accent.", example=({}, "Un ete", "Un été"))
def no_accents(doc: Doc, _: Params) -> Outcome:
    """No Latin letter with a grave, acute, circumflex, diaeresis, tilde, ring or cedilla; combining accents are not seen."""
    accented = sorted(_ACCENTED & set(doc.text))
    return Outcome(
        not accented, f"found: {' '.join(accented)}" if accented else "no accents", {"found": accented}
    )


@rule("fr:special_character:accents", Accents, asks="Récrivez ce texte avec ses accents.",
      example=({"word_to_accentuate": {"deja": "déjà"}}, "C'est déjà fini.", "C'est dejà fini."))  # fmt: skip
def accents(doc: Doc, params: Accents) -> Outcome:
    """Wherever one of the words occurs, accents aside, it is written as asked; it need not occur, as upstream."""
    asked = params.word_to_accentuate
    wrong = [w for w in _WORD.findall(doc.lower) if asked.get(_plain(w), w) != w]
    return Outcome(not wrong, f"written otherwise: {', '.join(wrong[:10])}" if wrong else "accents as asked")


def _plain(word: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFKD", word) if not unicodedata.combining(c))


@rule("fr:detectable_content:informal_address", asks="Tutoyez votre interlocuteur.",
      example=({}, "Je te dis oui.", "Je vous dis oui."))  # fmt: skip
def informal_address(doc: Doc, _: Params) -> Outcome:
    """One of tu, te, toi, ton, ta, tes occurs as a word, in any case, or t' before a letter; "vous" may occur, too."""
    address = _TU.search(doc.text)
    return Outcome(address is not None, f"found {address[0]!r}" if address else "no informal address")


@rule("fr:detectable_content:no_digits", asks="N'employez aucun chiffre arabe.", example=({}, "Deux", "2"))
def no_digits(doc: Doc, _: Params) -> Outcome:
    """No digit of any script."""
    digit = _DIGIT.search(doc.text)
    return Outcome(digit is None, f"found {digit[0]!r}" if digit else "no digits")
