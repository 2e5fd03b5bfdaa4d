"""The whole pipeline, for real: fresh clone to registered model, in the order a newcomer meets it.

The recipe is the local one with less of everything: fewer pairs and fewer steps. What is tested is that
every part meets the next one, not how much is learned: `make bench` measures that.
"""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections import Counter
from pathlib import Path

import pytest
from support.whole_runs import run

from verif.system.dvc import stage_names
from verif.system.processes import marked

pytestmark = pytest.mark.e2e

SMALLER = {
    "data.train": 400,
    "data.test": 40,
    "data.unseen": 40,
    "data.golden": 240,
    "data.validation": 8,
    "data.policy_pairs": 6000,
    "data.judge_pairs": 6000,
    "policy.steps": 300,
    "judge.steps": 300,
    "judge.harden": "{rounds: 1, prompts: 16, samples: 4, mutants: 80, steps: 40}",
    "verifier.pressure": "null",  # a policy of 300 steps is right too seldom to say anything
    "verifier.audit_items": 160,
    "verifier.gate.min_recall_false": 0,
    "verifier.gate.min_accept_true": 0,
    "verifier.gate.max_attack_success": 1,
    "verifier.gate.max_flip_rate": 1,
    "train.steps": 2,
    "train.learning_rate": 0.001,
    "train.prompts_per_step": 8,
    "train.rollouts_per_prompt": 4,
    "train.save_every": 1,
    "train.validate_every": 2,
    "train.watch.on_alarm": "warn",  # a judge of 300 steps is fooled by anything; repair has its own test
    "evaluate.bootstrap": 500,
    "evaluate.sft_control_steps": 100,
}


def settings(**more: object) -> list[str]:
    return [part for key, value in {**SMALLER, **more}.items() for part in ("--set", f"{key}={value}")]


@pytest.fixture(scope="module")
def finished(clone: Path, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """One run from nothing."""
    return run(clone, env, *settings())


def test_all_seven_stages_run_and_nothing_is_left(
    finished: subprocess.CompletedProcess[str], clone: Path
) -> None:
    assert finished.returncode == 0, finished.stderr[-3000:]
    assert "Stages that ran: prepare, policy, judge, verifier, train, evaluate, register." in finished.stdout
    for made in ("models/trained/config.json", "models/verifier/identity.json", "reports/evaluation.json"):
        assert (clone / made).is_file()
    assert "<html" in (clone / "reports" / "index.html").read_text()
    assert "<svg" in (clone / "reports" / "train" / "curve.svg").read_text()
    assert "## Evaluation" in (clone / "reports" / "card.md").read_text()
    left = marked(lambda value: value.startswith(f"{clone.resolve()}|"))
    assert left == [], [p.cmdline() for p in left]


def test_every_verification_is_accounted_for(finished: subprocess.CompletedProcess[str], clone: Path) -> None:
    report = json.loads((clone / "reports" / "train.json").read_text())
    said = Counter(report["verifications"]["rollouts"])
    served = Counter(report["verifications"]["served"])
    assert sum(said.values()) == report["rollouts"] == 2 * 8 * 4
    assert sum(served.values()) == sum(said.values()) + report["verifications"]["validation"]
    assert all(served[state] >= said[state] for state in said)
    assert report["reward_wait_share"]["mean"] is not None


def test_its_summary_says_before_and_after(finished: subprocess.CompletedProcess[str]) -> None:
    last = finished.stdout.strip().splitlines()[-5:]
    assert "of prompts followed before" in last[0], last
    assert last[2].startswith(("May go out", "May not go out"))
    assert last[4].startswith("Next: ")
    assert "Report: " in finished.stdout


def test_the_registered_version_loads_in_transformers(
    finished: subprocess.CompletedProcess[str], clone: Path, env: dict[str, str]
) -> None:
    listed = subprocess.run(
        ["verif", "models"], cwd=clone, env=env, capture_output=True, text=True, check=True
    ).stdout
    assert "candidate" in listed or "champion" in listed
    fetched = subprocess.run(
        ["verif", "models", "--fetch", "1"], cwd=clone, env=env, capture_output=True, text=True, check=True
    )
    from transformers import AutoModelForCausalLM, AutoTokenizer

    folder = fetched.stdout.strip().splitlines()[-1]
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder)
    inputs = tokenizer("Describe the harbour.", return_tensors="pt")
    assert model.generate(**inputs, max_new_tokens=4).shape[1] > inputs["input_ids"].shape[1]


def test_a_second_run_does_nothing(
    finished: subprocess.CompletedProcess[str], clone: Path, env: dict[str, str]
) -> None:
    models = (clone / "models" / "trained" / "model.safetensors").stat().st_mtime_ns
    again = run(clone, env, timeout=300)
    assert again.returncode == 0, again.stderr[-2000:]
    assert "Nothing had changed; no stage ran." in again.stdout
    assert (clone / "models" / "trained" / "model.safetensors").stat().st_mtime_ns == models


def test_bare_dvc_agrees_that_nothing_is_to_do(
    finished: subprocess.CompletedProcess[str], clone: Path, env: dict[str, str]
) -> None:
    done = subprocess.run(["dvc", "repro"], cwd=clone, env=env, capture_output=True, text=True, check=True)
    assert "Data and pipelines are up to date." in done.stdout
    shown = subprocess.run(
        ["dvc", "metrics", "show", "--json"], cwd=clone, env=env, capture_output=True, text=True, check=True
    )
    assert list(json.loads(shown.stdout)[""]["data"]) == ["reports/headline.json"]
    subprocess.run(
        ["dvc", "plots", "show", "-o", "plots-page"], cwd=clone, env=env, check=True, capture_output=True
    )
    assert (clone / "plots-page" / "index.html").is_file()


def test_an_empty_registry_is_filled_again_without_training(
    finished: subprocess.CompletedProcess[str], clone: Path, env: dict[str, str], tmp_path: Path
) -> None:
    other = env | {"MLFLOW_TRACKING_URI": f"sqlite:///{tmp_path}/other.db"}
    again = run(clone, other, timeout=300)
    assert again.returncode == 0, again.stderr[-2000:]
    listed = subprocess.run(
        ["verif", "models"], cwd=clone, env=other, capture_output=True, text=True, check=True
    )
    assert "candidate" in listed.stdout or "champion" in listed.stdout


def test_a_new_learning_rate_trains_again_and_prepares_nothing(
    finished: subprocess.CompletedProcess[str], clone: Path, env: dict[str, str]
) -> None:
    recipe = clone / "recipes" / "local.yaml"
    before = recipe.read_text()
    recipe.write_text(before.replace("learning_rate: 0.001", "learning_rate: 0.0007"))
    try:
        names = stage_names(clone)
        dry = subprocess.run(
            ["dvc", "repro", "--dry"], cwd=clone, env=env, capture_output=True, text=True, check=True
        )
        would_run = [name for name in names if f"Running stage '{name}'" in dry.stdout]
        assert "train" in would_run
        assert not {"prepare", "policy", "judge", "verifier"} & set(would_run)
    finally:
        recipe.write_text(before)


def test_the_scheduled_flows_work_on_what_it_left(
    finished: subprocess.CompletedProcess[str], clone: Path, env: dict[str, str]
) -> None:
    """The champion's scores, in a clone of its own to which policy and judge are brought; and rollouts judged again."""
    author = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
    subprocess.run(["git", *author, "commit", "-qam", "smaller", "--allow-empty"], cwd=clone, check=True)
    code = (
        "from flows.checks import evaluate_champion, rescore\n"
        "print(evaluate_champion(which='1', limit=6))\n"
        "print(rescore('local'))\n"
    )
    done = subprocess.run(
        ["python", "-c", code], cwd=clone, env=env, capture_output=True, text=True, timeout=900, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert "prompt_strict" in done.stdout
    assert "0 changed" in done.stdout  # the same verifier says the same


def test_ctrl_c_leaves_no_process_and_the_next_run_goes_on(
    finished: subprocess.CompletedProcess[str], clone: Path, env: dict[str, str]
) -> None:
    process = subprocess.Popen(
        ["verif", "run", "--set", "train.steps=3"],
        cwd=clone,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    prefix = f"{clone.resolve()}|"
    end = time.monotonic() + 240
    while not any("verif.service" in " ".join(p.cmdline()) for p in marked(lambda v: v.startswith(prefix))):
        assert process.poll() is None, process.communicate()[1][-2000:]
        assert time.monotonic() < end
        time.sleep(1)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 130, err[-2000:]
    assert err.strip().splitlines()[-1] == "verif: interrupted"
    assert marked(lambda v: v.startswith(prefix)) == []
    subprocess.run(["git", "diff", "--quiet", "params.yaml"], cwd=clone, check=True)
    status = json.loads(
        subprocess.run(
            ["dvc", "status", "--json"], cwd=clone, env=env, capture_output=True, text=True, check=True
        ).stdout
    )
    assert "train" in status
    assert not {"prepare", "policy", "judge", "verifier"} & set(status)
