"""Two pipelines on one machine: threads that train leave every core to the others, and to what their stage starts."""

import os
import subprocess
import sys

import pytest

from verif.errors import SetupError
from verif.pipeline.stages.models import training_threads

TRAINS = """
import os
before = os.sched_getaffinity(0)
from verif.pipeline.stages.models import training_threads
threads = training_threads()
import torch
torch.set_num_threads(threads)
a = torch.ones(600, 600)
for _ in range(20):
    a = (a @ a).clamp(max=1)
assert torch.get_num_threads() == min(2, os.cpu_count())
assert os.sched_getaffinity(0) == before, "bound: everything that this process starts would share its core"
"""


def test_threads_that_train_are_bound_to_no_core() -> None:
    env = {k: v for k, v in os.environ.items() if not k.startswith(("OMP_", "GOMP_", "VERIF_THREADS"))}
    done = subprocess.run([sys.executable, "-c", TRAINS], env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_they_sleep_while_they_wait_unless_the_user_said_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_WAIT_POLICY", "active")
    training_threads()
    assert os.environ["OMP_WAIT_POLICY"] == "active"
    monkeypatch.delenv("OMP_WAIT_POLICY")
    training_threads()
    assert os.environ["OMP_WAIT_POLICY"] == "passive"
    monkeypatch.setenv("VERIF_THREADS", "3")
    with pytest.raises(SetupError, match="may be 1 or 2"):
        training_threads()
