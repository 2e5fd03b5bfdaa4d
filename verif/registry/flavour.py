"""A registered version as MLflow's own users know one: an MLmodel with the transformers flavour, for chat.

MLflow writes the description itself, from the small files of the model's folder. The weights are not among them: they
are uploaded once, from where they lie, and neither loaded nor copied for it.
"""

from __future__ import annotations

import importlib.metadata
import shutil
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import yaml

CHAT = "llm/v1/chat"
INNER = "model"
"""The folder beside the MLmodel that holds the model in Hugging Face form."""
WEIGHTS = (".safetensors", ".bin", ".pt")
EXAMPLE = {
    "messages": [{"role": "user", "content": "Describe the harbour in two sentences."}],
    "max_tokens": 64,
}
GREEDY = {"do_sample": False, "max_new_tokens": 256}
"""As `verif serve` is asked by default; who wants sampling loads the model in transformers' own form."""
_PINNED = ("mlflow", "torch", "transformers")


def can_describe(model: Path) -> bool:
    """Whether the folder is a model with a tokenizer, and this environment knows its library."""
    return (
        (model / "config.json").is_file()
        and (model / "tokenizer_config.json").is_file()
        and all(find_spec(library) for library in ("torch", "transformers"))
    )


def describe(model: Path, name: str, folder: Path) -> Path:
    """Write everything but the weights of an MLflow model below `folder`; returns the place of its MLmodel."""
    import mlflow.transformers

    small, described = folder / "small", folder / "described"
    small.mkdir(parents=True)
    for path in model.iterdir():
        if path.is_file() and not is_weights(path):
            shutil.copy(path, small)
    mlflow.transformers.save_model(
        str(small),
        path=described,
        task=CHAT,
        input_example=EXAMPLE,
        pip_requirements=[f"{library}=={importlib.metadata.version(library)}" for library in _PINNED],
        model_config=GREEDY,
        model_card=_Card(name),
    )
    written = described / "MLmodel"
    content: dict[str, Any] = yaml.safe_load(written.read_text("utf-8"))
    content["flavors"]["transformers"]["source_model_name"] = name  # was a temporary folder
    content["model_size_bytes"] = sum(path.stat().st_size for path in model.rglob("*") if path.is_file())
    written.write_text(yaml.safe_dump(content, sort_keys=False), "utf-8")
    return described


def is_weights(path: Path) -> bool:
    """Whether a file of a model holds weights."""
    return path.suffix in WEIGHTS


class _Card:
    """What MLflow asks of a model card; without one it looks for it on a hub."""

    def __init__(self, name: str) -> None:
        self.text, self.data = f"# {name}\n", _Licence()

    def __str__(self) -> str:
        return self.text


class _Licence:
    license = None
    license_name = None

    def to_dict(self) -> dict[str, str]:
        """No metadata of a hub."""
        return {}
