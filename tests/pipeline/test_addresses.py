"""Where a build's models are asked: at one address for all, or each at its own; what is unclear is one error before any call."""

from __future__ import annotations

import json
from pathlib import Path

import orjson
import pytest

from benchmarks.build_standin import BuildStandin, serving
from benchmarks.build_world import world_pairs
from verif.errors import SetupError
from verif.pipeline.addresses import connected
from verif.pipeline.building import build_rows
from verif.recipe import BuildModel, BuildRecipe, load_build

ROOT = Path(__file__).resolve().parents[2]
WORLD = load_build(ROOT / "recipes" / "builds" / "world.yaml")
A, B = "http://127.0.0.1:9/v1", "http://127.0.0.1:10/v1"


def asked(urls: list[str], recipe: BuildRecipe = WORLD) -> list[list[str]]:
    """The addresses of the first and of the second model."""
    writers = [model for model in (recipe.first, recipe.second) if model is not None]
    connect = connected(urls, recipe, writers)
    return [[endpoint.url for endpoint in connect(model, {}).endpoints] for model in writers]


def test_an_address_serves_all_models_or_one() -> None:
    assert asked([A, B]) == [[A, B], [A, B]]
    assert asked([f"standin-1={A}", f"standin-2={B}"]) == [[A], [B]]
    assert asked([A, f"standin-2={B}"]) == [[A], [B]]
    assert asked([f"standin-1={A}", f"standin-1={B}", f"standin-2={B}"]) == [[A, B], [B]]


def test_a_name_may_hold_a_path(monkeypatch: pytest.MonkeyPatch) -> None:
    models = {"first": BuildModel(name="org/one"), "second": BuildModel(name="org/two")}
    monkeypatch.setenv("VERIF_BUILD_URL", f"org/one={A}, org/two={B}")
    assert asked([], WORLD.model_copy(update=models)) == [[A], [B]]


@pytest.mark.parametrize(
    ("urls", "said"),
    [
        ([f"standin-1={A}"], "no address serves the model 'standin-2'"),
        ([A, f"other={B}"], "does not name"),
        (["127.0.0.1:9/v1"], "no address of a model"),
        (["standin-1="], "no address of a model"),
        (["file:///etc/passwd"], "no address of a model"),
        (["http://"], "no address of a model"),
        (["https://[", A], "no address of a model"),
    ],
)
def test_what_is_no_address_or_nobodys_is_an_error(urls: list[str], said: str) -> None:
    with pytest.raises(SetupError, match=said):
        asked(urls)


@pytest.mark.parametrize(
    "urls", [["zz=http://me:SECRET@h/v1"], ["standin-1=http://me:SECRET@h/v1"], ["ftp://me:SECRET@h"]]
)
def test_an_error_shows_no_password(urls: list[str]) -> None:
    with pytest.raises(SetupError) as caught:
        asked(urls)
    assert "SECRET" not in str(caught.value)


def test_each_model_is_asked_at_its_own_server(tmp_path: Path) -> None:
    """Two servers of one model each, as vLLM's are: neither is asked for the other's model."""
    pairs = tmp_path / "pairs.jsonl"
    pairs.write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in world_pairs(4, 1)[0]))
    with serving(BuildStandin()) as first, serving(BuildStandin()) as second:
        urls = (f"standin-1={first.url}", f"standin-2={second.url}")
        outcome = build_rows(pairs, tmp_path / "rows.jsonl", WORLD, lambda *_: None, urls)
    assert outcome.card["left"] == 0
    calls = [json.loads(line) for line in (tmp_path / "rows.calls.jsonl").read_text().splitlines()]
    models = {model: sum(call["model"] == model for call in calls) for model in ("standin-1", "standin-2")}
    assert (first.sent.total(), second.sent.total()) == (models["standin-1"], models["standin-2"])
    assert min(models.values()) > 0
