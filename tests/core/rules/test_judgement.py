"""A judge's own answer is read as the verifier reads its judge's: what cannot be read is never right."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verif.core.judge.verdict import parse
from verif.core.rules import check, get, validate
from verif.core.rules.judgement import said
from verif.core.text import Doc
from verif.errors import JudgeError

PARTS = [
    "</think>", "<think>", '{"verdict":"pass"}', '{"verdict": "fail"}', '{"better":"A"}', "tone yes", " ", "\n", "```", "~~~",
    '{"verdict":"pass","reason":"x"}', '{"verdict":"pass","verdict":"fail"}', '{"verdict":1}', "[", "null", "{",
    '{"verdict":"pass","reason":2}', '{"reason":"x"}',
]  # fmt: skip


@given(st.lists(st.sampled_from(PARTS), max_size=5).map("".join) | st.text(max_size=60))
def test_a_verdict_is_read_as_the_verifier_reads_one(text: str) -> None:
    try:
        expected: str = parse(text).verdict
    except JudgeError:
        expected = ""
    assert said(text, "verdict", ("pass", "fail")) == expected


def right(rule: str, text: str, expected: str) -> bool:
    return check(get(rule), Doc(text), validate(rule, {"expected": expected})).ok


@pytest.mark.parametrize(
    ("text", "letter"),
    [
        ('A fits, B does not</think>{"better":"A"}', "A"),
        ('{"better": "B", "reason": "the tone"}', "B"),
        ('</think>{"better":"tie"}', ""),
        ('{"better":"A"} {"better":"A"}', ""),
        ('{"better":"a"}', ""),
        ('<think>{"better":"A"}', ""),
        ('x</think>y</think>{"better":"A"}', ""),
        ('{"verdict":"pass"}', ""),
        ("", ""),
    ],
)
def test_a_preference_is_right_only_as_the_right_letter(text: str, letter: str) -> None:
    assert [right("judgement:better", text, which) for which in "AB"] == [letter == "A", letter == "B"]


def test_the_evidence_says_what_was_said() -> None:
    outcome = check(
        get("judgement:better"), Doc('{"better":"tie"}'), validate("judgement:better", {"expected": "A"})
    )
    assert outcome.evidence == {"said": "tie"}
    assert "expected A" in outcome.reason
