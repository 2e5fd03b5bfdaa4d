"""What the tiny judge learns from: the very prompt it is asked with, and where in it the language breaks."""

from __future__ import annotations

import random

import pytest

from verif.data.world.prepare import judge_pairs
from verif.judge.verdict import parse

pytest.importorskip("torch")

from verif.training import tokenizer as tok
from verif.training.batches import encode
from verif.training.judge_sft import answer, examples, span

PAIRS = judge_pairs(150, random.Random(8))
LESSONS = examples("local", PAIRS, seed=1)


def test_every_answer_is_a_verdict_that_the_strict_parser_reads() -> None:
    for pair in PAIRS:
        assert (parse(answer(pair)).verdict == "pass") == pair.followed


def test_every_lesson_has_a_marker_of_its_own() -> None:
    markers = [question.split("Answer ")[1][:8] for question, _ in LESSONS]
    assert len(set(markers)) == len(PAIRS)
    assert all(question.endswith(f"End {m}.") for (question, _), m in zip(LESSONS, markers, strict=True))


def test_the_break_is_marked_on_the_word_that_the_reason_names() -> None:
    tokenizer = tok.train([tok.chat(q) + a for q, a in LESSONS], 1280, 512)
    spans = [span(question, pair) for (question, _), pair in zip(LESSONS, PAIRS, strict=True)]
    named = 0
    for example, pair in zip(encode(tokenizer, LESSONS, 512, spans), PAIRS, strict=True):
        at = [i for i, flag in enumerate(example.breaks) if flag == 1]
        word = pair.reason.split(", ")[-1].split()[1]
        if pair.slip < 0:
            assert not at
            assert word == "fine"
        else:
            assert len(at) == 1
            shown = tokenizer.decode(example.ids[at[0]]).strip()
            named += word.startswith(shown)
            assert word in ("other", "mark", "end") or word.startswith(shown) or word in shown
    assert named > 10
