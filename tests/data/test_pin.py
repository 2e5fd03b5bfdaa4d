"""`verif recipe pin` against a small hub on loopback that answers as the real one does."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from support.small_hub import MODEL, SHA, Hub

from verif.data.pin import unpinned
from verif.recipe import load_recipe

pytestmark = pytest.mark.slow

RECIPE = """\
# What this recipe is for.
name: t
data: {kind: world}
policy:
  kind: hub
  repo: org/policy   # the starting model
judge:
  kind: hub
  repo: org/judge
  revision: "v2"
evaluate:
  benchmarks:
    - name: ifeval
      repo: org/rows
      path: data/rows.jsonl
      limit: 3
    - name: world-test
"""


@pytest.fixture
def hub() -> Iterator[Hub]:
    found = Hub()
    threading.Thread(target=found.serve_forever, daemon=True).start()
    yield found
    found.shutdown()
    found.server_close()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "recipes").mkdir()
    (tmp_path / "recipes" / "t.yaml").write_text(RECIPE)
    return tmp_path


def run(project: Path, hub: Hub, code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    env = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy") and k != "HF_HUB_OFFLINE"}
    env |= {
        "HF_ENDPOINT": f"http://127.0.0.1:{hub.server_port}",
        "HF_HOME": str(project / "hf"),
        "HF_TOKEN": "x",
    }
    line = [sys.executable, "-c", code, *arguments]
    return subprocess.run(
        line, cwd=project, env=env, capture_output=True, text=True, timeout=120, check=False
    )


def pin(project: Path, hub: Hub, *more: str) -> subprocess.CompletedProcess[str]:
    return run(project, hub, "from verif.cli.app import main; main()", "recipe", "pin", "t", *more)


TAKE = """
from pathlib import Path
from verif.recipe import load_recipe
from verif.project import Stage
from verif.pipeline.stages.evaluate import load_suites
from verif.data.hub import fetch
recipe = load_recipe("t")
fetch(recipe.policy, Path("models/policy"), "policy")
print(len(load_suites(Stage(Path.cwd(), recipe.model_copy(update={"evaluate": recipe.evaluate.model_copy(
    update={"benchmarks": recipe.evaluate.benchmarks[:1]})}), Path.cwd()))[0].cases))
"""


def test_what_is_pinned_is_what_the_stages_take(project: Path, hub: Hub) -> None:
    assert pin(project, hub).returncode == 0
    done = run(project, hub, TAKE)
    assert (done.returncode, done.stdout.strip()) == (0, "1"), done.stderr
    assert {p.name for p in (project / "models" / "policy").iterdir()} == set(MODEL) - {"README.md"}


@pytest.mark.parametrize(
    ("repo", "name"), [("org/policy", "model.safetensors"), ("org/rows", "data/rows.jsonl")]
)
def test_other_bytes_than_the_pinned_ones_are_refused(project: Path, hub: Hub, repo: str, name: str) -> None:
    assert pin(project, hub).returncode == 0
    shutil.rmtree(project / "hf")
    hub.files[repo][name] += b" "
    done = run(project, hub, TAKE)
    assert done.returncode == 1
    assert "InputError" in done.stderr
    assert "has digest" in done.stderr


def test_every_place_is_pinned_and_the_rest_of_the_file_stays(project: Path, hub: Hub) -> None:
    done = pin(project, hub)
    assert done.returncode == 0, done.stderr
    text = (project / "recipes" / "t.yaml").read_text()
    made = yaml.safe_load(text)
    assert made["policy"]["revision"] == SHA["org/policy"]
    assert made["judge"]["revision"] == SHA["org/judge"]
    assert made["evaluate"]["benchmarks"][0]["revision"] == SHA["org/rows"]
    assert made["evaluate"]["benchmarks"][0]["limit"] == 3
    assert made["evaluate"]["benchmarks"][1] == {"name": "world-test"}
    assert "# the starting model" in text
    assert text.startswith("# What this recipe is for.\n")
    assert unpinned(load_recipe("t", project / "recipes")) == []
    assert sum("/api/models/org/judge/revision/v2?" in path for path in hub.asked) == 1, "the wanted revision"
    assert sum(path.startswith("/api/datasets/org/rows") for path in hub.asked) == 1, (
        "a benchmark is a data set"
    )
    asked = len(hub.asked)
    again = pin(project, hub)
    assert again.stdout.strip() == "Nothing to pin."
    assert len(hub.asked) == asked, "what is pinned is not asked for"
    assert (project / "recipes" / "t.yaml").read_text() == text


def test_again_moves_a_pin_and_the_digest_follows_the_files(project: Path, hub: Hub) -> None:
    assert pin(project, hub).returncode == 0
    first = yaml.safe_load((project / "recipes" / "t.yaml").read_text())
    hub.files["org/policy"]["model.safetensors"] = b"newer weights"
    assert pin(project, hub, "--again").returncode == 0
    second = yaml.safe_load((project / "recipes" / "t.yaml").read_text())
    assert first["policy"]["digest"] != second["policy"]["digest"]
    assert any(path.startswith("/api/models/org/judge?") for path in hub.asked), "the newest, not v2"


@pytest.mark.parametrize("trouble", ["gone", "down", "nobody listens"])
def test_what_the_hub_does_not_say_stays_unpinned(project: Path, hub: Hub, trouble: str) -> None:
    hub.gone, hub.down = {"org/judge"} if trouble == "gone" else set(), trouble == "down"
    if trouble == "nobody listens":
        hub.server_port = 9
    done = pin(project, hub)
    assert done.returncode == 2
    assert "the hub did not answer for org/" in done.stderr
    assert "Nothing was pinned." in done.stderr
    assert (project / "recipes" / "t.yaml").read_text() == RECIPE


NAMED = """\
name: t
data:
  kind: rows
  validation: 2
  test: 4
  golden: 2
  pass_rate:
  - 0.0
  - 1.0
  # the training rows
  repo: org/rows
  path: data/train.jsonl
policy: {kind: scratch}
judge: {kind: none}
verifier: {formula: hard-only}
evaluate:
  benchmarks:
    - path: data/rows.jsonl
      repo: org/rows
      name: ifeval
"""
PREPARE = """
import json
from verif.pipeline.stages.prepare import run
from verif.project import load_stage, set_parameters
print(set_parameters(load_stage().root, "t")["data"])
run(load_stage())
print(json.dumps(json.load(open("reports/data.json"))["rows"]))
"""


def test_rows_to_train_on_are_pinned_and_taken_like_a_model(project: Path, hub: Hub) -> None:
    """Two files of one repository: each place gets the digest of its own."""
    (project / "recipes" / "t.yaml").write_text(NAMED)
    (project / "params.yaml").write_text("recipe: t\ndata: verif/data/world\n")
    assert unpinned(load_recipe("t", project / "recipes")) == [
        "data (org/rows)",
        "evaluate.benchmarks.0 (org/rows)",
    ]
    refused = run(project, hub, PREPARE)
    assert "data: org/rows needs the file's `path`, a revision and a digest." in refused.stderr
    done = pin(project, hub)
    assert done.returncode == 0, done.stderr
    made = yaml.safe_load((project / "recipes" / "t.yaml").read_text())
    rows, benchmark = made["data"], made["evaluate"]["benchmarks"][0]
    assert rows["revision"] == benchmark["revision"] == SHA["org/rows"]
    assert rows["digest"] != benchmark["digest"]
    assert "# the training rows" in (project / "recipes" / "t.yaml").read_text()
    taken = run(project, hub, PREPARE)
    assert taken.returncode == 0, taken.stderr
    assert "verif/data/hub.py" in taken.stdout
    counts = json.loads(taken.stdout.splitlines()[-1])
    assert 30 < counts["train"] < 60
    hub.files["org/rows"]["data/train.jsonl"] += b"\n"
    shutil.rmtree(project / "hf")
    other = run(project, hub, PREPARE)
    assert "has digest" in other.stderr
    assert "the recipe pins" in other.stderr
