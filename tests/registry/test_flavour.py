"""A registered version is an MLflow model: it loads as one, answers as the model itself, and its weights went up once."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from mlflow import MlflowClient

from verif.recipe import ScratchModel
from verif.registry import flavour, versions
from verif.registry.reconcile import register
from verif.registry.store import open_registry

pytestmark = pytest.mark.slow
PROMPTS = [
    f"Write {what} about the {place}." for what in ("a line", "a note") for place in ("sea", "pier", "tide")
]


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random model with a tokenizer, in the form that training leaves."""
    import torch

    from verif.training.tiny import pretrain, tokenizer

    folder = tmp_path_factory.mktemp("weights") / "trained"
    torch.manual_seed(3)
    words = tokenizer.train(PROMPTS, 400, 128)
    section = ScratchModel(width=32, layers=2, heads=2, ffn=64, context=128)
    tokenizer.save(words, pretrain.make_model(section, words), folder, PROMPTS)
    return folder


@pytest.fixture
def registered(stage, refill, weights, monkeypatch):
    """The stage with this model registered, and the uploads that were made for it."""
    from verif.registry.report.collect import read_json
    from verif.system.files import digest_tree, write_json

    shutil.rmtree(stage.models / "trained")
    shutil.copytree(weights, stage.models / "trained")
    path = stage.reports / "evaluation.json"
    write_json(path, read_json(path) | {"models": {"trained": digest_tree(stage.models / "trained")}})
    uploads: list[Path] = []
    one, many = MlflowClient.log_artifact, MlflowClient.log_artifacts

    def log_artifact(self, run, local, place=None):
        uploads.append(Path(local))
        one(self, run, local, place)

    def log_artifacts(self, run, local, place=None):
        uploads.extend(p for p in Path(local).rglob("*") if p.is_file())
        many(self, run, local, place)

    monkeypatch.setattr(MlflowClient, "log_artifact", log_artifact)
    monkeypatch.setattr(MlflowClient, "log_artifacts", log_artifacts)
    monkeypatch.setattr("torch.load", None)
    monkeypatch.setattr("safetensors.torch.load_file", None)
    register(stage)
    return stage, uploads


def test_it_loads_and_answers_as_the_model_does(registered, monkeypatch) -> None:
    stage, uploads = registered
    assert [path for path in uploads if flavour.is_weights(path)] == [
        stage.models / "trained" / "model.safetensors"
    ]
    monkeypatch.undo()
    registry = open_registry(stage)
    import mlflow
    from transformers import AutoModelForCausalLM, AutoTokenizer

    mlflow.set_tracking_uri(registry.uri)
    mlflow.set_registry_uri(registry.uri)
    loaded = mlflow.pyfunc.load_model("models:/m@champion")
    assert loaded.metadata.flavors["transformers"]["task"] == "text-generation"
    assert loaded.metadata.signature is not None
    assert loaded.metadata.saved_input_example_info is not None
    words = AutoTokenizer.from_pretrained(stage.models / "trained")
    model = AutoModelForCausalLM.from_pretrained(stage.models / "trained")
    for prompt in PROMPTS:
        turn = [{"role": "user", "content": prompt}]
        (answer,) = loaded.predict({"messages": turn, "max_tokens": 12})
        asked = words.apply_chat_template(
            turn, add_generation_prompt=True, return_tensors="pt", return_dict=True
        )
        made = model.generate(**asked, max_new_tokens=12, do_sample=False)[0, asked["input_ids"].shape[1] :]
        assert (
            answer["choices"][0]["message"]["content"].strip()
            == words.decode(made, skip_special_tokens=True).strip()
        )
    assert mlflow.transformers.load_model("models:/m/1").task == "text-generation"
    place = versions.fetch(registry, registry.resolve("1"), stage.state)
    assert (place / "model.safetensors").read_bytes() == (
        stage.models / "trained" / "model.safetensors"
    ).read_bytes()
    assert not (place / "MLmodel").exists()
