"""Training repairs itself: veRL, the judge's training and the audit are stood in for; state, files and order are real."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import orjson
import pytest
from support.fooled import drawn, rollout
from support.repairing import STEPS, Killed, World

from verif.data.tables import read_judge_pairs
from verif.data.world.prepare import lesson
from verif.errors import TrainingError
from verif.pipeline import repair
from verif.pipeline.stages import train
from verif.training import launch
from verif.training.progress import RunFolder


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    for name in repair.ELSEWHERE:
        monkeypatch.delenv(name, raising=False)
    return World(tmp_path, monkeypatch)


@pytest.mark.slow
def test_a_fooled_verifier_is_replaced_and_training_goes_on_from_before(world: World) -> None:
    world.run()
    first, second = world.state["teachers"]
    assert (first["identity"], second["identity"], second["after"]) == ("audited", "audited+", 15)
    assert first["wrongly_accepted"] >= 6
    assert first["missed"][0]["accepted"] is True
    assert "of accepted rollouts false since step 18" in first["alarm"]
    by_first = [step for teacher, step in world.trained if teacher == "audited"]
    assert by_first[-1] <= 20, "the alarm came within three steps"
    assert [step for teacher, step in world.trained if teacher == "audited+"] == list(range(16, STEPS + 1))
    assert world.end["exported"] == STEPS
    assert world.end["ended"] == ""
    assert (world.stage.models / "judge" / "name").read_text() == "audited", (
        "the judge stage's output is not touched"
    )
    ((_, _, _, taught),) = world.published
    assert [teacher["identity"] for teacher in taught] == ["audited", "audited+"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "phase", ["step 12", "step 18", "step 19", "harvest", "harden", "audit", "go back", "state"]
)
def test_killed_anywhere_in_a_repair_it_ends_the_same(
    world: World, monkeypatch: pytest.MonkeyPatch, phase: str
) -> None:
    world.kill = phase

    def dying(owner: Any, name: str, when: str) -> None:
        real = getattr(owner, name)

        def then(*given: Any, **named: Any) -> Any:
            world.die_at(f"{when}")
            return real(*given, **named)

        monkeypatch.setattr(owner, name, then)

    dying(repair, "write_judge_pairs", "harvest")
    dying(RunFolder, "go_back", "go back")
    dying(repair.Teaching, "taken_over", "state")
    with pytest.raises(Killed):
        world.run()
    fooled = world.state["repair"] is not None
    before = len(world.trained)
    world.run()
    assert [(t["identity"], t["after"]) for t in world.state["teachers"]] == [
        ("audited", 0),
        ("audited+", 15),
    ]
    assert world.end["exported"] == STEPS
    if fooled:
        assert not [teacher for teacher, _ in world.trained[before:] if teacher == "audited"], (
            "nobody trains against a verifier that is known to be fooled"
        )


@pytest.mark.slow
@pytest.mark.parametrize("step", [15, STEPS])
def test_a_step_that_was_saved_and_not_yet_looked_at_is_looked_at_first(world: World, step: int) -> None:
    world.fooled_from = {"audited": step}
    world.kill = f"step {step}"
    with pytest.raises(Killed):
        world.run()
    before = len(world.trained)
    world.run()
    looked_at = [look["step"] for look in orjson.loads(world.folder.alarms.read_bytes())["steps"]]
    assert looked_at == list(range(1, STEPS + 1))
    if step == STEPS:
        assert {teacher for teacher, _ in world.trained[before:]} == {"audited+"}, "its alarm is not lost"


@pytest.mark.slow
def test_the_seconds_are_those_of_all_that_taught(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    real = world.supervise

    def slow(*given: Any, **named: Any) -> None:
        time.sleep(0.2)
        real(*given, **named)

    monkeypatch.setattr(launch.supervise, "run", slow)
    world.run()
    assert world.end["seconds"] >= 0.4, "the first verifier's time counts, too"


def test_a_run_that_gave_up_says_how_long_it_trained(world: World) -> None:
    world.lesson = False
    world.run()
    assert world.end["seconds"] > 0


@pytest.mark.slow
def test_a_finished_run_gives_its_result_and_takes_no_verifier(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.run()
    monkeypatch.setattr(train.lease, "verifier", None)
    before = len(world.trained)
    world.run()
    assert len(world.trained) == before
    assert len(world.published) == 2


def test_without_a_new_lesson_training_stops_with_the_reason_and_the_best_checkpoint(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.lesson = False
    world.run()
    assert "none of the 3 contradicted responses is new" in world.end["ended"]
    assert "no repair: none of the 3" in capsys.readouterr().out
    assert world.end["exported"] in (5, 10, 15)
    assert world.published
    assert {teacher for teacher, _ in world.trained} == {"audited"}


@pytest.mark.slow
def test_repairs_that_are_used_up_end_it_too(world: World) -> None:
    world.fooled_from |= {"audited+": 20, "audited++": 22, "audited+++": 24}
    world.run()
    assert [t["identity"] for t in world.state["teachers"]] == [
        "audited",
        "audited+",
        "audited++",
        "audited+++",
    ]
    assert "the recipe's repairs (3) are used up" in world.end["ended"]
    assert world.end["exported"] == 20
    assert [t["after"] for t in world.state["teachers"]] == [0, 15, 15, 20]
    kept = [world.folder.path / "repairs" / number / "contradicted.parquet" for number in ("1", "2", "3")]
    assert all(read_judge_pairs(path) for path in kept), "the next repair replays the lessons of all before"


@pytest.mark.slow
def test_with_more_repairs_allowed_a_run_that_used_them_up_goes_on(world: World) -> None:
    world.allow(0)
    world.run()
    assert "the recipe's repairs (0) are used up" in world.end["ended"]
    before = len(world.trained)
    world.run()
    assert len(world.trained) == before
    world.allow(1)
    world.run()
    assert [t["identity"] for t in world.state["teachers"]] == ["audited", "audited+"]
    assert (world.end["ended"], world.end["exported"]) == ("", STEPS)


def test_a_repair_that_was_tried_in_vain_is_not_tried_again(world: World) -> None:
    world.fit["audited+"] = False
    world.run()
    before = len(world.trained)
    world.allow(9)
    world.run()
    assert "no better" in world.end["ended"]
    assert len(world.trained) == before


@pytest.mark.slow
def test_a_repaired_verifier_that_is_unfit_never_teaches(world: World) -> None:
    world.fit["audited+"] = False
    world.run()
    assert "the repaired verifier is no better" in world.end["ended"]
    assert "too many false accepted" in world.end["ended"]
    assert {teacher for teacher, _ in world.trained} == {"audited"}


@pytest.mark.slow
def test_a_judge_that_others_serve_is_not_repaired(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VERIF_JUDGE_URL", "http://judge:8000/v1")
    world.run()
    assert "the judge is served by somebody else (VERIF_JUDGE_URL)" in world.end["ended"]
    monkeypatch.delenv("VERIF_JUDGE_URL")
    world.run()
    assert world.end["ended"] == "", "where it can be repaired the same run goes on"


def test_fooled_from_the_start_there_is_nothing_to_keep(world: World) -> None:
    world.fooled_from["audited"], world.lesson = 1, False
    with pytest.raises(TrainingError, match="no checkpoint is from before the divergence"):
        world.run()
    assert not world.published


def test_the_disk_holds_the_last_the_best_and_the_safe_checkpoint(world: World) -> None:
    world.fooled_from.clear()
    world.run()
    assert len(world.folder.whole()) <= 3
    assert world.folder.whole()[-1] == STEPS


def test_the_lessons_are_the_oracles_on_what_the_judge_saw_otherwise() -> None:
    ((item, text, false),) = drawn(1, 1)
    rows = [rollout(1, 0, item, text), rollout(1, 1, item, false)]
    agreed, differed = repair.contradicted(iter(rows), reasoning="auto")
    assert (agreed[0], differed[0]) == (True, False)
    assert differed[1] == lesson(item, false)
