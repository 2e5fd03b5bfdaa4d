"""`verif stage` of the four stages before training leaves a nested run in a real MLflow, whatever their bodies do."""

from __future__ import annotations

import sys

import pytest
import yaml

from verif.cli.app import main
from verif.core.instruction_files import write_instructions
from verif.pipeline.stages import judge, policy, prepare, verifier
from verif.registry.runs import mlflow as tracking
from verif.registry.runs import pipeline_run as runs
from verif.registry.runs import recording
from verif.registry.runs.lineage import file_digest
from verif.system.files import write_json
from verif.types import Instruction

pytestmark = pytest.mark.slow

BODIES = {"prepare": prepare, "policy": policy, "judge": judge, "verifier": verifier}


@pytest.fixture
def project(stage, monkeypatch: pytest.MonkeyPatch):
    """A project's root whose stages only write a report, a picture and the splits."""
    raw = stage.recipe.model_dump(mode="json", by_alias=True)
    (stage.root / "recipes").mkdir()
    (stage.root / "recipes" / "t.yaml").write_text(yaml.safe_dump(raw))
    (stage.root / "params.yaml").write_text(yaml.safe_dump({"recipe": "t", "data": "data"}))

    def body(context, record) -> None:
        rows = [Instruction(id="1", prompt="x")]
        for name in ("golden", "policy_pairs", "judge_pairs", "train"):
            write_instructions(context.data / f"{name}.parquet", rows, source="s", split="train")
        for name in ("data", "policy", "judge", "verifier"):
            write_json(context.reports / f"{name}.json", {"fit": True, "loss": {"last": 0.25}, "word": "x"})
        (context.reports / "verifier").mkdir(exist_ok=True)
        (context.reports / "verifier" / "attacks.svg").write_text("<svg/>")

    for module in BODIES.values():
        monkeypatch.setattr(module, "run", body)
    monkeypatch.chdir(stage.root)
    return stage


def command(monkeypatch: pytest.MonkeyPatch, name: str) -> int:
    monkeypatch.setattr(sys, "argv", ["verif", "stage", name])
    try:
        main()
    except SystemExit as ended:
        return int(ended.code or 0)
    return 0


@pytest.mark.parametrize("name", BODIES)
def test_a_stage_leaves_parameters_numbers_pictures_and_data(project, monkeypatch, name: str) -> None:
    parent = runs.start_run(project)
    assert command(monkeypatch, name) == 0
    mlflow = tracking.client(project.root)
    where = tracking.experiment(mlflow, project)
    (run,) = mlflow.search_runs([where], f"tags.`verif.stage` = '{name}'")
    assert run.data.tags["mlflow.parentRunId"] == parent
    assert run.info.status == "FINISHED"
    assert run.data.params["seed"] == "1"
    assert {key.split(".")[0] for key in run.data.params} == set(recording.RECORDS[name].sections)
    assert (run.data.metrics["fit"], run.data.metrics["loss/last"]) == (1.0, 0.25)
    assert run.data.metrics["seconds/total"] >= 0
    wanted = {"prepare": {"golden", "policy_pairs", "judge_pairs", "train"}, "verifier": {"golden"}}
    used = {one.dataset.name: one.dataset.digest for one in run.inputs.dataset_inputs}
    assert set(used) == wanted.get(name, {f"{name}_pairs"})
    assert all(used[split] == file_digest(project.data / f"{split}.parquet") for split in used)
    kept = {found.path for found in mlflow.list_artifacts(run.info.run_id)}
    assert f"{recording.RECORDS[name].report}.json" in kept
    pictures = [found.path for found in mlflow.list_artifacts(run.info.run_id, "verifier")]
    assert pictures == (["verifier/attacks.svg"] if name == "verifier" else [])


def test_a_stage_that_fails_is_a_failed_run(project, monkeypatch) -> None:
    def broken(context, record) -> None:
        raise ValueError("no")

    monkeypatch.setattr(prepare, "run", broken)
    with pytest.raises(ValueError, match="no"):
        command(monkeypatch, "prepare")
    mlflow = tracking.client(project.root)
    (run,) = mlflow.search_runs([tracking.experiment(mlflow, project)], "tags.`verif.stage` = 'prepare'")
    assert run.info.status == "FAILED"


def test_without_mlflow_the_stage_works_and_nothing_is_recorded(project, monkeypatch) -> None:
    monkeypatch.setattr(recording, "find_spec", lambda name: None)
    assert command(monkeypatch, "prepare") == 0
    assert (project.reports / "data.json").is_file()
    mlflow = tracking.client(project.root)
    assert mlflow.get_experiment_by_name(tracking.experiment_name(project)) is None


def test_an_unreachable_mlflow_ends_the_stage_before_it_begins(project, monkeypatch, capsys) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    assert command(monkeypatch, "prepare") == 2
    assert "MLflow at http://127.0.0.1:9 failed while connecting" in capsys.readouterr().err
    assert not (project.reports / "data.json").exists()


def test_numbers_are_found_at_any_depth() -> None:
    found = recording.numbers({"a": {"b": 1, "c": [1]}, "d": True, "e": None, "f": "x"})
    assert found == {"a/b": 1.0, "d": 1.0}
