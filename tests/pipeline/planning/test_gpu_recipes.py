"""What a recipe on GPUs needs is there or missed at once: steady judges, lm-eval, servers on GPUs, one MLflow run."""

from pathlib import Path

import pytest

from verif.cluster.admission import ENVIRONMENT
from verif.cluster.config import load_cluster
from verif.cluster.request import StageRequest
from verif.cluster.verifier import judge_deployment
from verif.errors import SetupError
from verif.pipeline.planning import missing
from verif.pipeline.planning.placement import Placed
from verif.project import Stage
from verif.recipe import HubModel, load_recipe
from verif.service import __main__ as service
from verif.system import serving
from verif.system.check import Check, failures
from verif.training import preflight

ROOT = Path(__file__).resolve().parents[3]
RECIPES = ROOT / "recipes"
GPU = ["tulu3-8b", "dpo-tulu3-8b", "r1-qwen-7b", "qwen-multi-node"]


# ------------------------------------------------------------------------------------------ verdicts
def test_a_judge_on_gpus_does_not_depend_on_who_else_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    """The gate allows no flip by default, and an ordinary batched judge flips some."""
    monkeypatch.delenv(serving.BATCH_INVARIANT, raising=False)
    assert serving.environment(8, steady=True)[serving.BATCH_INVARIANT] == "1"
    assert serving.BATCH_INVARIANT not in serving.environment(8)
    assert serving.BATCH_INVARIANT not in serving.environment(0, steady=True)
    monkeypatch.setenv(serving.BATCH_INVARIANT, "0")  # an older GPU
    assert serving.environment(8, steady=True)[serving.BATCH_INVARIANT] == "0"


def test_the_service_starts_its_judge_so(monkeypatch: pytest.MonkeyPatch) -> None:
    from types import SimpleNamespace

    given: dict[str, object] = {}
    monkeypatch.setattr(serving, "start", lambda *_, **more: given.update(more))
    recipe = load_recipe("tulu3-8b", RECIPES)
    service.start_judge(SimpleNamespace(recipe=recipe, judge_model=Path("m"), folder=Path("f"), judge_gpus=8))  # type: ignore[arg-type]
    assert given["steady"] is True
    assert given["gpus"] == 8


@pytest.mark.parametrize("name", GPU)
def test_a_judge_on_the_cluster_is_as_steady(name: str) -> None:
    recipe = load_recipe(name, RECIPES)
    assert isinstance(recipe.judge, HubModel)
    pinned = recipe.judge.model_copy(update={"revision": "r", "digest": "d"})
    made = judge_deployment(recipe, load_cluster(ROOT / "infra" / "cluster.example.yaml"), pinned)
    (container,) = made["spec"]["template"]["spec"]["containers"]
    assert {"name": serving.BATCH_INVARIANT, "value": "1"} in container["env"]
    assert serving.BATCH_INVARIANT in ENVIRONMENT  # or the cluster's own policy refuses the pod


# ------------------------------------------------------------------------------------------- lm-eval
def stage(name: str, root: Path, **resources: object) -> Stage:
    recipe = load_recipe(name, RECIPES)
    if resources:
        train = recipe.resources["train"]
        recipe = recipe.model_copy(
            update={"resources": {**recipe.resources, "evaluate": train.model_copy(update=resources)}}
        )
    return Stage(root, recipe, root)


def test_training_does_not_begin_where_lm_eval_will_be_missed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def looked_at(name: str, **resources: object) -> list[Check]:
        return preflight.train_checks(stage(name, tmp_path, **resources).recipe, {"RAY_AUTH_MODE": "token"})

    assert not failures(looked_at("tulu3-8b"))
    monkeypatch.setattr(preflight, "find_spec", lambda _: None)
    with pytest.raises(SetupError, match=r"does not begin.* gsm8k.* lm-eval is not installed"):
        preflight.check(stage("tulu3-8b", tmp_path))
    assert looked_at("local") == []  # which asks for none
    assert looked_at("tulu3-8b", executor="local") == []  # and evaluates elsewhere


def test_the_plan_says_so_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def named(name: str) -> list[str]:
        here = Placed("evaluate", "local", "process", 1, 0, "", 2, 12, 24)
        return [need.what for need in missing.needs(load_recipe(name, RECIPES), (here,), ROOT)]

    assert "package lm-eval" in named("tulu3-8b")
    assert "package lm-eval" not in named("local")


def test_the_plan_asks_what_training_will_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    """One list: what training refuses where it would start stands in the plan before."""
    monkeypatch.delenv("RAY_AUTH_MODE", raising=False)
    recipe = load_recipe("local", RECIPES)
    several = recipe.model_copy(update={"train": recipe.train.model_copy(update={"nodes": 2})})
    here = Placed("train", "local", "process", 2, 0, "", 2, 12, 24)
    told = {need.what: need.ok for need in missing.needs(several, (here,), ROOT)}
    assert {check.what: check.ok for check in preflight.train_checks(several, {})}.items() <= told.items()
    assert told["Ray over 2 nodes"] is False


# -------------------------------------------------------------------------------- `verif bench run`
def test_a_benchmark_is_served_on_the_gpus_that_the_recipe_evaluates_on(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The nightly evaluation of the champion is this command."""
    from typer.testing import CliRunner

    from verif.cli.app import app
    from verif.evaluation import catalog, run

    used: list[int] = []

    def answers(*_: object, gpus: int) -> None:
        used.append(gpus)
        raise SetupError("enough")

    monkeypatch.setattr("verif.project.load_stage", lambda: stage("tulu3-8b", tmp_path))
    monkeypatch.setattr(catalog, "load", lambda *_: [])
    monkeypatch.setattr(run, "answer_all", answers)
    for arguments in (["run", "ifeval"], ["run", "ifeval", "--gpus", "0"]):
        assert isinstance(CliRunner().invoke(app("bench"), arguments).exception, SetupError)
    assert used == [2, 0]


# -------------------------------------------------------------------------------------- one MLflow run
def test_a_pod_nests_its_run_under_the_executions(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from verif.registry.runs.pipeline_run import PARENT_VARIABLE, parent_run

    recipe = load_recipe("tulu3-8b", RECIPES)
    told = StageRequest(recipe, "train", "c" * 40, parent="run-1").environment
    assert told[PARENT_VARIABLE] == "run-1"
    assert set(told) <= set(ENVIRONMENT)
    assert not StageRequest(recipe, "train", "c" * 40).environment[PARENT_VARIABLE]  # as if it were not set
    monkeypatch.setenv(PARENT_VARIABLE, told[PARENT_VARIABLE])
    assert parent_run(Stage(tmp_path, recipe, tmp_path)) == "run-1"
