"""Where Multi-IF's own code decides otherwise than IFEval's: words, sentences and quotation marks of other scripts.

`*_multilingual` follow the benchmark's published evaluation (He et al., arXiv 2410.15553): the language of the response,
not of the prompt, chooses how it is counted; a text without a detectable language is counted as English. Korean is
counted like English there. Thai, which none of the benchmark's eight languages is, has no rule here: upstream asks a
dictionary for it.
"""

from __future__ import annotations

import re

from verif.core import segment
from verif.core.rules.length import Sentences, Words, counted
from verif.core.rules.registry import Outcome, Params, rule
from verif.core.text import Doc

_IDEOGRAPHIC = frozenset({"zh-cn", "zh-tw", "ja"})
_IDEOGRAPHIC_SENTENCE = re.compile(r"[^!?。.！？．\n]+")
_HINDI_END = re.compile(r"(?<=[।!?])")
_MARKS = re.compile(r"""[\\.!?．/_,{}<>:;$%^&*(+"'—！，。？、`~@#￥…（）：；《》“”()\[\]»〔〕\-「」]+""")
# Chinese, Japanese (kana) and Korean (Hangul) characters: each is a word.
_CHARACTER = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\u3040-\u30ff\uac00-\ud7af]")
# Emoji: a pair of flag letters, a keycap, or a picture with its variants and what is joined to it.
_PICTURE = (
    "[\u00a9\u00ae\u203c\u2049\u2122\u2139\u2194-\u2199\u21a9\u21aa\u231a-\u23ff\u25aa-\u27bf\u2934\u2935\u2b05-\u2b55"
    "\u3030\u303d\u3297\u3299\U0001f000-\U0001f1e5\U0001f200-\U0001faff]"
)
_SHAPE = "[\ufe0f\U0001f3fb-\U0001f3ff]*"
_EMOJI = re.compile(
    f"[\U0001f1e6-\U0001f1ff]{{2}}|[0-9]\ufe0f?\u20e3|{_PICTURE}{_SHAPE}(?:\u200d{_PICTURE}{_SHAPE})*"
)
_QUOTES = (('"', '"'), ("“", "”"), ("「", "」"))


def words(text: str) -> int:
    """Words of a Chinese or Japanese text: characters, emoji, and what stands between white space among them.

    Punctuation is taken out without leaving a space, as upstream does: "a,b" is one word.
    """
    plain = _MARKS.sub("", text)
    plain, emoji = _EMOJI.subn("", plain)
    rest, characters = _CHARACTER.subn(" ", plain)
    return characters + emoji + len(rest.split())


def sentences(doc: Doc) -> int:
    """Sentences of a text in the language it is in."""
    if doc.language in _IDEOGRAPHIC:
        return sum(len(_IDEOGRAPHIC_SENTENCE.findall(line.strip())) for line in doc.text.splitlines())
    if doc.language == "hi":
        return sum(not part.isspace() and part != "" for part in _HINDI_END.split(doc.text))
    return len(doc.sentences)


@rule(
    "length_constraints:number_words_multilingual",
    Words,
    asks="Write {relation} {num_words} words.",
    example=({"num_words": 4, "relation": "at least"}, "今天天气很好。", "The mill turns."),
)
def number_words_multilingual(doc: Doc, params: Words) -> Outcome:
    """Chinese and Japanese characters are words of their own."""
    count = words(doc.text) if doc.language in _IDEOGRAPHIC else len(doc.words)
    return counted(count, "words", params.relation, params.num_words)


@rule(
    "length_constraints:number_sentences_multilingual",
    Sentences,
    version=2,
    flavour=segment.splitter,
    asks="Write {relation} {num_sentences} sentences.",
    example=(
        {"num_sentences": 2, "relation": "at least"},
        "今天天气很好。我们去散步。",
        "今天天气很好，我们去散步。",
    ),
)
def number_sentences_multilingual(doc: Doc, params: Sentences) -> Outcome:
    """Chinese, Japanese and Hindi marks end sentences too; a line's end does in Chinese and Japanese."""
    return counted(sentences(doc), "sentences", params.relation, params.num_sentences)


@rule(
    "startend:quotation_multilingual",
    asks="Put everything in double quotation marks.",
    example=({}, "「下雨了」", "“下雨了」"),
)
def quotation_multilingual(doc: Doc, _: Params) -> Outcome:
    """Straight, curly or corner quotation marks around everything, of one kind."""
    text = doc.text.strip()
    ok = len(text) > 1 and (text[0], text[-1]) in _QUOTES
    return Outcome(ok, "" if ok else "not wrapped in double quotation marks of one kind")
