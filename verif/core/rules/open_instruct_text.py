"""`open-instruct:*`, the functions of RLVR-IFeval that count nothing; see `verif.core.rules.open_instruct`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from verif.core.rules.expressions import LONGEST
from verif.core.rules.formatting import parses
from verif.core.rules.open_instruct import PREFIX, enclosed
from verif.core.rules.params import LONG, Text, Texts
from verif.core.rules.registry import NoParams, Outcome, Params, rule
from verif.core.text import Doc


class PlainKeywords(Params):
    """Texts that must occur."""

    keyword_list: Texts


class ForbiddenWords(Params):
    """Texts that must not occur."""

    forbidden_words: Texts


class LanguageCode(Params):
    """A language by its code."""

    language: Text


class PostscriptMarker(Params):
    """How a postscript starts."""

    postscript_marker: Text


class ChoiceOptions(Params):
    """Answers to choose from."""

    options: Texts


class OriginalPrompt(Params):
    """What must be repeated first."""

    original_prompt: Annotated[str, Field(min_length=1, max_length=LONG)]


class ClosingPhrase(Params):
    """How a response ends."""

    end_phrase: Annotated[str, Field(min_length=1, max_length=LONGEST)]


@rule(
    f"{PREFIX}verify_keywords",
    PlainKeywords,
    asks="Include the keywords {keyword_list} in your response.",
    example=({"keyword_list": ["boat", "sea"]}, "boats at seaside", "a boat"),
)
def keywords(doc: Doc, params: PlainKeywords) -> Outcome:
    """Every keyword occurs, also inside words, in any case."""
    missing = [word for word in params.keyword_list if word.lower() not in doc.lower]
    return Outcome(
        not missing, f"missing: {', '.join(missing)}" if missing else "all occur", {"missing": missing}
    )


@rule(
    f"{PREFIX}validate_forbidden_words",
    ForbiddenWords,
    asks="Do not use the keywords {forbidden_words} in your response.",
    example=({"forbidden_words": ["art"]}, "a boat", "a start"),
)
def forbidden_words(doc: Doc, params: ForbiddenWords) -> Outcome:
    """No forbidden word occurs, not even inside a word."""
    present = [word for word in params.forbidden_words if word.lower() in doc.lower]
    return Outcome(
        not present, f"found: {', '.join(present)}" if present else "none occurs", {"found": present}
    )


@rule(
    f"{PREFIX}validate_response_language",
    LanguageCode,
    asks="Write all of your response in the language {language}.",
    example=({"language": "en"}, "The boats lie in the harbour.", "Die Boote liegen im Hafen."),
)
def response_language(doc: Doc, params: LanguageCode) -> Outcome:
    """The response is in the language."""
    present = doc.language
    return Outcome(
        present == params.language, f"language {present}, {params.language} asked", {"language": present}
    )


@rule(
    f"{PREFIX}verify_postscript",
    PostscriptMarker,
    asks="Add a postscript at the end that starts with {postscript_marker}",
    example=({"postscript_marker": "P.S."}, "Hi. P.S. Bye.", "Hi. P.S."),
)
def postscript(doc: Doc, params: PostscriptMarker) -> Outcome:
    """The marker occurs, and something follows it."""
    place = doc.text.find(params.postscript_marker)
    ok = place >= 0 and len(doc.text[place:].strip()) > len(params.postscript_marker)
    return Outcome(ok, "postscript" if ok else "no postscript", {})


@rule(
    f"{PREFIX}validate_title",
    asks="Give a title in double angular brackets, such as <<harbour>>.",
    example=({}, "<<a>>", "<<a>"),
)
def title(doc: Doc, _: NoParams) -> Outcome:
    """Something stands between `<<` and `>>` in one line."""
    ok = enclosed(doc.text, "<<", ">>") > 0
    return Outcome(ok, "a title" if ok else "no <<title>>", {})


@rule(
    f"{PREFIX}validate_choice",
    ChoiceOptions,
    asks="Answer with one of these options: {options}",
    example=({"options": ["yes", "no"]}, "I say yes", "I say maybe"),
)
def choice(doc: Doc, params: ChoiceOptions) -> Outcome:
    """One of the options occurs, also inside a word."""
    ok = any(option in doc.text for option in params.options)
    return Outcome(ok, "holds an option" if ok else "holds none of the options", {})


@rule(
    f"{PREFIX}validate_json_format",
    asks="Write all of your response as JSON.",
    example=({}, '{"a": 1}', '{"a": 1'),
)
def json_format(doc: Doc, _: NoParams) -> Outcome:
    """The whole response is JSON."""
    return parses(doc.text)


@rule(
    f"{PREFIX}validate_repeat_prompt",
    OriginalPrompt,
    asks="First repeat this request word for word, then answer: {original_prompt}",
    example=({"original_prompt": "Say it."}, "Say it. Done.", "say it. Done."),
)
def repeat_prompt(doc: Doc, params: OriginalPrompt) -> Outcome:
    """The response starts with the prompt, letter by letter."""
    ok = doc.text.startswith(params.original_prompt)
    return Outcome(ok, "starts with the prompt" if ok else "does not start with the prompt", {})


@rule(
    f"{PREFIX}validate_two_responses",
    asks="Give two different responses with six asterisks ****** between them.",
    example=({}, "a ****** b", "a ****** a"),
)
def two_responses(doc: Doc, _: NoParams) -> Outcome:
    """Two pieces that differ, with six asterisks between them once."""
    pieces = [piece.strip() for piece in doc.text.split("******")]
    ok = doc.text.count("******") == 1 and pieces[0] != pieces[1]
    return Outcome(ok, f"{len(pieces)} responses", {"count": len(pieces)})


@rule(f"{PREFIX}validate_uppercase", asks="Use capital letters only.", example=({}, "A BOAT", "A BOAt"))
def uppercase(doc: Doc, _: NoParams) -> Outcome:
    """Nothing changes in upper case."""
    ok = doc.text == doc.text.upper()
    return Outcome(ok, "upper case" if ok else "holds lower case", {})


@rule(f"{PREFIX}validate_lowercase", asks="Use small letters only.", example=({}, "a boat", "A boat"))
def lowercase(doc: Doc, _: NoParams) -> Outcome:
    """Nothing changes in lower case."""
    ok = doc.text == doc.lower
    return Outcome(ok, "lower case" if ok else "holds upper case", {})


@rule(
    f"{PREFIX}validate_end",
    ClosingPhrase,
    asks="End your response with exactly: {end_phrase}",
    example=({"end_phrase": "Done."}, "All Done.", "All Done"),
)
def end(doc: Doc, params: ClosingPhrase) -> Outcome:
    """The response ends with the phrase, letter by letter."""
    ok = doc.text.endswith(params.end_phrase)
    return Outcome(ok, f"ends with {doc.text[-60:]!r}", {})


@rule(
    f"{PREFIX}validate_quotation",
    asks="Put all of your response into double quotation marks.",
    example=({}, '"a"', '"a'),
)
def quotation(doc: Doc, _: NoParams) -> Outcome:
    """The first and the last character are `"`."""
    ok = doc.text.startswith('"') and doc.text.endswith('"')
    return Outcome(ok, "in double quotes" if ok else "not in double quotes", {})


@rule(f"{PREFIX}validate_no_commas", asks="Use no commas.", example=({}, "a b", "a, b"))
def no_commas(doc: Doc, _: NoParams) -> Outcome:
    """No ASCII comma."""
    count = doc.text.count(",")
    return Outcome(count == 0, f"{count} commas", {"commas": count})
