"""Expressions: what is equal, what a hostile one costs, and the public answers that rules miss."""

from __future__ import annotations

import json
import time
from pathlib import Path
from statistics import median

import pytest

from verif.core.answers.maths import Worker, same

BOMBS = [
    "9^{9^{9^{9}}}", "100!!!!", "\\int_0^{100} x^{x^{x}} dx", "2^{2^{2^{2^{2^{2}}}}}", "\\prod_{n=1}^{10^9} n",
    "\\sum_{n=1}^{10^{12}} \\frac{1}{n^n}", "(" * 39 + "x" + ")" * 39, "{" * 500, "\\frac{" * 200, "1" * 900 + "^9",
    "\\sqrt" * 150, "x" * 5000, "\\begin{pmatrix}" * 30, "^" * 400, "\\text{" * 100, "__import__('os').system('id')",
    "\\mathrm{exec}(1)", "\ud800", "\\boxed{\\boxed{1}}", "!" * 800 + "1", "1" + "!" * 200,
]  # fmt: skip


@pytest.fixture(scope="module")
def worker():
    worker = Worker()
    yield worker
    worker.close()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("reference", "answer"),
    [
        ("$\\frac{1}{2}$", "0.5"), ("x+1", "1+x"), ("\\sqrt{2}", "2^{1/2}"), ("(1, 2)", "\\left(1,2\\right)"),
        ("\\{1,2\\}", "\\{2,1\\}"), ("x=2", "2"), ("(3,4]", "3 < \\lambda \\leq 4"), ("a \\leqslant 2", "(-\\infty, 2]"),
        ("16,3", "w=16, d=3"), ("\\frac{600}{7}", "85.71"), ("\\{x|-1<x<1\\}", "(-1,1)"), ("1{,}000", "1{,}000"),
        ("3/2", "1 1/2"), ("12000", "12 000"), ("12000", "12\\,000"), ("x=1,y=2", "y = 2, x = 1"), ("6", "x = 2 + 4 = 6"),
        ("2x", "2 x"), ("0.333", "x = 1/3 = 0.333"), ("\\frac{\\pi}{4}", "45^\\circ"), ("120°", "x = \\frac{2\\pi}{3}"),
        ("8.14", "\\frac{57}{7}\\text{ grams}"), ("$8.14", "57/7"), ("\\{1, x, y\\}", "y, 1, x"),
        ("1234567", "N = 1,234,567"), ("The sum is always even.", "$The sum is always even$"),
    ],
)  # fmt: skip
def test_equal(worker: Worker, reference: str, answer: str) -> None:
    assert same(reference, answer, worker) is True


@pytest.mark.slow
@pytest.mark.parametrize(
    ("reference", "answer"),
    [("x+1", "x-1"), ("2", "3"), ("(1,2)", "(2,1)"), ("(3,4]", "(3,4)"), ("2x", "2"), ("2x", "2y"), ("(1,3)", "(3,1)"),
     ("\\frac{1}{2}", "\\frac{1}{3}"),
     ("6", "6 \\text{ or } 7"), ("7", "6, 7"), ("x", ""), ("0.5", "0.49"), ("85.7", "\\frac{601}{7}"),
     ("11/2", "1 1/2"), ("23", "2 3"), ("x=1,y=2", "y=1,x=2"), ("6", "5 = 6"), ("6", "x = 5 = 6"), ("6", "6} or 5 {"),
     ("6", "6} or 5"), ("6", "\\}6} {5"), ("5", "5!"), ("\\frac{\\pi}{4}", "40^\\circ"),
     ("8.14 \\text{ grams}", "\\frac{57}{7}\\text{ days}"),
     ("8.14", "\\frac{57}{7}x"),
     ("30 \\text{ tickets}, 20 \\text{ roses}", "30 \\text{ tickets}, 25 \\text{ pens}"), ("1,2,4", "1,2,3"),
     ("n=5", "n+1 / 383 / n=5"), ("x^2+1", "3 or 4 or 5 or x^2+1"),
     ("5", "5 \\text{ is not the answer}"), ("5", "\\not= 5"), ("5", "6 \\(5\\)"), ("5", "x=6 y=5"), ("5", "5 or maybe six"),
     ("The function $f(x+1)$ is odd.", "The function $f(x+1)$ is even.")],
)  # fmt: skip
def test_different(worker: Worker, reference: str, answer: str) -> None:
    assert same(reference, answer, worker) is not True


def test_equal_texts_and_numbers_start_no_process() -> None:
    worker = Worker()
    assert same("\\frac{1}{2}", "\\dfrac{1}{2}", worker) is True
    assert same("0.5", "1/2", worker) is True
    assert same("3", "4", worker) is False
    assert worker._process is None


@pytest.mark.slow
def test_a_bomb_is_the_policys_fail_and_its_neighbours_are_untouched(worker: Worker) -> None:
    for bomb in BOMBS:
        assert same("x^2+1", bomb, worker) is not True, bomb
        assert same("x+1", "1+x", worker) is True, f"after {bomb[:40]}"


def test_no_code_is_made_of_an_answer(worker: Worker, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    for text in (
        f"open('{mark}','w')",
        f"\\text{{__import__('os').system('touch {mark}')}}",
        f"0.{'1'}if open('{mark}','w') else 0",
        f"x_{{__import__('pathlib').Path('{mark}').touch()}}",
    ):
        assert same("1", text, worker) is not True
    assert not mark.exists()


@pytest.mark.slow
def test_rules_miss_fewer_of_the_public_answers_than_the_library_alone(
    worker: Worker, reference_data: Path
) -> None:
    """HardVerify-Math (`uw-nsl/TinyV`): right answers that rules miss, and wrong ones. The library alone: 0.61, 0.012."""
    path = reference_data / "answers" / "HardVerify-Math.json"
    if not path.is_file():
        pytest.skip("no HardVerify-Math.json")
    rows = json.loads(path.read_text())
    cheap = [row for row in rows if len(row["ground_truth"]) < 40][:60]  # the whole of it: make bench-answers
    right = sum(same(row["ground_truth"], row["fn_output"], worker) is True for row in cheap)
    wrong = sum(same(row["ground_truth"], row["tn_output"], worker) is True for row in cheap)
    assert right / len(cheap) >= 0.6
    assert wrong <= 1


def test_what_needs_no_process_is_quick(worker: Worker) -> None:
    took = []
    for number in range(200):
        start = time.perf_counter()
        same(f"\\frac{{{number}}}{{7}}", f"\\dfrac{{{number}}}{{7}}", worker)
        took.append(time.perf_counter() - start)
    assert median(took) < 0.002
