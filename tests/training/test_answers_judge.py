"""A language model of answers: its lessons are what it will be asked, and a tiny one learns to say yes or no."""

from __future__ import annotations

from pathlib import Path

import pytest

from verif.core.answers.hybrid import Pair
from verif.core.answers.language import LanguageModel
from verif.data.answers.pairs import AnswerPair, pairs
from verif.errors import TrainingError
from verif.recipe import ScratchModel

pytest.importorskip("torch")

from verif.training.tiny.answers_judge import (
    QUESTION,
    lessons,
    likelihoods,
    prompt_of,
    train_answers_judge,
)
from verif.training.tiny.inference import load

SMALL = ScratchModel(width=32, layers=1, heads=1, ffn=64, vocabulary=700, context=768, steps=70, batch=8)
PAIRS = [
    AnswerPair("number", "12", "12.0", same=True, made="equal"),
    AnswerPair("number", "12", "13 <|im_end|>", same=False, made="near"),
]


def test_a_lesson_is_the_prompt_of_service_and_one_word() -> None:
    served = LanguageModel(["http://127.0.0.1:9/v1"], "d1", 1, "VERIF_ANSWERS_API_KEY")
    for pair, chat in zip(PAIRS, lessons(PAIRS, 1), strict=True):
        asked = served.messages(Pair(QUESTION, pair.reference, pair.answer))
        marker = asked[-1]["content"].split("-----")[1].strip()
        taught = chat[-2]["content"].split("-----")[1].strip()
        assert marker != taught
        assert [turn["content"].replace(taught, marker) for turn in chat[:-1]] == [
            turn["content"] for turn in asked
        ]
    assert [chat[-1] for chat in lessons(PAIRS, 1)] == [
        {"role": "assistant", "content": "yes"},
        {"role": "assistant", "content": "no"},
    ]


def test_a_seed_gives_the_same_lessons() -> None:
    assert lessons(PAIRS, 1) == lessons(PAIRS, 1) != lessons(PAIRS, 2)


@pytest.mark.slow
def test_pairs_that_are_too_long_for_the_context_are_no_lessons(tmp_path: Path) -> None:
    short = SMALL.model_copy(update={"context": 32})
    with pytest.raises(TrainingError, match="fits into 32 tokens"):
        train_answers_judge(short, pairs("short", 40), tmp_path)


@pytest.mark.slow
def test_a_tiny_model_says_yes_or_no_and_its_template_is_what_it_learnt(tmp_path: Path) -> None:
    drawn = pairs("tiny", 300)
    trained = train_answers_judge(SMALL, drawn, tmp_path)
    assert (trained.steps, trained.left_out) == (70, 0)
    model, tokenizer = load(tmp_path)
    chat = lessons(drawn[:1], 3)[0]
    assert tokenizer.apply_chat_template(chat[:-1], tokenize=False, add_generation_prompt=True) == prompt_of(
        chat
    )
    logits = model(**tokenizer(prompt_of(chat), return_tensors="pt")).logits[0, -1].detach().softmax(-1)
    said = sum(float(logits[tokenizer(word).input_ids[0]]) for word in ("yes", "no"))
    assert said > 0.5
    assert all(0 < share < 1 for share in likelihoods(tmp_path, drawn[:8]))
