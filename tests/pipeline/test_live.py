"""What is said about a training while it runs: read from its folder only, and quiet where there is nothing yet."""

from __future__ import annotations

import os
import time
from pathlib import Path

from verif.data.rollouts import Rollout, step_path, write_step
from verif.pipeline.live import progress
from verif.system.files import write_json
from verif.training.progress import RunFolder
from verif.types import Instruction, Response


def started(root: Path, name: str = "a") -> RunFolder:
    folder = RunFolder(root / ".verif" / "runs" / name)
    folder.steps.mkdir(parents=True)
    folder.beat("training")
    return folder


def test_step_reward_truth_alarms_and_the_time_left(tmp_path: Path) -> None:
    since = time.time() - 1
    assert progress(tmp_path, 10, since) is None
    folder = started(tmp_path)
    assert progress(tmp_path, 10, since) is None
    for step in (1, 2, 3, 4):
        folder.write_step(step, {"verif/reward_mean": 0.1 * step, "verif/step_s": 60.0 if step == 1 else 5.0})
    assert progress(tmp_path, 10, since).said() == "step 4 of 10, reward 0.40, 30 s left"
    rollout = Rollout(3, "u", Instruction(id="1", prompt="x"), Response(text="y"), None)
    write_step(folder.rollouts, 3, [rollout])
    none = {"checked": 0, "contradicted": 0, "rejected": 0, "refused": 0}
    looks = [{"step": 3, **none, "rejected": 4, "refused": 1}, {"step": 4, **none}]
    write_json(folder.alarms, {"alarms": [{"step": 3, "message": "m"}], "steps": looks})
    seen = progress(tmp_path, 10, since)
    assert seen.truth is None  # its only rollout has no reward
    assert seen.said().endswith(", 1 alarm")
    assert seen.share == 0.4
    step_path(folder.rollouts, 3).write_bytes(b"half")
    assert progress(tmp_path, 10, since).truth is None


def test_an_earlier_run_is_not_taken_for_this_one(tmp_path: Path) -> None:
    old = started(tmp_path, "old")
    old.write_step(70, {"verif/reward_mean": 0.9})
    hour_ago = time.time() - 3600
    os.utime(old.path / "heartbeat.json", (hour_ago, hour_ago))
    since = time.time() - 1
    assert progress(tmp_path, 10, since) is None
    started(tmp_path, "new").write_step(1, {"verif/reward_mean": 0.2})
    assert progress(tmp_path, 10, since).step == 1
