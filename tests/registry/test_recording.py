"""`verif stage` of the four stages before training leaves a nested run in a real MLflow, whatever their bodies do."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import pytest
import yaml
from mlflow import MlflowClient

from verif.cli.app import main
from verif.core.instruction_files import write_instructions
from verif.errors import RegistryError
from verif.pipeline.stages import judge, policy, prepare, verifier
from verif.registry.runs import mlflow as tracking
from verif.registry.runs import outbox, recording
from verif.registry.runs import pipeline_run as runs
from verif.registry.runs.lineage import file_digest
from verif.registry.runs.messages import deliver
from verif.registry.runs.numbers import numbers
from verif.registry.runs.stage_run import stage_run
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


def test_what_a_stage_says_waits_for_an_mlflow_that_is_down(project, monkeypatch, capsys) -> None:
    with monkeypatch.context() as down:
        down.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
        assert command(down, "prepare") == 0
    assert "MLflow at http://127.0.0.1:9 failed while connecting" in capsys.readouterr().out
    assert (project.reports / "data.json").exists()
    assert command(monkeypatch, "policy") == 0
    assert "what waited of prepare was sent" in capsys.readouterr().out
    mlflow = tracking.client(project.root)
    (run,) = mlflow.search_runs([tracking.experiment(mlflow, project)], "tags.`verif.stage` = 'prepare'")
    assert (run.info.status, run.data.metrics["loss/last"], run.data.params["seed"]) == (
        "FINISHED",
        0.25,
        "1",
    )
    assert "data.json" in {found.path for found in mlflow.list_artifacts(run.info.run_id)}
    assert not list(outbox.folder(project.root).glob("*"))


def test_an_mlflow_that_takes_no_files_gets_them_later(project, monkeypatch, capsys) -> None:
    with monkeypatch.context() as refused:
        refused.setattr(MlflowClient, "log_artifact", lambda *_: (_ for _ in ()).throw(OSError("no access")))
        assert command(refused, "prepare") == 0
        assert capsys.readouterr().out.count("no access") == 1
        assert command(refused, "policy") == 0
        assert "1 files of prepare could not be uploaded" in capsys.readouterr().out
    mlflow = tracking.client(project.root)
    (run,) = mlflow.search_runs([tracking.experiment(mlflow, project)], "tags.`verif.stage` = 'prepare'")
    assert (run.info.status, run.data.metrics["loss/last"]) == ("FINISHED", 0.25)
    assert command(monkeypatch, "judge") == 0
    assert "data.json" in {found.path for found in mlflow.list_artifacts(run.info.run_id)}


def test_what_a_killed_stage_half_wrote_stops_nobody(project, monkeypatch, capsys) -> None:
    with monkeypatch.context() as down:
        down.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
        assert command(down, "prepare") == 0
    (waiting,) = outbox.folder(project.root).glob("*.jsonl")
    whole = waiting.read_bytes().splitlines(keepends=True)
    waiting.write_bytes(b"".join(whole[:-1]) + whole[-1][:7])
    waiting.with_name("empty.jsonl").touch()
    waiting.with_name("headless.jsonl").write_bytes(whole[1])
    capsys.readouterr()
    assert command(monkeypatch, "policy") == 0
    said = capsys.readouterr().out
    assert "what waited of prepare was sent; half-written lines left out: 1" in said
    assert "empty.jsonl does not say whose it is" in said
    assert "headless.jsonl does not say whose it is" in said
    assert not list(outbox.folder(project.root).glob("*.jsonl"))


def test_of_many_numbers_sixty_are_shown_and_the_rest_is_a_table(project) -> None:
    with stage_run(project, "evaluate") as run:
        run.metrics(numbers({"deep": {f"n{i}": {"value": i, "low": i} for i in range(50)}, "top": 1.0}))
        run.params({f"p{i}": i for i in range(80)})
    mlflow = tracking.client(project.root)
    kept = mlflow.get_run(run.run_id)
    assert len(kept.data.metrics) == len(kept.data.params) == 60
    assert kept.data.metrics["top"] == 1.0
    assert {f"deep/n{i}/value" for i in range(50)} < set(kept.data.metrics)
    assert {"more-metrics.json", "more-params.json"} <= {f.path for f in mlflow.list_artifacts(run.run_id)}


def test_an_experiment_that_was_deleted_comes_back(project, capsys) -> None:
    mlflow = tracking.client(project.root)
    where = tracking.experiment(mlflow, project)
    assert "Sort by `gain`" in mlflow.get_experiment(where).tags["mlflow.note.content"]
    mlflow.delete_experiment(where)
    assert tracking.experiment(mlflow, project) == where
    assert "had been deleted in MLflow; it is restored" in capsys.readouterr().out
    mlflow.rename_experiment(where, "ours")
    assert tracking.experiment(mlflow, project) != where
    assert "was renamed to ours in MLflow: its runs stay there" in capsys.readouterr().out


@pytest.mark.parametrize(
    "place", ["/mlartifacts/1/r/artifacts", "file:///mlartifacts/1", "mlflow-artifacts:/1", "s3://b/1"]
)
def test_a_server_elsewhere_with_files_of_its_own_disk_is_one_line(place: str, tmp_path) -> None:
    class Remote:
        tracking_uri = "https://me:secret@mlflow.example.org"

        def get_run(self, _: str) -> SimpleNamespace:
            return SimpleNamespace(info=SimpleNamespace(artifact_uri=place))

        def log_artifact(self, *arguments: str) -> None:
            uploaded.append(arguments)

    uploaded: list[tuple[str, ...]] = []
    (tmp_path / "data.json").write_text("{}")
    message = {"path": str(tmp_path / "data.json"), "folder": ""}
    if place.startswith(("/", "file:")):
        with pytest.raises(RegistryError, match="keeps files in a folder of its own") as refused:
            deliver(Remote(), "r", "artifact", message)
        assert "secret" not in str(refused.value)
        assert uploaded == []
    else:
        deliver(Remote(), "r", "artifact", message)
        assert len(uploaded) == 1


def test_numbers_are_found_at_any_depth() -> None:
    found = numbers({"a": {"b": 1, "c": [1]}, "d": True, "e": None, "f": "x"})
    assert found == {"a/b": 1.0, "d": 1.0}
