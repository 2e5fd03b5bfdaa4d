"""Where the final answer of a response stands, and what is none."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verif.core.answers.final import LONGEST, final_answer


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("42", "42"),
        ("We add. \\boxed{42}", "42"),
        ("\\boxed{41}\n\nNo: \\boxed{42}.", "42"),
        ("\\boxed{ \\frac{1}{2} }", "\\frac{1}{2}"),
        ("\\boxed{\\{1, 2\\}}", "\\{1, 2\\}"),
        ("\\fbox{7}", "7"),
        ("\\boxed{x=\\boxed{3}}", "x=\\boxed{3}"),
        ("The answer is 42.", "42"),
        ("The answer is 3.5. This follows from the first line.", "3.5"),
        ("The final answer is:\n\n**42**", "42"),
        ("Answer: (B)", "(B)"),
        ("...so it is\n#### 1,234", "1,234"),
        ("ANSWER = 7", "7"),
        ("所以答案是 12。", "12"),
        ("The answer is 1. Wait.\nThe answer is 2", "2"),
        ("We think about it.\n\n`blue`", "blue"),
        ("```\n5\n```", "5"),
    ],
)
def test_it_is_found(text: str, answer: str) -> None:
    final = final_answer(text)
    assert (final.text, final.why) == (answer, "")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("\\boxed{6} or \\boxed{7}", "gives several answers"),
        ("first \\boxed{1}\nthen \\boxed{6}, \\boxed{7}", "gives several answers"),
        ("\\boxed{6 \\text{ or } \\boxed{5}}", "gives several answers"),
        ("\\boxed{6 \\boxed{5}}", "gives several answers"),
        ("\\boxed{\\frac{1}{2}", "has a box that does not end"),
        ("   \n ", "has no final answer"),
        ("The answer is", "has no final answer"),
        ("x" * (LONGEST + 1), "has no final answer of at most 2,000 characters"),
    ],
)
def test_there_is_none(text: str, why: str) -> None:
    assert final_answer(text).why == why


def test_two_boxes_that_agree_are_one_answer() -> None:
    assert final_answer("\\boxed{ 6 } that is \\boxed{6}").text == "6"


@given(st.text(alphabet="\\boxed{}answer is:#42\n *.", max_size=300))
def test_any_text_has_a_final_answer_or_a_reason(text: str) -> None:
    final = final_answer(text)
    assert bool(final.text) != bool(final.why)
    assert len(final.text) <= LONGEST


@pytest.mark.parametrize(
    "unit", ["\\boxed{", "\\boxed{1}", "answer is ", "{", "}", "\\", "**", "#### ", "answer\t\t\t", "\n"]
)
def test_the_time_grows_with_the_length_only(unit: str) -> None:
    took = []
    for size in (40_000, 160_000):
        text = unit * (size // len(unit))
        start = time.process_time()
        final_answer(text)
        took.append(time.process_time() - start)
    assert took[1] < 10 * max(took[0], 0.01)
