"""`language:*`: the language of the response."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from verif.core.rules.registry import Outcome, Params, rule
from verif.core.text import Doc

LANGUAGES = frozenset(
    """af ar bg bn ca cs cy da de el en es et fa fi fr gu he hi hr hu id it ja kn ko lt lv mk ml mr ne nl no pa pl
    pt ro ru sk sl so sq sv sw ta te th tl tr uk ur vi zh-cn zh-tw""".split()  # noqa: SIM905
)


def _known(code: str) -> str:
    if code not in LANGUAGES:
        hint = "; Chinese is zh-cn or zh-tw" if code.startswith("zh") else ""
        raise ValueError(f"{code!r} is none of the {len(LANGUAGES)} languages that can be told apart{hint}")
    return code


class Language(Params):
    """An ISO 639-1 code, as langdetect writes it."""

    language: Annotated[str, Field(max_length=64), AfterValidator(_known)]


@rule(
    "language:response_language",
    Language,
    asks="Answer in the language {language} only.",
    example=(
        {"language": "de"},
        "Das ist ein kurzer Satz auf Deutsch.",
        "This is a short sentence in English.",
    ),
)
def response_language(doc: Doc, params: Language) -> Outcome:
    """The most probable language is the one asked; as upstream, a text without letters follows."""
    recognised = doc.language
    return Outcome(
        recognised in (params.language, None),
        f"language {recognised}, {params.language} asked",
        {"language": recognised},
    )


@rule(
    "language:response_language_fixed",
    Language,
    asks="Answer in the language {language} only.",
    example=(
        {"language": "de"},
        "Das ist ein kurzer Satz auf Deutsch.",
        "This is a short sentence in English.",
    ),
)
def response_language_fixed(doc: Doc, params: Language) -> Outcome:
    """A text without a detectable language does not follow; case is ignored; either Chinese will do for the other."""
    recognised = Doc(doc.lower).language
    same = recognised is not None and recognised.partition("-")[0] == params.language.partition("-")[0]
    return Outcome(same, f"language {recognised}, {params.language} asked", {"language": recognised})
