"""Multi-IF's rules for other scripts. Expected counts are worked out by hand from its published evaluation code."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verif.core import rules
from verif.core.rules.multilingual import sentences, words
from verif.core.text import Doc

CHINESE = "我昨天去了学校。天气很好！你明天也会来吗？"
JAPANESE = "昨日は学校に行きました。とても楽しかったです。"
HINDI = "मैं कल विद्यालय गया था। मौसम बहुत अच्छा था! क्या तुम कल आओगे?"
KOREAN = "어제 학교에 갔습니다. 날씨가 정말 좋았습니다."


def counted(rule: str, text: str) -> object:
    params = {"relation": "at least", "num_words" if "words" in rule else "num_sentences": 1}
    outcome = rules.check(rules.get(rule), Doc(text), rules.validate(rule, params))
    return outcome.evidence["words" if "words" in rule else "sentences"]


@pytest.mark.parametrize(
    ("text", "plain", "own"),
    [
        (CHINESE, 3, 18),  # IFEval sees three runs of word characters
        (JAPANESE, 2, 21),
        ("我在学校学习 Python 3.12，非常有意思。", 5, 13),  # "3.12" and "，" leave "312" behind: one word
        (KOREAN, 6, 6),  # counted like English, as upstream
        ("Dies ist ein deutscher Satz, mit Komma.", 7, 7),
    ],
)
def test_words(text: str, plain: int, own: int) -> None:
    assert counted("length_constraints:number_words", text) == plain
    assert counted("length_constraints:number_words_multilingual", text) == own


@pytest.mark.parametrize(
    ("text", "own"),
    [
        (CHINESE, 3),
        (JAPANESE, 2),
        (HINDI, 3),
        (
            "这个城市的历史非常悠久\n很多游客都喜欢来这里旅游\n\n春天是最好的季节",
            3,
        ),  # a line's end ends a sentence
        ("मैं कल विद्यालय गया था।\nमौसम बहुत अच्छा था", 2),
        ("圆周率大约是3.14，这是一个无理数。", 2),  # every full stop ends one, in a number too
        ("Dr. No came. He left!", 2),  # Punkt, as IFEval
        (KOREAN, 2),
    ],
)
def test_sentences(text: str, own: int) -> None:
    assert counted("length_constraints:number_sentences_multilingual", text) == own


def test_sentences_of_ifeval_see_one_sentence_where_there_are_three() -> None:
    assert counted("length_constraints:number_sentences", CHINESE) == 1


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("こんにちは、ジェイソンさん、Jason? Nice to meet you☺ ❤", 19),  # the example in upstream's code
        ("你好👍🏽", 3),
        ("你好👨‍👩‍👧", 3),  # a family is one emoji
        ("🇨🇳你好", 3),
        ("你,好,a,b", 3),  # marks leave no space
        ("", 0),
    ],
)
def test_characters_emoji_and_runs_between_spaces_are_words(text: str, count: int) -> None:
    assert words(text) == count


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('"a"', True),
        ("“你好”", True),
        ("「こんにちは」", True),
        ("“你好」", False),
        ("«a»", False),
        ('"', False),
    ],
)
def test_quotation(text: str, expected: bool) -> None:
    rule = "startend:quotation_multilingual"
    assert rules.check(rules.get(rule), Doc(text), rules.validate(rule, {})).ok is expected


@given(st.text())
def test_any_text_has_a_number_of_words_and_sentences(text: str) -> None:
    assert 0 <= words(text) <= len(text)
    assert 0 <= sentences(Doc(text)) <= len(text) + 1


@given(st.text(alphabet="ab ,.\n\"'é", min_size=1))
def test_text_in_latin_letters_is_counted_as_ifeval_does(text: str) -> None:
    doc = Doc(text)
    if doc.language not in ("hi", "zh-cn", "zh-tw", "ja"):
        assert sentences(doc) == len(doc.sentences)
