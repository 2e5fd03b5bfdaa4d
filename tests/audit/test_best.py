"""The best checkpoint by what the oracle saw around it, and not the last."""

from __future__ import annotations

from dataclasses import replace

from verif.audit.best import best, scores, worst_false
from verif.audit.looks import StepSummary


def look(step: int, truth: float) -> StepSummary:
    """A step whose accepted rollouts are true to that share; half are accepted, and no refused one is true."""
    false = round(100 * (1 - 2 * truth))
    return StepSummary(
        step=step, rollouts=100, reward_mean=0.5, error_share=0, unscorable_share=0, signature_share=0,
        length_mean=20, accepted=0.5, checked=100, contradicted=false, rejected=10,
    )  # fmt: skip


RISE_AND_FALL = [look(step, 0.1 + 0.01 * min(step, 60 - step)) for step in range(1, 56)]


def test_the_top_of_a_run_that_is_hacked_later_is_the_product() -> None:
    assert best(RISE_AND_FALL, [10, 20, 30, 40, 50, 55], every=1) == 30


def test_a_run_that_rises_to_its_end_gives_the_last() -> None:
    assert best([look(step, step / 100) for step in range(1, 41)], [10, 20, 30, 40], every=1) == 40


def test_of_equals_the_later_one_and_none_without_looks() -> None:
    flat = [look(step, 0.3) for step in range(1, 31)]
    assert best(flat, [10, 20], every=5) == 20
    assert best([], [10, 20], every=5) is None
    assert scores(flat[:8], [5, 25], every=5) == {5: 0.3}, "nobody looked near step 25"


def test_a_sample_of_the_accepted_counts_by_their_share_of_the_step() -> None:
    summary = StepSummary(
        step=1, rollouts=128, reward_mean=0.4, error_share=0, unscorable_share=0, signature_share=0,
        length_mean=20, accepted=0.25, checked=16, contradicted=4, rejected=16, refused=4,
    )  # fmt: skip
    assert summary.truth == 0.25 * 0.75 + 0.75 * 0.25


def test_in_a_cycle_the_rollouts_speak_for_the_weights_that_wrote_them() -> None:
    """Steps 11 to 20 were written by the weights after step 10: they say nothing against the checkpoint of step 20."""
    fallen_late = [look(step, 0.3 if step <= 10 else 0.6 if step <= 20 else 0.1) for step in range(1, 31)]
    assert scores(fallen_late, [10], every=1, cycle=10)[10] > scores(fallen_late, [20], every=1, cycle=10)[20]
    rising = [look(step, step / 100) for step in range(1, 41)]
    assert best(rising, [10, 20, 30, 40], every=1, cycle=10) == 40, "the last has no rollouts of its own"
    assert best(rising, [10, 40], every=1, cycle=40) == 40, "never synced: all are alike, the last is taken"


def seen(step: int, false: int, of: int) -> StepSummary:
    return replace(look(step, 0.5), checked=of, contradicted=false)


def test_a_few_accepted_in_the_first_step_are_no_worst_share_of_five_steps() -> None:
    early = [seen(1, 2, 12), *(seen(step, 1, 25) for step in range(2, 11))]
    assert worst_false(early, 0, 11) == 6 / 112
    assert worst_false(early, 0, 3) == 3 / 37, "a verifier that taught two steps is judged by these"
    assert worst_false([seen(6, 9, 25), *(seen(step, 0, 25) for step in range(7, 12))], 5, 12) == 9 / 125
    assert worst_false([seen(5, 4, 20), seen(10, 1, 20)], 0, 11) == 0.2, (
        "a look every five steps is a window of its own"
    )
    assert worst_false([], 0, 11) is None


def noisy(step: int, truth: float) -> StepSummary:
    """As runs are: some steps' prompts are hard, others easy."""
    return look(step, truth + (0.06 if step % 2 else -0.06))


def test_of_those_that_chance_could_have_put_below_the_highest_the_latest_is_taken() -> None:
    level = [noisy(step, 0.1 + 0.01 * min(step, 25)) for step in range(1, 71)]
    assert best(level, [*range(5, 75, 5)], every=1) == 70
    level[31:36] = [look(step, 0.4) for step in range(32, 37)]  # five easy steps
    assert best(level, [*range(5, 75, 5)], every=1) == 35
    assert best(level, [10, 60], every=1) == 60, "neither that was kept is near the highest"


def test_no_checkpoint_replaces_a_better_one_a_little_at_a_time() -> None:
    """Each new one is within a standard error of the one before it, but not of the highest that was."""
    falling = [noisy(step, 0.4 - 0.003 * step) for step in range(1, 71)]
    chosen = 0
    for step in range(5, 75, 5):
        chosen = best(falling[:step], sorted({chosen, step} - {0}), every=1) or 0
    assert chosen <= 15
