"""A simulator that is fitted on one run predicts another; a run's folder is read as the trainer leaves it."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from pathlib import Path

import pytest

from verif.data.rollouts import Rollout, write_step
from verif.errors import InputError
from verif.pipeline.planning.fit import SLOTS, check, fit
from verif.pipeline.planning.simulate import Decoder, judge
from verif.pipeline.planning.timeline import Observed, Timeline, load
from verif.training.progress import RunFolder
from verif.types import Instruction, Response, Reward, Status, Verdict, Verification

HERE = Path(__file__).parent
DECODER = Decoder(0.03, 0.0005, 0.8, SLOTS)
"""At 64 rollouts a step; what passes before the first token is for each of them."""


def made(rollouts: int, steps: int, slots: int, seed: int, noise: float = 0.05) -> Timeline:
    """A run whose parts are known: the decoder above, `slots` judge slots of 0.3 s, 20 ms of training a rollout."""
    rng, found = random.Random(seed), []
    for number in range(steps):
        tokens = [rng.randint(5, 90) for _ in range(rollouts)]
        services = [rng.uniform(0.1, 0.5) for _ in range(rollouts)]
        slower = rng.uniform(1 - noise, 1 + noise)
        decoder = replace(DECODER, start_s=DECODER.start_s * rollouts / 64)
        ends = [slower * end for end in decoder.finishes(tokens)]
        done = judge(ends, services, slots)
        found.append(
            Observed(
                step=number + 2,
                step_s=max(done) + 0.02 * rollouts * slower,
                gen_end_s=max(ends),
                wait_s=max(done) - max(ends),
                tokens=tuple(tokens),
                judge_s=tuple(
                    d - e for d, e in zip(done, ends, strict=True)
                ),  # queueing included, as measured
                generated_s=tuple(ends),
                reward_s=tuple(d - e for d, e in zip(done, ends, strict=True)),
            )
        )
    return Timeline(steps=tuple(found))


@pytest.mark.parametrize("rollouts", [16, 32, 96, 128])
@pytest.mark.parametrize("slots", [4, 64])
def test_a_known_machine_is_predicted_at_other_sizes(rollouts, slots):
    found = check(fit(made(64, 8, slots, seed=1)), made(rollouts, 8, slots, seed=2))
    assert abs(found.total_error) < 0.15, found.total_error


def test_the_decoder_is_found_from_each_rollouts_end():
    fitted = fit(made(64, 8, 64, seed=1, noise=0))
    assert fitted.method == "each rollout's end"
    assert fitted.decoder.iteration_s == pytest.approx(DECODER.iteration_s, rel=0.02)
    assert fitted.decoder.per_rollout_s == pytest.approx(DECODER.per_rollout_s, rel=0.02)
    assert fitted.decoder.start_s == pytest.approx(DECODER.start_s, rel=0.02)


@pytest.mark.slow
@pytest.mark.parametrize(("one", "other"), [(128, 64), (64, 128)])
def test_local_runs_of_two_sizes_predict_each_other(one, other):
    """Two real runs, one after the other on one quiet machine."""
    found = check(fit(load(HERE / f"run-{one}.json")), load(HERE / f"run-{other}.json"))
    assert abs(found.total_error) < 0.15, found.total_error
    assert len(found.steps) == 13
    assert {step.rollouts for step in found.steps} == {other}


@pytest.mark.slow
def test_the_same_run_gives_the_same_prediction():
    run = load(HERE / "run-64.json")
    assert check(fit(run), run) == check(fit(run), run)


def instruction() -> Instruction:
    return Instruction(id="i", prompt="Write.", constraints=())


def write_run(folder: Path, steps: int, *, ends: bool, again: int = 0) -> None:
    """A run as the trainer leaves it; step `again` drew its prompts twice."""
    run = RunFolder(folder)
    for step in range(1, steps + 1):
        verdict = Verdict(status=Status.PASS, covers=(0,), part="judge:x", cost={"seconds": 0.5})
        rows, rollouts = [], []
        for index in range(4):
            key = f"g_{index}"
            times = {"generated_s": 1.0 + index, "rewarded_s": 2.0 + index} if ends else {}
            rows.append(
                {
                    "key": f"{key}_0",
                    "state": "scored",
                    "loss_tokens": 10,
                    "normalising_tokens": 10 + index,
                    **times,
                }
            )
            verification = Verification(
                id=key, verdicts=(verdict,), reward=Reward(value=1.0, state="scored", formula="average")
            )
            rollouts.append(Rollout(step, "g", instruction(), Response(text="A."), verification))
        rows.append({"key": "p", "state": "padding", "loss_tokens": 0, "normalising_tokens": 0})
        run.write_batch(step, rows)
        write_step(run.rollouts, step, rollouts)
        numbers = {"verif/step_s": 7.0, "timing_s/gen": 5.5, "verif/reward_wait_s": 1.0}
        run.write_step(step, numbers | {"verif/rollouts": 8.0 if step == again else 4.0})


@pytest.mark.parametrize("ends", [True, False])
def test_a_runs_folder_is_read(tmp_path, ends):
    write_run(tmp_path / ".verif" / "runs" / "abc", 5, ends=ends, again=3)
    found = load(tmp_path)
    assert [one.step for one in found.steps] == [2, 4, 5]  # the first is the warm-up
    assert found.left_out == 1
    first = found.steps[0]
    assert first.tokens == (10, 11, 12, 13)
    assert first.judge_s == (0.5,) * 4
    assert first.generated_s == ((1.0, 2.0, 3.0, 4.0) if ends else ())
    assert first.gen_end_s == (4.0 if ends else 4.5)
    assert first.train_s == pytest.approx(2.0 if ends else 1.5)
    fit(found)


def test_bad_folders_are_named(tmp_path):
    with pytest.raises(InputError, match="no training run"):
        load(tmp_path)
    for name in ("a", "b"):
        write_run(tmp_path / ".verif" / "runs" / name, 2, ends=True)
    with pytest.raises(InputError, match="2 training runs"):
        load(tmp_path)
    with pytest.raises(InputError, match="1 whole steps"):
        load(tmp_path / ".verif" / "runs" / "a")
    wrong = tmp_path / "x.json"
    wrong.write_text(json.dumps({"steps": [{"step": 1}]}))
    with pytest.raises(InputError, match="not a timeline"):
        load(wrong)
