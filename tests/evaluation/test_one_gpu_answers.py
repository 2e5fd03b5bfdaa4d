"""What the bench on one GPU says of answers beside their scores, and its file of answers."""

from pathlib import Path

from benchmarks.one_gpu_answers import copied, read, repetition, write
from benchmarks.one_gpu_bare import medians
from verif.evaluation.case import Generation


def test_repetition_counts_runs_of_four_words_that_stood_before() -> None:
    assert repetition("a b c") == 0.0
    assert repetition("a b c d e f") == 0.0
    assert repetition("go go go go go go") == 1 - 1 / 3


def test_copies_are_runs_of_the_prompts_words() -> None:
    assert copied("Use *This phrase* in your answer", "use *this phrase* in your answer") == 1.0
    assert copied("Use *This phrase* in your answer", "A boat came in at dawn.") == 0.0
    assert copied("x", "") == 0.0


def test_answers_come_back_as_they_were_written(tmp_path: Path) -> None:
    answers = {
        ("ifeval", "before", "greedy"): {"1": Generation("né\n", finished=False, tokens=7)},
        ("ifeval", "after", "t1"): {"2": Generation("", note="too long")},
    }
    write(tmp_path / "a.gz", answers)
    assert read(tmp_path / "a.gz") == answers


def test_medians_leave_the_first_steps_out() -> None:
    steps = [{"timing_s/step": seconds, "other": 1.0} for seconds in (90.0, 50.0, 3.0, 4.0, 5.0)]
    assert medians(steps) == {"steps": 5, "timing_s/step": 4.0}
