"""M-IFEval's Japanese types about scripts and endings: kanji, kana, numerals, the ends of sentences."""

from __future__ import annotations

import re
import unicodedata

from verif.core.rules.mifeval.shared import Japanese, counted
from verif.core.rules.params import Count, Phrase
from verif.core.rules.registry import Outcome, Params, rule
from verif.core.text import Doc

_KANJI = re.compile("[\u4e00-\u9faf]")
_KANJI_RUN = re.compile("[\u4e00-\u9faf]++(?:（([ぁ-ん]+)）)?")
_HIRAGANA = re.compile("[\u3041-\u3096]")
_KATAKANA = re.compile("[\u30a1-\u30faｦ-ﾟ]")
_DIGIT = re.compile(r"\d")
_END = re.compile("[。！？]")
_NOUN_END = re.compile("[\u4e00-\u9faf々\u30a1-\u30faーA-Za-z0-9％%][。！？]")


class Kanji(Params):
    """A number of kanji."""

    kanji_limit: Count
    relation: Japanese


class Ending(Params):
    """How every sentence must end."""

    ending: Phrase


class Times(Params):
    """A number of occurrences."""

    count: Count


def unquoted(text: str) -> str:
    """The text without what stands between 「 and the next 」, then between 『 and the next 』, within lines."""
    for begin, end in ("「」", "『』"):
        text = "\n".join(_cut(line, begin, end) for line in text.split("\n"))
    return text


def _cut(line: str, begin: str, end: str) -> str:
    kept, at = [], 0
    while (start := line.find(begin, at)) >= 0 and (stop := line.find(end, start)) >= 0:
        kept.append(line[at:start])
        at = stop + 1
    return "".join([*kept, line[at:]])


@rule("ja:letters:kanji", Kanji, asks="漢字を{kanji_limit}文字{relation}使ってください。",
      example=({"kanji_limit": 3, "relation": "未満"}, "青い海", "青い大海"))  # fmt: skip
def kanji(doc: Doc, params: Kanji) -> Outcome:
    """Characters from U+4E00 to U+9FAF; 々 is none."""
    return counted(len(_KANJI.findall(doc.text)), "kanji", params.relation, params.kanji_limit)


@rule("ja:letters:furigana", asks="すべての漢字に、全角の括弧（）でふりがなを付けてください。",
      example=({}, "海（うみ）と空（そら）", "海（うみ）と空"))  # fmt: skip
def furigana(doc: Doc, _: Params) -> Outcome:
    """Each run of kanji is followed by hiragana in full-width round brackets. A text without kanji follows."""
    runs = _KANJI_RUN.findall(doc.text)
    bare = sum(not reading for reading in runs)
    return Outcome(bare == 0, f"{bare} of {len(runs)} runs of kanji without furigana", {"without": bare})


@rule("ja:letters:no_hiragana", asks="ひらがなを使わないでください。", example=({}, "海、空", "海と空"))
def no_hiragana(doc: Doc, _: Params) -> Outcome:
    """No hiragana."""
    letter = _HIRAGANA.search(doc.text)
    return Outcome(letter is None, f"found {letter[0]}" if letter else "no hiragana")


@rule("ja:letters:no_katakana", asks="カタカナを使わないでください。", example=({}, "海です", "ウミです"))
def no_katakana(doc: Doc, _: Params) -> Outcome:
    """No katakana of either width; the long vowel mark ー alone is none."""
    letter = _KATAKANA.search(doc.text)
    return Outcome(letter is None, f"found {letter[0]}" if letter else "no katakana")


def _only(doc: Doc, allowed: frozenset[str], what: str) -> Outcome:
    others = sorted(c for c in set(doc.text) - allowed if unicodedata.category(c).startswith("L"))
    return Outcome(not others, f"other letters: {' '.join(others[:10])}" if others else f"{what} only")


_HIRAGANA_SET = frozenset(map(chr, range(ord("ぁ"), ord("ん") + 1))) | {"ー"}
_KATAKANA_SET = frozenset(map(chr, range(ord("ァ"), ord("ン") + 1))) | {"ー", "・"}
_KATAKANA_SET |= frozenset(map(chr, range(ord("ｦ"), ord("ﾟ") + 1)))


@rule(
    "ja:letters:hiragana_only", asks="ひらがなだけで答えてください。", example=({}, "うみです。", "海です。")
)
def hiragana_only(doc: Doc, _: Params) -> Outcome:
    """All letters are hiragana or ー; digits, marks and white space are let off."""
    return _only(doc, _HIRAGANA_SET, "hiragana")


@rule(
    "ja:letters:katakana_only",
    asks="カタカナだけで答えてください。",
    example=({}, "ウミデス。", "ウミです。"),
)
def katakana_only(doc: Doc, _: Params) -> Outcome:
    """All letters are katakana of either width; digits, marks and white space are let off."""
    return _only(doc, _KATAKANA_SET, "katakana")


@rule("ja:letters:kansuuji", asks="数はすべて漢数字で書いてください。", example=({}, "海が三つ", "海が3つ"))
def kansuuji(doc: Doc, _: Params) -> Outcome:
    """No digit of any script."""
    digit = _DIGIT.search(doc.text)
    return Outcome(digit is None, f"found {digit[0]}" if digit else "no digits")


@rule("ja:startend:sentence_unified_end", Ending, asks="すべての文を「{ending}」で終えてください。",
      example=({"ending": "です"}, "海です。「はい。」空です。", "海です。空だ。"))  # fmt: skip
def sentence_unified_end(doc: Doc, params: Ending) -> Outcome:
    """What stands before each 。, ！ or ？, and at the end, ends so; quotations are taken out first.

    A line's end after the last mark is a sentence of its own, as upstream, and fails.
    """
    parts = [part for part in _END.split(unquoted(doc.text)) if part]
    wrong = [part for part in parts if not part.endswith(params.ending)]
    return Outcome(
        not wrong, f"{len(wrong)} of {len(parts)} sentences end otherwise", {"otherwise": len(wrong)}
    )


@rule("ja:detectable_format:nominal_ending", Times, asks="体言止めを{count}回以上使ってください。",
      example=({"count": 1}, "青い海。", "海は青い。"))  # fmt: skip
def nominal_ending(doc: Doc, params: Times) -> Outcome:
    """Sentences that end with a noun, so many or more.

    Upstream asks janome for the word before the mark; here it is one if its last character is no hiragana.
    """
    count = len(_NOUN_END.findall(unquoted(doc.text)))
    return Outcome(count >= params.count, f"{count} sentences end with a noun, at least {params.count} asked")
