"""Two pods, one folder of checkpoints: the second waits, takes over what is dead, and never trains beside the first."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from verif.errors import BusyError
from verif.training import holder
from verif.training.holder import NAME, Holder, held
from verif.training.supervise import interruptible


class Clock:
    """Seconds that pass when somebody waits; `meanwhile` happens at each wait."""

    def __init__(self, meanwhile: Callable[[], Any] = lambda: None) -> None:
        self.now, self.meanwhile = 0.0, meanwhile

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.meanwhile()

    def holder(self, folder: Path, host: str) -> Holder:
        return Holder(folder, host, lambda: self.now, self.sleep)


def test_the_second_waits_for_a_living_one_and_then_names_it(tmp_path: Path) -> None:
    first = Clock().holder(tmp_path, "pod-1")
    first.take()
    clock = Clock(first.beat)
    with pytest.raises(BusyError, match=r"another machine trains in .*pod-1, process \d+.*[01] s old"):
        clock.holder(tmp_path, "pod-2").take()
    assert 240 <= clock.now < 250
    assert first.ours()


def test_a_predecessor_that_ends_meanwhile_is_followed_at_once(tmp_path: Path) -> None:
    first = Clock().holder(tmp_path, "pod-1")
    first.take()
    waits: list[int] = []  # seconds, too

    def meanwhile() -> None:
        waits.append(1)
        first.beat() if len(waits) < 90 else first.release()

    clock = Clock(meanwhile)
    second = clock.holder(tmp_path, "pod-2")
    second.take()
    assert second.ours()
    assert 89 <= clock.now < 95


def test_a_dead_one_is_taken_over_and_knows_it_when_it_comes_back(tmp_path: Path) -> None:
    first = Clock().holder(tmp_path, "pod-1")
    first.take()
    clock = Clock()
    second = clock.holder(tmp_path, "pod-2")
    second.take()
    assert 120 <= clock.now < 130
    assert first.beat() is False, "a frozen pod would train on beside its successor"
    first.release()
    assert second.ours()
    assert second.beat() is True


def test_of_two_that_see_it_dead_one_gets_it(tmp_path: Path) -> None:
    Clock().holder(tmp_path, "pod-1").take()
    third = Clock().holder(tmp_path, "pod-3")
    clock = Clock()

    def overtaken() -> None:
        clock.now += 0
        if 120 <= clock.now < 123 and not third.ours():
            third._write()  # at the same moment
        elif third.ours():
            third.beat()

    clock.meanwhile = overtaken
    with pytest.raises(BusyError, match="pod-3"):
        clock.holder(tmp_path, "pod-2").take()


def test_what_this_machine_left_is_taken_at_once(tmp_path: Path) -> None:
    Clock().holder(tmp_path, "here").take()
    clock = Clock()
    clock.holder(tmp_path, "here").take()
    assert clock.now == 0


def test_a_record_deleted_by_hand_or_half_written_is_no_takeover(tmp_path: Path) -> None:
    first = Clock().holder(tmp_path, "pod-1")
    first.take()
    (tmp_path / NAME).unlink()
    assert first.beat() is True
    assert first.ours()


def test_who_cannot_say_that_it_lives_must_expect_to_be_thought_dead(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    first = clock.holder(tmp_path, "pod-1")
    first.take()

    def gone() -> None:
        raise OSError("stale file handle")

    monkeypatch.setattr(first, "_write", gone)
    clock.now = 50
    assert first.beat() is True
    clock.now = 61
    assert first.beat() is False


def test_a_run_whose_folder_was_taken_over_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(holder, "BEAT_S", 0.05)
    monkeypatch.setenv(holder.GRACE, "60")

    def train() -> None:
        with held(tmp_path):
            record = json.loads((tmp_path / NAME).read_text())
            (tmp_path / NAME).write_text(json.dumps(record | {"host": "pod-2", "token": "another"}))
            time.sleep(10)

    with interruptible(), pytest.raises(KeyboardInterrupt):
        train()
    assert json.loads((tmp_path / NAME).read_text())["host"] == "pod-2", "the new holder's record stays"
    from verif.training.ending import grace

    assert grace() == 0, "it would save a checkpoint into a folder that is not its own"
