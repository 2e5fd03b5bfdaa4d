"""M-IFEval's Japanese types of IFEval's kinds: words, sentences, sections, lists, quotations.

Upstream takes janome's words, for which it needs a dictionary of 50 MB. A keyword stands for itself here where it is not
part of a longer run of katakana, Latin letters or digits, nor, if it is a single kanji, of kanji.
"""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import Field

from verif.core.rules.expressions import compiled
from verif.core.rules.language import Language
from verif.core.rules.language import response_language as in_this_language
from verif.core.rules.length import FirstWord
from verif.core.rules.literal import Forbidden, Keywords
from verif.core.rules.mifeval.shared import Japanese, Sentences, counted
from verif.core.rules.params import Count, Phrase
from verif.core.rules.registry import Outcome, Params, rule
from verif.core.text import Doc

_QUOTED = re.compile(r"「[^「」]*」|\([^()]*\)")
_MARK = re.compile("[。!?]")
_NORMAL = str.maketrans("！？（）｡", "!?()。")
_KATAKANA = "\u30a1-\u30fa\u30fc"
_KANJI = "\u4e00-\u9fff々"


class Frequency(Params):
    """One keyword, taken literally, a relation and a number of occurrences."""

    keyword: Phrase
    frequency: Count
    relation: Japanese


class Letters(Params):
    """A number of characters."""

    num_letters: Count
    relation: Japanese


class Letter(Params):
    """A hiragana, a relation and a number of occurrences."""

    letter: Annotated[str, Field(pattern="^[\u3041-\u3093]$", max_length=1)]
    let_frequency: Count
    let_relation: Japanese


def sentences(text: str) -> int:
    """Sentences as ja_sentence_segmenter 0.0.2 cuts them: at the ends of lines and at marks outside brackets.

    A line that ends with の goes on in the next one.
    """
    lines: list[str] = []
    parts: list[str] = []
    for line in text.translate(_NORMAL).strip().splitlines():
        parts.append(line)
        if not (line.endswith("の") and len(line) > 1):
            lines.append("".join(parts))
            parts = []
    lines.append("".join(parts))
    count = 0
    for line in filter(None, lines):
        outside = _QUOTED.sub("_", line)
        count += len(_MARK.findall(outside)) + (not _MARK.match(outside[-1]))
    return count


def times(text: str, keyword: str) -> int:
    """Occurrences of a keyword that are not part of a longer run of its own script; for kanji, of a single one only."""
    pattern = re.escape(keyword)
    kinds = (_KATAKANA, "A-Za-z", "0-9", *([_KANJI] if len(keyword) == 1 else []))
    for kind in kinds:
        if re.match(f"[{kind}]", keyword):
            pattern = f"(?<![{kind}]){pattern}"
        if re.match(f"[{kind}]", keyword[-1]):
            pattern = f"{pattern}(?![{kind}])"
    return sum(1 for _ in compiled(pattern, False).finditer(text))


@rule("ja:keywords:existence", Keywords, asks="{keywords}という言葉を使ってください。",
      example=({"keywords": ["海"]}, "海は青い。", "空は青い。"))  # fmt: skip
def existence(doc: Doc, params: Keywords) -> Outcome:
    """Every keyword occurs as a word (see `times`); upstream asks janome, for which some keywords are several words."""
    missing = [word for word in params.keywords if not times(doc.text, word)]
    return Outcome(
        not missing, f"missing: {', '.join(missing)}" if missing else "all keywords", {"missing": missing}
    )


@rule("ja:keywords:frequency", Frequency, asks="{keyword}という言葉を{frequency}回{relation}使ってください。",
      example=({"keyword": "海", "frequency": 2, "relation": "以上"}, "海と海。", "海と空。"))  # fmt: skip
def frequency(doc: Doc, params: Frequency) -> Outcome:
    """How often the keyword occurs as a word, see `ja:keywords:existence`."""
    return counted(
        times(doc.text, params.keyword), f"times {params.keyword}", params.relation, params.frequency
    )


@rule("ja:keywords:forbidden_words", Forbidden, asks="{forbidden_words}という言葉を使わないでください。",
      example=({"forbidden_words": ["ラテ"]}, "ラテン語です。", "ラテです。"))  # fmt: skip
def forbidden_words(doc: Doc, params: Forbidden) -> Outcome:
    """None of the words occurs as a word, see `ja:keywords:existence`."""
    used = [word for word in params.forbidden_words if times(doc.text, word)]
    return Outcome(not used, f"used: {', '.join(used)}" if used else "none used", {"used": used})


@rule("ja:keywords:letter_frequency", Letter, asks="「{letter}」という文字を{let_frequency}回{let_relation}使ってください。",
      example=({"letter": "し", "let_frequency": 2, "let_relation": "以上"}, "しかとシマ", "しかとウマ"))  # fmt: skip
def letter_frequency(doc: Doc, params: Letter) -> Outcome:
    """The hiragana and the katakana of the same sound together."""
    count = doc.text.count(params.letter) + doc.text.count(chr(ord(params.letter) + 96))
    return counted(count, "times", params.let_relation, params.let_frequency)


@rule("ja:length_constraints:number_letters", Letters, asks="{num_letters}文字{relation}で答えてください。",
      example=({"num_letters": 4, "relation": "未満"}, "海だ。", "海です。"))  # fmt: skip
def number_letters(doc: Doc, params: Letters) -> Outcome:
    """All characters count: marks, blanks and ends of lines, too."""
    return counted(len(doc.text), "characters", params.relation, params.num_letters)


@rule("ja:length_constraints:number_sentences", Sentences[Japanese], asks="{num_sentences}文{relation}で答えてください。",
      example=({"num_sentences": 2, "relation": "以上"}, "海だ。青い。", "海だ「青い。」"))  # fmt: skip
def number_sentences(doc: Doc, params: Sentences[Japanese]) -> Outcome:
    """Marks 。！？ outside 「」 and round brackets, and the ends of lines, end a sentence; a line that ends in の does not."""
    return counted(sentences(doc.text), "sentences", params.relation, params.num_sentences)


@rule(
    "ja:length_constraints:nth_paragraph_first_word",
    FirstWord,
    asks="空行で区切った{num_paragraphs}個の段落を書き、{nth_paragraph}段落目を{first_word}で始めてください。",
    example=(
        {"num_paragraphs": 2, "nth_paragraph": 2, "first_word": "海"},
        "空だ。\n\n「海だ。」",
        "海だ。\n\n空だ。",
    ),
)
def nth_paragraph_first_word(doc: Doc, params: FirstWord) -> Outcome:
    """The number of paragraphs is exact and the n-th starts with the text, an opening bracket aside."""
    pieces = [piece.strip() for piece in doc.paragraphs]
    count = sum(map(bool, pieces))
    begins = (
        pieces[params.nth_paragraph - 1].lstrip("「").lstrip("『") if params.nth_paragraph <= count else ""
    )
    ok = count == params.num_paragraphs and begins.startswith(params.first_word.lower())
    return Outcome(ok, f"{count} paragraphs, paragraph {params.nth_paragraph} starts {begins[:20]!r}")


@rule("ja:language:response_language", Language, asks="{language}という言語だけで答えてください。",
      example=({"language": "de"}, "Das ist ein kurzer Satz auf Deutsch.", "これは短い文です。"))  # fmt: skip
def response_language(doc: Doc, params: Language) -> Outcome:
    """As `language:response_language`: the most probable one; a text without letters follows."""
    return in_this_language(doc, params)
