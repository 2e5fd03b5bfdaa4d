"""One run per execution, a nested run per stage, lineage, parameters and data by digest."""

from __future__ import annotations

import pytest

from verif.core.instruction_files import write_instructions
from verif.registry.runs import mlflow as tracking
from verif.registry.runs import pipeline_run as runs
from verif.registry.runs.stage_run import stage_run
from verif.system.files import digest, write_json
from verif.types import Instruction

pytestmark = pytest.mark.slow


def test_runs_are_nested_and_say_where_they_come_from(stage, monkeypatch) -> None:
    parent = runs.start_run(stage, {"verif.run": "r1"})
    write_instructions(
        stage.data / "test.parquet", [Instruction(id="1", prompt="x")], source="s", split="test"
    )
    with stage_run(stage, "evaluate") as record:
        record.metrics({"a b/c(d)": 1.5, "bad": float("nan")}, step=3)
        record.datasets({"test": stage.data / "test.parquet"})
        with stage_run(stage, "evaluate") as again:
            assert again.run_id == record.run_id
    with pytest.raises(KeyError), stage_run(stage, "train") as failed:
        raise KeyError("x")
    mlflow = tracking.client(stage.root)
    run = mlflow.get_run(record.run_id)
    assert run.data.tags["mlflow.parentRunId"] == parent
    assert run.data.metrics == {"a b/c_d_": 1.5}
    assert (run.info.status, mlflow.get_run(failed.run_id).info.status) == ("FINISHED", "FAILED")
    assert run.inputs.dataset_inputs[0].dataset.digest
    top = mlflow.get_run(parent)
    assert top.data.params["seed"] == "1"
    assert 10 <= len(top.data.params) <= 14
    assert {"verif.git.commit", "verif.recipe.digest", "verif.hardware", "verif.run"} <= set(top.data.tags)
    write_json(stage.models / "verifier" / "identity.json", {"identity": "audited in this run"})
    (stage.root / "dvc.lock").write_text("of this run")
    runs.end_run(stage)
    ended = mlflow.get_run(parent)
    assert ended.info.status == "FINISHED"
    assert ended.data.tags["verif.service.build.identity"] == "audited in this run"
    assert ended.data.tags["verif.dvc.lock"] == digest(b"of this run") != top.data.tags["verif.dvc.lock"]
    assert ended.data.tags["verif.data.digest"] != "none"
    monkeypatch.setenv("VERIF_PARENT_RUN", "given")
    assert runs.parent_run(stage, mlflow) == "given"


def test_bare_repro_shares_one_lazy_parent(stage) -> None:
    assert runs.parent_run(stage) == runs.parent_run(stage)
