"""`verif plan` for every recipe, its arithmetic, and what it says to wrong questions."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from verif.cli.app import app
from verif.pipeline.planning.hardware import GPUS
from verif.pipeline.planning.memory import policy_memory
from verif.pipeline.planning.pace import JUDGES, mean_service, pace, simulate
from verif.pipeline.planning.shapes import SHAPES, shape_of
from verif.project import STAGES
from verif.recipe import HubModel, ScratchModel, load_recipe

ROOT = Path(__file__).resolve().parents[3]
HERE = Path(__file__).parent
RECIPES = sorted(path.stem for path in (ROOT / "recipes").glob("*.yaml"))


@pytest.fixture(autouse=True)
def at_the_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


def plan(*arguments: str, code: int = 0) -> str:
    done = CliRunner().invoke(app("plan"), list(arguments))
    if done.exit_code != code:
        raise AssertionError(done.output) from done.exception
    return done.output


def refusal(*arguments: str) -> str:
    done = CliRunner().invoke(app("plan"), list(arguments))
    assert done.exit_code != 0
    return str(done.exception or done.output)


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_has_a_plan(name):
    text = plan(name)
    for part in (
        "Stages",
        "prepare",
        "register",
        "verl.trainer.main_ppo",
        "Memory",
        "Time",
        "Disk",
        "On this machine",
    ):
        assert part in text
    found = json.loads(plan(name, "--json"))
    assert [one["stage"] for one in found["stages"]] == list(STAGES)
    assert {"memory", "disk", "time", "needs"} <= set(found)


@pytest.mark.slow
def test_a_plan_asks_no_network(monkeypatch):
    import socket

    def refuse(*_: object) -> None:
        raise AssertionError("a plan opened a connection")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    plan("tulu3-8b")
    plan("tulu3-8b", "--simulate", "--json")


def test_the_command_can_be_pasted_into_a_shell():
    text = plan("local").split("Command of the train stage\n")[1].split("\n\n")[0]
    words = shlex.split(text.replace("\\\n", ""))
    assert words == json.loads(plan("local", "--json"))["command"]


def test_unpinned_models_and_data_are_missing():
    needs = {one["what"]: one for one in json.loads(plan("tulu3-8b", "--json"))["needs"]}
    assert not needs["pins"]["ok"]
    assert "verif recipe pin tulu3-8b" in needs["pins"]["fix"]
    assert not needs["instructions"]["ok"]
    assert "benchmark-files/ifeval.jsonl does not exist" in needs["benchmark ifeval"]["detail"]


def test_where_stages_run():
    kinds = {one["stage"]: one["runs_as"] for one in json.loads(plan("qwen-multi-node", "--json"))["stages"]}
    assert kinds["train"] == "RayJob"
    assert kinds["policy"] == "Job"
    assert kinds["prepare"] == "local process"
    assert kinds["verifier"].startswith("Deployments")


@pytest.mark.parametrize(
    ("repo", "billions"),
    [
        ("Qwen/Qwen2.5-0.5B-Instruct", 0.49),
        ("deepseek-ai/DeepSeek-R1-Distill-Qwen-7B", 7.62),
        ("allenai/Llama-3.1-Tulu-3-8B-SFT", 8.03),
        ("Qwen/QwQ-32B", 32.8),
    ],
)
def test_parameters_are_the_published_ones(repo, billions):
    """Published: model cards (0.49B, 7.61B, 8.03B, 32.5B or 32.8B)."""
    assert SHAPES[repo].parameters / 1e9 == pytest.approx(billions, rel=0.01)


def test_a_scratch_models_parameters_are_those_of_the_model_itself():
    transformers = pytest.importorskip("transformers")
    section = ScratchModel()
    made = transformers.Qwen2ForCausalLM(
        transformers.Qwen2Config(
            vocab_size=section.vocabulary, hidden_size=section.width, num_hidden_layers=section.layers,
            num_attention_heads=section.heads, num_key_value_heads=section.heads,
            intermediate_size=section.ffn, tie_word_embeddings=True,
        )
    )  # fmt: skip
    shape = shape_of(section)
    assert shape is not None
    assert shape.parameters == sum(p.numel() for p in made.parameters())


def test_state_per_gpu_is_sixteen_bytes_a_parameter_shared_out():
    recipe = load_recipe("tulu3-8b")
    values = {one.what: one.value for one in policy_memory(recipe, GPUS["H800"])}
    n = SHAPES["allenai/Llama-3.1-Tulu-3-8B-SFT"].parameters
    state = values["weights (fp32)"] + values["gradients (fp32)"] + values["Adam moments (fp32)"]
    assert state == pytest.approx(16 * n / 8 / 1e9)
    assert values["KV cache per token"] == pytest.approx(2 * 32 * 8 * 128 * 2 / 2 / 1e3)
    assert values["room on a H800 SXM"] > 0


def test_an_unknown_shape_is_said_not_guessed():
    recipe = load_recipe("tulu3-8b")
    other = recipe.model_copy(update={"policy": HubModel(kind="hub", repo="someone/else")})
    (only,) = policy_memory(other, GPUS["H800"])
    assert only.value is None
    assert "someone/else" in only.arithmetic


def test_the_papers_step_is_met_when_judging_waits_for_generation():
    """arXiv 2506.09942: judging a batch takes 180 s and is about 80% of a step."""
    recipe = load_recipe("tulu3-8b")
    shape = shape_of(recipe.policy)
    assert shape is not None
    found = simulate(pace(recipe.train, shape, GPUS["H800"]), JUDGES["Qwen/QwQ-32B"], 1, overlapped=False)
    assert found.idle_share == pytest.approx(0.8, abs=0.05)
    assert found.wait_s == pytest.approx(180, rel=0.1)
    assert mean_service(JUDGES["Qwen/QwQ-32B"]) < 45


@pytest.mark.slow
def test_the_scale_table(tmp_path):
    picture = tmp_path / "judges.svg"
    found = json.loads(plan("tulu3-8b", "--simulate", "--json", "--picture", str(picture)))
    assert [one["gpus"] for one in found["sizes"]] == [8, 64, 512]
    for one in found["sizes"]:
        idle = [row["idle_share"] for row in one["rows"]]
        assert idle == sorted(idle, reverse=True)
        assert all(0 <= share <= 1 for share in idle)
        assert all(row["after_s"] >= row["step_s"] for row in one["rows"])
        enough = next(row for row in one["rows"] if row["judges"] == one["enough"])
        assert enough["idle_share"] <= one["floor"] + 0.02 + 1e-9
    assert "<svg" in picture.read_text("utf-8")
    synced = {(row["sync_every"], row["judges"]): row for row in found["syncs"]}
    assert {every for every, _ in synced} == {1, 5, 10, 20}
    for judges in (1, 2, 4):
        times = [synced[every, judges]["step_s"] for every in (1, 5, 10, 20)]
        assert times == sorted(times, reverse=True), "a longer cycle awaits its slowest rollout less often"


@pytest.mark.slow
def test_fit_and_check_print_each_step_and_the_total():
    arguments = [
        "local",
        "--simulate",
        "--fit",
        str(HERE / "run-128.json"),
        "--check",
        str(HERE / "run-64.json"),
    ]
    text = plan(*arguments)
    assert "Fitted" in text
    assert text.count("All steps together") == 2
    found = json.loads(plan(*arguments, "--json"))
    assert abs(found["check"]["total_error"]) < 0.15
    assert {one["rollouts"] for one in found["check"]["steps"]} == {64}


def test_wrong_questions_are_refused():
    assert "unknown recipe 'nothing'" in refusal("nothing")
    assert "Known recipes" in refusal("nothing")
    assert "belong to --simulate" in refusal("local", "--fit", "x")
    assert "--check needs" in refusal("local", "--simulate", "--check", "x")
    assert "--fit RUN_FOLDER" in refusal("local", "--simulate")
    assert "named .svg or .png" in refusal("tulu3-8b", "--simulate", "--picture", "x.txt")
    assert "no training run" in refusal("local", "--simulate", "--fit", "nowhere")
    assert "not of the form" in refusal("local", "--set", "x")
    assert refusal("local", "--faster") == "2"  # typer's exit code for a flag that does not exist


def test_an_override_is_planned():
    rollouts = {
        one["what"]: one["value"]
        for one in json.loads(plan("local", "--set", "train.rollouts_per_prompt=4", "--json"))["time"]
    }
    assert rollouts["rollouts of a step"] == 64


def labelled_need(*arguments: str) -> dict[str, object] | None:
    needs = json.loads(plan(*arguments, "--json"))["needs"]
    return next((one for one in needs if one["what"] == "labelled responses"), None)


@pytest.mark.parametrize("name", ["tulu3-8b", "r1-qwen-7b", "qwen-multi-node"])
def test_a_judge_without_labelled_responses_is_said_before_anything_runs(name):
    for given in ("recipes/labelled/not-made-yet.jsonl", "''"):
        found = labelled_need(name, "--set", f"data.labelled={given}")
        assert found is not None
        assert not found["ok"]
        assert "the judge cannot be audited and training will refuse" in found["detail"]
        assert "docs/audit.md" in found["fix"]


def test_too_few_labelled_responses_are_counted():
    found = labelled_need("tulu3-8b", "--set", "data.labelled=recipes/labelled/example.jsonl")
    assert found is not None
    assert not found["ok"]
    assert "3 responses, 2 keep all soft constraints, 1 do not; at least 20 of each" in found["detail"]


@pytest.mark.parametrize("name", ["local", "qwen-0.5b-cpu", "verinstruct-tiny"])
def test_what_needs_no_labels_asks_for_none(name):
    assert labelled_need(name) is None
