"""`startend:*` and `punctuation:*`: the last phrase, quotation marks around everything, no commas."""

from __future__ import annotations

from verif.core.rules import forgiving
from verif.core.rules.params import Phrase
from verif.core.rules.registry import Outcome, Params, rule
from verif.core.text import Doc

_AFTER = "\"'*_`”’»" + forgiving.BLANKS
_COMMAS = ",，、،﹐﹑"


class EndPhrase(Params):
    """The phrase a response must end with."""

    end_phrase: Phrase


@rule(
    "startend:end_checker",
    EndPhrase,
    asks="End with this phrase: {end_phrase}",
    example=({"end_phrase": "The end."}, "It burnt. the end.", "The end. It burnt."),
)
def end_checker(doc: Doc, params: EndPhrase) -> Outcome:
    """The response, without white space and double quotes around it, ends with the phrase in any case."""
    ending = doc.text.strip().strip('"').lower()
    ok = ending.endswith(params.end_phrase.lower())
    return Outcome(ok, f"ends with {ending[-60:]!r}", {})


@rule(
    "startend:end_checker_fixed",
    EndPhrase,
    version=2,
    asks="End with this phrase: {end_phrase}",
    example=({"end_phrase": "The end."}, "It burnt. **The end.**", "The end. It burnt."),
)
def end_checker_fixed(doc: Doc, params: EndPhrase) -> Outcome:
    """As above; closing quotes of any kind and Markdown emphasis after the phrase are forgiven."""
    ending = forgiving.even(doc.text.rstrip(_AFTER))
    ok = ending.endswith(forgiving.even(params.end_phrase.rstrip(_AFTER)))
    return Outcome(ok, f"ends with {ending[-60:]!r}", {})


@rule(
    "startend:quotation",
    asks="Put everything in double quotation marks.",
    example=({}, '"It rains."', "It rains."),
)
def quotation(doc: Doc, _: Params) -> Outcome:
    """The first and the last character, white space aside, are `"`."""
    text = doc.text.strip()
    ok = len(text) > 1 and text[0] == '"' == text[-1]
    return Outcome(
        ok, "wrapped in double quotes" if ok else f"starts with {text[:1]!r}, ends with {text[-1:]!r}", {}
    )


@rule(
    "startend:quotation_fixed",
    version=2,
    asks="Put everything in double quotation marks.",
    example=({}, "“It rains.”", "“It rains."),
)
def quotation_fixed(doc: Doc, _: Params) -> Outcome:
    """Typographic and other double quotation marks count too."""
    text = doc.text.strip(forgiving.BLANKS)
    ok = len(text) > 1 and f"{text[0]}{text[-1]}" in ('""', "“”", "„“", "„”", "«»", "「」", "『』", "””")
    return Outcome(
        ok, "wrapped in double quotes" if ok else f"starts with {text[:1]!r}, ends with {text[-1:]!r}", {}
    )


@rule("punctuation:no_comma", asks="Do not use any comma.", example=({}, "Bread and salt", "Bread, salt"))
def no_comma(doc: Doc, _: Params) -> Outcome:
    """No ASCII comma."""
    count = doc.text.count(",")
    return Outcome(count == 0, f"{count} commas", {"commas": count})


@rule("punctuation:no_comma_fixed", asks="Do not use any comma.", example=({}, "Bread and salt", "面包、盐"))
def no_comma_fixed(doc: Doc, _: Params) -> Outcome:
    """No comma of any script: full-width, ideographic and Arabic ones count too."""
    count = sum(doc.text.count(comma) for comma in _COMMAS)
    return Outcome(count == 0, f"{count} commas", {"commas": count})
