"""Re-scoring: what another verifier says differently, and repairs that touch nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.stand_ins import INSTRUCTION, StandIn, always, rollout

from verif.audit.rescore import rescore
from verif.cli.rescore import rollouts_of
from verif.data.rollouts import Rollout, read, write_step
from verif.errors import InputError, ServiceError
from verif.types import Response, Reward, Status, Verification


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() if path.is_file() else b"" for path in folder.iterdir()}


@pytest.fixture
def run(tmp_path: Path) -> Path:
    folder = tmp_path / "rollouts"
    write_step(folder, 1, [rollout(1, Status.PASS, 1.0), rollout(1, Status.FAIL, 0.5)])
    lost = Rollout(2, "u2", INSTRUCTION, Response(text="A gull."), None)
    write_step(folder, 2, [rollout(2, Status.ERROR, None), lost, rollout(2, Status.FAIL, 0.5)])
    return folder


async def test_everything_is_asked_again_and_the_old_verdicts_stay(run: Path, tmp_path: Path) -> None:
    before = contents(run)
    changes = await rescore(StandIn(always(Status.PASS)), run, tmp_path / "new")
    assert contents(run) == before
    new = list(read(tmp_path / "new"))
    assert [r.reward for r in new] == [1.0] * 5
    assert [(r.step, r.uid, r.response, r.advantage_sum) for r in new] == [
        (r.step, r.uid, r.response, r.advantage_sum) for r in read(run)
    ]
    assert {r.verification.id for r in new} == {"7"}
    found = changes.as_dict()
    assert (found["asked"], found["repaired"], found["rewards_changed"]) == (5, 2, 2)
    assert found["reward_mean_before"] == pytest.approx(2 / 3)
    assert found["reward_mean_after"] == 1.0
    rows = {entry["type"]: entry for entry in found["types"]}
    assert rows["soft:tone"]["changes"] == {"error to pass": 1, "fail to pass": 2, "none to pass": 1}
    assert rows["punctuation:no_comma"]["changes"] == {"none to pass": 1}


async def test_errors_only_repairs_and_leaves_the_rest(run: Path, tmp_path: Path) -> None:
    verifier = StandIn(always(Status.FAIL))
    changes = await rescore(verifier, run, tmp_path / "new", errors_only=True)
    assert verifier.calls == 2
    assert [r.reward for r in read(tmp_path / "new")] == [1.0, 0.5, 0.5, 0.5, 0.5]
    assert (changes.asked, changes.repaired) == (2, 2)


async def test_a_verifier_that_is_down_repairs_nothing_and_invents_nothing(run: Path, tmp_path: Path) -> None:
    changes = await rescore(StandIn(always(Status.ERROR)), run, tmp_path / "new", errors_only=True)
    assert changes.as_dict()["still_without_reward"] == 2
    assert [r.reward for r in read(tmp_path / "new")] == [1.0, 0.5, None, None, 0.5]


async def test_a_failure_leaves_nothing_behind(run: Path, tmp_path: Path) -> None:
    class Silent:
        async def verify(self, items):
            for item in items[:1]:
                yield Verification(
                    id=item.id, verdicts=(), reward=Reward(value=0.0, state="scored", formula="all")
                )

    with pytest.raises(ServiceError, match="without an answer"):
        await rescore(Silent(), run, tmp_path / "new")
    assert not (tmp_path / "new").exists()
    assert set(contents(tmp_path)) == {"rollouts"}


def test_a_run_is_found_from_above(run: Path, tmp_path: Path) -> None:
    assert rollouts_of(tmp_path) == run
    assert rollouts_of(run / "step_0001.parquet") == run / "step_0001.parquet"
    with pytest.raises(InputError, match="no rollouts here"):
        rollouts_of(tmp_path / "elsewhere")
