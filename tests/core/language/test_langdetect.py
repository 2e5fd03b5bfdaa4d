"""Language identification agrees with langdetect wherever seeded runs of langdetect agree with each other."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from verif.core import language

SEEDS = range(5)


def langdetect_answers(text: str) -> set[str | None]:
    from langdetect import detector_factory
    from langdetect.lang_detect_exception import LangDetectException

    detector_factory.init_factory()
    found: set[str | None] = set()
    for seed in SEEDS:
        detector = detector_factory._factory.create()
        detector.seed = seed
        detector.append(text)
        try:
            found.add(detector.detect())
        except LangDetectException:
            found.add(None)
    return found


def compare(texts: list[str]) -> tuple[int, int]:
    """(texts on which langdetect is stable, disagreements among them)."""
    stable = [(text, answers.pop()) for text in texts if len(answers := langdetect_answers(text)) == 1]
    return len(stable), sum(language.detect(text) != answer for text, answer in stable)


@pytest.mark.slow
def test_agreement_on_texts_of_our_own() -> None:
    texts = [
        "The quick brown fox jumps over the lazy dog.",
        "Dies ist ein Satz, der ganz offensichtlich auf Deutsch geschrieben ist.",
        "Ceci est une phrase qui est écrite en français, sans aucun doute.",
        "Это предложение написано на русском языке.",
        "これは日本語で書かれた文章です。",
        "这句话是用中文写的，没有任何疑问。",
        "이 문장은 한국어로 쓰여졌습니다.",
        "ಇದು ಕನ್ನಡದಲ್ಲಿ ಬರೆದ ವಾಕ್ಯ.",
        "यह वाक्य हिन्दी में लिखा गया है।",
        "Đây là một câu được viết bằng tiếng Việt.",
        "Đây là một câu được viết bằng tiếng Việt.",
        "See https://example.com/und/der/die/das or mail hans@example.de, the rest is English.",
        "Привет everyone, это смешанный текст с английскими words.",
        "1234 5678",
        "",
        "!!!",
        "a\u0301" * 50,
        "\ud800 broken \udfff text that is English all the same",
        "𝒪𝓃𝑒 𝓉𝓌𝑜",
    ]
    stable, wrong = compare(texts)
    assert stable >= 15
    assert wrong == 0


@pytest.mark.slow
def test_agreement_on_the_supplied_responses(reference_data: Path) -> None:
    lines = (reference_data / "ifeval" / "eval_results_strict.jsonl").read_text("utf-8").splitlines()
    texts = [json.loads(line)["response"] for line in lines]
    stable, wrong = compare(
        [*texts[::3], *(text[:60] for text in texts[1::3]), *(text.upper()[:300] for text in texts[2::9])]
    )
    assert stable > 350
    assert wrong == 0


def test_the_same_text_always_gets_the_same_answer() -> None:
    assert len({language.detect("Hello world") for _ in range(20)}) == 1


@pytest.mark.parametrize("text", ["x" * 2_000_000, "a@b " * 300_000, "https://a.b/" * 200_000])
def test_time_does_not_grow_with_the_text(text: str) -> None:
    import time

    started = time.process_time()
    language.detect(text)
    assert time.process_time() - started < 2
