from pathlib import Path
from xml.etree import ElementTree

import pytest

from verif.training.pictures import draw_curves
from verif.training.progress import RunFolder


def checkpoint(folder: RunFolder, step: int, whole: bool = True) -> None:
    place = folder.checkpoints / f"global_step_{step}"
    place.mkdir(parents=True)
    if whole:
        (place / "data.pt").write_bytes(b"x")
        folder.write_step(step, {"verif/step_s": 1})
    (folder.checkpoints / "latest_checkpointed_iteration.txt").write_text(str(step))


def test_the_curve_has_one_row_per_step_and_the_validation_before_training(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    folder.write_validation(0, {"val/reward_mean": 0.25})
    folder.write_step(1, {"verif/reward_mean": 0.5, "verif/step_s": 3, "name": "text", "flag": True})
    folder.write_step(1, {"verif/reward_mean": 0.75, "verif/step_s": 3})  # done again after a resume
    folder.write_curve(tmp_path / "curve.csv")
    header, first, second = (tmp_path / "curve.csv").read_text().splitlines()
    assert header.startswith(
        "step,reward_mean,reward_errors,response_length,entropy,kl,reward_wait_share,step_s"
    )
    assert first.startswith("0,,")
    assert ",0.25," in first
    assert second.startswith("1,0.75,")


@pytest.mark.slow
def test_the_curves_are_drawn_from_what_was_kept(tmp_path: Path) -> None:
    folder, twice = RunFolder(tmp_path), (tmp_path / "a.svg", tmp_path / "b.svg")
    draw_curves(folder, twice[0])  # a run that kept nothing still has a picture
    empty = twice[0].read_bytes()
    folder.write_validation(0, {"val/reward_mean": 0.25})
    for step in range(1, 9):
        folder.write_step(step, {"verif/reward_mean": step / 10, "actor/entropy": 1.0, "actor/kl": 0.0})
    for path in twice:
        draw_curves(folder, path)
    assert twice[0].read_bytes() == twice[1].read_bytes() != empty
    panels = ElementTree.parse(twice[0]).findall(".//*[@id]")
    assert {p.get("id") for p in panels if p.get("id", "").startswith("axes_")} == {"axes_1", "axes_2"}


def test_a_resumed_run_forgets_what_it_will_do_again(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    for step in (1, 2, 3):
        folder.write_step(step, {"verif/step_s": 1})
        (folder.rollouts).mkdir(exist_ok=True)
        (folder.rollouts / f"step_{step:04d}.parquet").write_bytes(b"")
    folder.write_validation(3, {})
    folder.forget_after(2)
    assert folder.done() == [1, 2]
    assert folder.validations() == {}
    assert sorted(path.name for path in folder.rollouts.iterdir()) == [
        "step_0001.parquet",
        "step_0002.parquet",
    ]


def test_only_a_whole_checkpoint_counts(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    assert folder.checkpoint() == 0
    checkpoint(folder, 10)
    assert folder.checkpoint() == 10
    checkpoint(folder, 20, whole=False)
    assert folder.checkpoint() == 10
    (folder.checkpoints / "latest_checkpointed_iteration.txt").write_text("")  # killed while it was written
    assert folder.checkpoint() == 10
    assert (folder.checkpoints / "latest_checkpointed_iteration.txt").read_text() == "10"


def test_killed_at_any_write_of_a_step_a_run_goes_on_from_a_step_whose_records_are_whole(
    tmp_path: Path,
) -> None:
    """The writes of steps 1 to 4 in veRL's order, a checkpoint every second step; after each one the run is killed."""
    for killed_after in range(23):
        folder = RunFolder(tmp_path / str(killed_after))
        pointer = folder.checkpoints / "latest_checkpointed_iteration.txt"
        for number, write in enumerate(writes_of_four_steps(folder, pointer)):
            if number == killed_after:
                break
            write()
        start = folder.checkpoint()
        assert start in (0, 2, 4)
        assert not start or pointer.read_text() == str(start)
        folder.forget_after(start)
        assert folder.done() == list(range(1, start + 1))
        for records in (folder.batches, folder.rollouts):
            names = [] if not records.is_dir() else records.iterdir()
            assert sorted(int(p.stem.split("_")[1]) for p in names) == list(range(1, start + 1))
        assert set(folder.validations()) == {step for step in (2, 4) if step <= start}
    assert start == 4  # the last round was not killed


def writes_of_four_steps(folder: RunFolder, pointer: Path):
    folder.rollouts.mkdir(parents=True)
    for step in (1, 2, 3, 4):
        if step % 2 == 0:
            place = folder.checkpoints / f"global_step_{step}"
            yield lambda place=place: place.mkdir(parents=True)
            yield lambda place=place: (place / "data.pt").write_bytes(b"x")
            yield lambda step=step: pointer.write_text(str(step))
            yield lambda step=step: folder.write_validation(step, {})
        yield lambda step=step: folder.write_batch(step, [])
        yield lambda step=step: (folder.rollouts / f"step_{step:04d}.parquet").write_bytes(b"")
        yield lambda step=step: folder.write_step(step, {"verif/step_s": 1})


@pytest.mark.parametrize("torn", ["", "{", "[]"])
def test_a_torn_heartbeat_is_no_heartbeat(tmp_path: Path, torn: str) -> None:
    (tmp_path / "heartbeat.json").write_text(torn)
    assert RunFolder(tmp_path).heartbeat() == ("", 0.0)


def test_going_back_leaves_nothing_of_what_came_after(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    for step in (5, 10, 15, 20):
        checkpoint(folder, step)
    (folder.at(25)).mkdir()  # was being written
    folder.go_back(10)
    assert folder.whole() == [5, 10]
    assert folder.checkpoint() == 10
    assert folder.done() == [5, 10]
    assert not folder.at(25).exists()
    folder.go_back(10)  # killed in between, it is asked again
    assert folder.checkpoint() == 10
    folder.go_back(0)
    assert (folder.checkpoint(), folder.done(), folder.whole()) == (0, [], [])


def test_disk_holds_what_is_asked_for_the_last_and_what_is_being_written(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    for step in (5, 10, 15, 20):
        checkpoint(folder, step)
    checkpoint(folder, 25, whole=False)
    folder.keep_only({10, 99})
    assert folder.whole() == [10, 20]
    assert folder.at(25).is_dir()
    assert not folder.at(5).exists()


def test_the_curve_says_who_taught(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    for step in range(1, 5):
        folder.write_step(step, {"verif/step_s": 1})
    folder.write_curve(tmp_path / "curve.csv", took_over=[0, 2])
    rows = (tmp_path / "curve.csv").read_text().splitlines()
    assert rows[0].endswith(",teacher")
    assert [row[-1] for row in rows[1:]] == ["1", "1", "2", "2"]
    draw_curves(folder, tmp_path / "plain.svg")
    draw_curves(folder, tmp_path / "marked.svg", took_over=[2])
    assert (tmp_path / "plain.svg").read_bytes() != (tmp_path / "marked.svg").read_bytes()
