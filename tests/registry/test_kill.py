"""kill -9 during register and promotion, after each write and at random moments: the end state is the undisturbed one.

`VERIF_KILLS` says how many kills; with 25 or more there is one after every write. The rest are random in time.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import shutil
import signal
import time
from dataclasses import replace
from pathlib import Path

import pytest

from verif.registry import ledger, promotion
from verif.registry.ledger import verify
from verif.registry.promotion import at_desk
from verif.registry.reconcile import register
from verif.registry.runs.stage_run import StageRun
from verif.registry.store import Registry, open_registry

pytestmark = pytest.mark.slow

KILLS = int(os.environ.get("VERIF_KILLS", "10"))
WRITES = (
    (Registry, "set_tag"), (Registry, "set_alias"), (Registry, "drop_alias"), (Registry, "create_version"),
    (StageRun, "artifact"), (StageRun, "tags"),
)  # fmt: skip


def work(stage) -> None:
    """What `dvc repro register` and `verif promote 2` do; a stage that has finished is not run again."""
    from verif.pipeline.stages import register as register_stage

    done = stage.state / "register.done"
    if not done.is_file():
        register_stage.run(stage)
        done.touch()
    promotion.promote(stage, "2", "better")


def child(stage, kill_after: int) -> None:
    """The work, its writes noted in a file, killed after one of them (0: not)."""
    os.environ.pop("VERIF_PARENT_RUN", None)
    notes = (stage.root / "writes.txt").open("w")
    left = kill_after

    def counted(function):
        def call(*args, **kwargs):
            nonlocal left
            out = function(*args, **kwargs)
            print(function.__name__, *args[1:2], file=notes, flush=True)
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return out

        return call

    for owner, name in WRITES:
        setattr(owner, name, counted(getattr(owner, name)))
    work(stage)


def chosen(writes: list[str], kills: int, rng: random.Random) -> list[int]:
    """After which writes to kill: all of the promotion's first, then others; 0 is a random moment, a fifth at least."""
    promotes = next(i for i, name in enumerate(writes) if name.startswith(f"set_tag {ledger.PREFIX}"))
    others = list(range(1, promotes + 1))
    rng.shuffle(others)
    points = [*range(promotes + 1, len(writes) + 1), *others][: kills - kills // 5]
    return points + [0] * (kills - len(points))


def run(stage, *, kill_after: int = 0, kill_at: float | None = None) -> int:
    """Exit code of a process that does the work, killed after its n-th write or after some seconds."""
    process = multiprocessing.get_context("fork").Process(target=child, args=(stage, kill_after))
    process.start()
    if kill_at is not None:
        time.sleep(kill_at)
        process.kill()
    process.join(120)
    return process.exitcode


def state_of(stage) -> dict:
    registry = open_registry(stage)
    with at_desk(stage) as desk:
        verify(desk.entries)
        moves = [(e.action, e.source, e.to) for e in desk.entries]
    return {
        "versions": [(v.number, v.tags["verif.model.digest"], v.aliases) for v in registry.versions()],
        "aliases": registry.aliases(),
        "ledger": moves,
        "registration": (stage.reports / "registration.json").read_bytes(),
        "page": (stage.reports / "index.html").read_bytes(),
        "card": (stage.reports / "card.md").read_bytes(),
    }


@pytest.fixture
def fresh(stage, refill, tmp_path_factory):
    """Makes directories with champion 1 registered and a better model waiting."""
    register(stage)
    refill(stage.root, after=0.9, weights=b"w2")
    template = stage.root

    def make():
        root = Path(tmp_path_factory.mktemp("killed")) / "p"
        shutil.copytree(template, root)
        for copy in (root / ".verif" / "mlflow").glob("ledger-*"):
            copy.unlink()  # named after the database's path
        return replace(stage, root=root, source=root / "data")

    return make


def test_killed_after_each_write_and_at_random_moments(fresh) -> None:
    quiet = fresh()
    begun = time.monotonic()
    assert run(quiet) == 0
    seconds = time.monotonic() - begun
    wanted = state_of(quiet)
    assert wanted["aliases"] == {"champion": "2"}
    assert wanted["ledger"] == [("promote", None, "1"), ("promote", "1", "2")]
    rng = random.Random(0)
    writes = (quiet.root / "writes.txt").read_text().splitlines()
    points = chosen(writes, KILLS, rng)
    after = [writes[point - 1] for point in points if point]
    promotion_writes = (f"set_tag {ledger.PREFIX}000002", "set_alias champion", f"set_tag {ledger.APPLIED}")
    assert all(name in after for name in promotion_writes), "the promotion itself must be killed"
    for kill, point in enumerate(points, 1):
        stage = fresh()
        moment = None if point else rng.uniform(0.05, seconds)
        code = run(stage, kill_after=point, kill_at=moment)
        if point:
            assert code == -signal.SIGKILL
        assert run(stage) == 0, f"the run after kill {kill} failed"
        assert state_of(stage) == wanted, f"kill {kill}, after write {point} or at {moment} s"
        shutil.rmtree(stage.root)
