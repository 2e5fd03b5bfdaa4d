"""What is said of the machine's NVIDIA card before anything long starts: one line, with what to do."""

import pytest

from verif.system.check import failures
from verif.system.gpu import Card, cards, checks

H100 = "NVIDIA H100 80GB HBM3, 81559, 580.159.04\n"


def said(answer: str | None, *, gpus: int = 1, need: float = 10.0, problem: str = "") -> str:
    return failures(checks(gpus, need, lambda: answer, lambda: problem))


def test_a_card_that_is_large_enough_is_named() -> None:
    [check] = checks(1, 24, lambda: H100, lambda: "")
    assert check.ok
    assert check.detail == "NVIDIA H100 80GB HBM3, 80 GiB, driver 580.159.04"


def test_lines_that_are_no_card_are_passed_over() -> None:
    noise = "\nNVIDIA-SMI has failed, because it couldn't communicate, with the driver\n[N/A], [N/A], [N/A]\n"
    assert cards(noise) == []
    assert cards(H100 + noise) == [Card("NVIDIA H100 80GB HBM3", 81559 / 1024, "580.159.04")]
    assert cards(None) == []


@pytest.mark.parametrize(
    ("answer", "gpus", "need", "problem", "words"),
    [
        (None, 1, 1, "", "0 of 1 NVIDIA GPUs are seen"),
        (H100, 2, 1, "", "1 of 2 NVIDIA GPUs are seen"),
        (H100.replace("580.159", "550.54"), 1, 1, "", "driver is older than 580"),
        (H100.replace("580.159.04", "unknown"), 1, 1, "", "driver is older than 580"),
        (H100, 1, 100, "", "80 GiB, driver 580.159.04: 100 GiB are needed. Choose a smaller policy"),
        (H100, 1, 1, "torch 2.13.0+cpu is built without CUDA", "cannot use it: torch 2.13.0+cpu is built without"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_in_one_line(
    answer: str | None, gpus: int, need: float, problem: str, words: str
) -> None:
    line = said(answer, gpus=gpus, need=need, problem=problem)
    assert words in line
    assert "\n" not in line
