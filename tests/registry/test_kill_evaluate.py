"""kill -9 during evaluate: after kept answers and at seeded random moments; the reports end the same, nothing is asked twice.

The model server is a stand-in on loopback that answers by prompt and seed; the stage is the real one.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from verif.core.instruction_files import write_instructions
from verif.data.world import draw_distinct
from verif.evaluation.generate import CONCURRENCY, AnswerFile
from verif.pipeline.stages import evaluate
from verif.recipe import parse_recipe
from verif.system.files import digest

pytestmark = pytest.mark.slow

KILLS = int(os.environ.get("VERIF_KILLS", "6"))
CASES = 60
SECTION = {"benchmarks": [{"name": "world-test"}], "bootstrap": 100, "sft_control": False}


class Server(ThreadingHTTPServer):
    """Answers some words drawn by prompt and seed, after a hundredth of a second."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: Counter[str] = Counter()


class Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        question = digest([body["messages"], body.get("seed"), body["temperature"]])
        self.server.asked[question] += 1  # type: ignore[attr-defined]
        time.sleep(0.01)
        text = " ".join(random.Random(question).choices(["The", "sea", "is", "old.", "A", "boat"], k=8))
        choice = {"message": {"content": text}, "finish_reason": "stop"}
        data = json.dumps({"choices": [choice], "usage": {"completion_tokens": 8}}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    found = Server()
    threading.Thread(target=found.serve_forever, daemon=True).start()
    yield found
    found.shutdown()
    found.server_close()


def child(stage, url: str, kill_after: int) -> None:
    """The evaluate stage with the stand-in for vLLM, killed after it has kept so many answers."""
    from verif.system import serving

    @contextmanager
    def served(*_: object, **__: object) -> Iterator[str]:
        yield url

    serving.serve, evaluate.measure_canary = served, lambda stage: {}
    left, add = kill_after, AnswerFile.add

    def counted(self, key, answer) -> None:
        nonlocal left
        add(self, key, answer)
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    AnswerFile.add = counted
    evaluate.run(stage)


def run(stage, url: str, *, kill_after: int = 0, kill_at: float | None = None) -> int | None:
    """The exit code of a process that evaluates."""
    process = multiprocessing.get_context("fork").Process(target=child, args=(stage, url, kill_after))
    process.start()
    if kill_at is not None:
        time.sleep(kill_at)
        process.kill()
    process.join(300)
    return process.exitcode


@pytest.fixture
def fresh(stage, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch):
    """Makes directories with prepared instructions and two model folders; MLflow is the first one's."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{stage.state / 'mlflow' / 'mlflow.db'}")
    raw = stage.recipe.model_dump(mode="json", by_alias=True) | {"evaluate": SECTION}
    recipe = parse_recipe(raw, "test")
    items = draw_distinct(random.Random("kills"), "test", CASES)

    def make():
        root = Path(tmp_path_factory.mktemp("evaluate"))
        made = replace(stage, root=root, source=root / "data", recipe=recipe)
        write_instructions(made.data / "test.parquet", items, source="world", split="test")
        for name in ("policy", "trained"):
            folder = made.models / name
            folder.mkdir(parents=True)
            for file in ("config.json", "tokenizer.json"):
                (folder / file).write_text("{}")
            (folder / "model.safetensors").write_text(name)
        return made

    return make


def reports(stage) -> tuple[bytes, bytes]:
    folder = stage.reports
    return (folder / "evaluation.json").read_bytes(), (
        folder / "evaluation" / "verdicts.parquet"
    ).read_bytes()


def test_killed_evaluations_end_as_an_undisturbed_one(fresh, server: Server) -> None:
    url = f"http://127.0.0.1:{server.server_port}/v1"
    quiet = fresh()
    begun = time.monotonic()
    assert run(quiet, url) == 0
    seconds = time.monotonic() - begun
    wanted = reports(quiet)
    questions, asked = set(server.asked), sum(server.asked.values())
    rng = random.Random(5)
    stage = fresh()
    server.asked.clear()
    for kill in range(KILLS):
        if kill % 2:
            run(stage, url, kill_at=rng.uniform(0.05, seconds))
        else:
            assert run(stage, url, kill_after=rng.randint(1, CASES)) in (0, -signal.SIGKILL)
    assert run(stage, url) == 0
    assert reports(stage) == wanted
    assert set(server.asked) == questions
    twice = sum(server.asked.values()) - asked
    assert 0 <= twice <= KILLS * CONCURRENCY, "only what was under way at a kill is asked again"
    server.asked.clear()
    assert run(stage, url) == 0
    assert not server.asked, "a finished evaluation asks nothing"
