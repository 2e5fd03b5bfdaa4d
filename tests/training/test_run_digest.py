"""A run's name holds all that decides its result: old weights are never the new commit's product."""

import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from verif.project import Stage
from verif.recipe import parse_recipe
from verif.training import launch

RECIPE = {"name": "t", "data": {"kind": "world"}, "policy": {"kind": "scratch"}, "judge": {"kind": "scratch"}}
ENDPOINT = SimpleNamespace(identity="v1")


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    (tmp_path / "models" / "policy").mkdir(parents=True)
    (tmp_path / "models" / "policy" / "model.safetensors").write_bytes(b"w")
    (tmp_path / "data").mkdir()
    for name in ("train", "validation"):
        (tmp_path / "data" / f"{name}.parquet").write_bytes(name.encode())
    return Stage(tmp_path, parse_recipe(RECIPE, "test"), tmp_path / "data")


@pytest.mark.parametrize("package", ["verl", "vllm", "torch"])
def test_another_version_of_what_trains_is_another_run(stage, monkeypatch, package):
    before = launch.run_digest(stage, ENDPOINT)
    assert before == launch.run_digest(stage, ENDPOINT)
    real = launch.installed
    monkeypatch.setattr(launch, "installed", lambda name: "9.9" if name == package else real(name))
    assert launch.run_digest(stage, ENDPOINT) != before


def test_other_code_that_trains_is_another_run(stage, monkeypatch, tmp_path):
    copy = tmp_path / "training"
    shutil.copytree(Path(launch.__file__).parent, copy, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(launch, "__file__", str(copy / "launch.py"))
    before = launch.run_digest(stage, ENDPOINT)
    (copy / "verl" / "advantage.py").open("a").write("\nEXTRA = 1\n")
    assert launch.run_digest(stage, ENDPOINT) != before


@pytest.mark.parametrize("name", ["train", "validation"])
def test_other_data_or_another_verifier_is_another_run(stage, name):
    before = launch.run_digest(stage, ENDPOINT)
    (stage.data / f"{name}.parquet").write_bytes(b"other")
    assert launch.run_digest(stage, ENDPOINT) != before
    after = launch.run_digest(stage, ENDPOINT)
    assert launch.run_digest(stage, SimpleNamespace(identity="v2")) != after
