"""`verif recipe pin` against a small hub on loopback that answers as the real one does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml

from verif.benchmarks.pin import unpinned
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
      limit: 3
    - name: world-test
"""
SHA = {"org/policy": "a" * 40, "org/judge": "b" * 40, "org/rows": "c" * 40}


class Hub(ThreadingHTTPServer):
    """Serves `/api/{models,datasets}/REPO[/revision/REV]`; `gone` repositories are unknown, `down` answers 500."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[str] = []
        self.gone: set[str] = set()
        self.weights = "1" * 64
        self.down = False


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        hub = self.server
        assert isinstance(hub, Hub)
        hub.asked.append(self.path)
        path, _, query = self.path.partition("?")
        parts = path.split("/")  # "", api, models, org, name, [revision, x]
        repo = "/".join(parts[3:5])
        if hub.down:
            return self._send(500, {"error": "down"})
        if repo in hub.gone or repo not in SHA:
            return self._send(404, {"error": "Repository not found"}, "RepoNotFound")
        assert "blobs=" in query, "digests of files were not asked for"
        files = [
            {"rfilename": "config.json", "size": 3, "blobId": "e" * 40},
            {
                "rfilename": "model.safetensors", "size": 9, "blobId": "f" * 40,
                "lfs": {"sha256": hub.weights, "size": 9, "pointerSize": 100},
            },
        ]  # fmt: skip
        self._send(200, {"id": repo, "sha": SHA[repo], "siblings": files, "tags": [], "downloads": 1, "likes": 1})

    def _send(self, status: int, body: object, code: str = "") -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        if code:
            self.send_header("X-Error-Code", code)
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        pass


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


def pin(project: Path, hub: Hub, *more: str) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-c", "from verif.cli import main; main()", "recipe", "pin", "t", *more]
    env = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy") and k != "HF_HUB_OFFLINE"}
    env |= {"HF_ENDPOINT": f"http://127.0.0.1:{hub.server_port}", "HF_HOME": str(project / "hf"), "HF_TOKEN": "x"}
    return subprocess.run(line, cwd=project, env=env, capture_output=True, text=True, timeout=120, check=False)


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
    assert sum(path.startswith("/api/datasets/org/rows") for path in hub.asked) == 1, "a benchmark is a data set"
    asked = len(hub.asked)
    again = pin(project, hub)
    assert again.stdout.strip() == "Nothing to pin."
    assert len(hub.asked) == asked, "what is pinned is not asked for"
    assert (project / "recipes" / "t.yaml").read_text() == text


def test_again_moves_a_pin_and_the_digest_follows_the_files(project: Path, hub: Hub) -> None:
    assert pin(project, hub).returncode == 0
    first = yaml.safe_load((project / "recipes" / "t.yaml").read_text())
    hub.weights = "2" * 64
    assert pin(project, hub, "--again").returncode == 0
    second = yaml.safe_load((project / "recipes" / "t.yaml").read_text())
    assert first["policy"]["digest"] != second["policy"]["digest"]
    assert any(path.startswith("/api/models/org/judge?") for path in hub.asked), "the newest, not v2"


@pytest.mark.parametrize("trouble", ["gone", "down"])
def test_what_the_hub_does_not_say_stays_unpinned(project: Path, hub: Hub, trouble: str) -> None:
    hub.gone, hub.down = ({"org/judge"}, False) if trouble == "gone" else (set(), True)
    done = pin(project, hub)
    assert done.returncode == 2
    assert "the hub did not answer for org/" in done.stderr
    assert "Nothing was pinned." in done.stderr
    assert (project / "recipes" / "t.yaml").read_text() == RECIPE
