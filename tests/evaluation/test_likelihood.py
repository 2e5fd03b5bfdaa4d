"""The canary on GPUs asks the served model; on the same model it says what transformers says."""

import json
import math
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from verif.errors import ServiceError
from verif.evaluation import canary as module
from verif.evaluation.likelihood import mean, served_likelihood

ROWS = [[0, 5, 6], [0, 7], [0]]


def reply(row: list[int]) -> dict:
    """What vLLM answers: the token that stands there, and with it one that is likelier."""
    places = [None] + [
        {str(token): {"logprob": -token / 10, "rank": 2}, "99": {"logprob": -0.01, "rank": 1}}
        for token in row[1:]
    ]
    return {"choices": [{"text": "x", "prompt_logprobs": places}]}


@pytest.fixture
def server():
    asked: list[dict] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            asked.append(body)
            found = json.dumps(reply(body["prompt"])).encode()
            self.send_response(500 if body["prompt"][1] == 13 else 200)
            self.send_header("Content-Length", str(len(found)))
            self.end_headers()
            self.wfile.write(found)

        def log_message(self, *_: object) -> None:
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=http.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{http.server_port}/v1", asked
    http.shutdown()
    http.server_close()


def test_the_mean_of_the_tokens_that_stand_there(server) -> None:
    url, asked = server
    assert served_likelihood(url, ROWS) == pytest.approx([-0.55, -0.7, 0.0])
    assert sorted(body["prompt"] for body in asked) == [[0, 5, 6], [0, 7]]
    assert all(body["prompt_logprobs"] == 0 for body in asked)


def test_no_likelihood_is_an_error_and_never_a_number(server) -> None:
    url, _ = server
    with pytest.raises(ServiceError, match="status 500"):
        served_likelihood(url, [[0, 13]])
    with pytest.raises(ServiceError, match="gave no likelihoods"):
        served_likelihood("http://127.0.0.1:9/v1", ROWS)
    for row in ([0, 5], [0, 5, 6, 7], [0, 5, 8]):
        with pytest.raises((ValueError, KeyError)):
            mean(reply([0, 5, 6]), row)


def test_with_gpus_no_weights_are_loaded_here(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, server
) -> None:
    """8 to 32 billion parameters in fp32 on one CPU thread are hours, or too many for the memory."""
    from contextlib import contextmanager

    from verif.evaluation import likelihood, run
    from verif.system import serving
    from verif.training.tiny import inference

    url, _ = server
    served: list[tuple[str, int]] = []

    @contextmanager
    def serve(folder: Path, *, log: Path, gpus: int, context: int):
        served.append((folder.name, gpus))
        yield url

    monkeypatch.setattr(inference, "text_likelihood", lambda *_: pytest.fail("loaded on the CPU"))
    monkeypatch.setattr(serving, "serve", serve)
    monkeypatch.setattr(run, "context_of", lambda _: 4096)
    monkeypatch.setattr(likelihood, "token_rows", lambda *_: [[0, 5], [0, 6]])
    found = module.canary(
        tmp_path / "policy", tmp_path / "trained", ["a", "b"], 100, 1, gpus=2, logs=tmp_path
    )
    assert served == [("policy", 2), ("trained", 2)]
    assert found["before"]["value"] == pytest.approx((math.exp(-0.5) + math.exp(-0.6)) / 2)
    assert found["drop"]["value"] == pytest.approx(0)


@pytest.mark.release
def test_vllm_says_what_transformers_says(tmp_path: Path) -> None:
    pytest.importorskip("vllm")
    from verif.evaluation.likelihood import token_rows
    from verif.recipe import ScratchModel
    from verif.system.serving import serve
    from verif.training.tiny.inference import text_likelihood
    from verif.training.tiny.pretrain import from_scratch

    texts = ["The boat lies in the harbour.", "Gulls cry.", "Nets dry on the quay, and nobody works."]
    section = ScratchModel(steps=30, vocabulary=400, batch=4, context=128)
    folder = tmp_path / "model"
    folder.mkdir()
    from_scratch(section, [("", text) for text in texts * 40], folder, "test", threads=1)
    expected = text_likelihood(folder, texts)
    with serve(folder, log=tmp_path / "log", context=128) as url:
        found = served_likelihood(url, token_rows(folder, texts, 128))
    assert found == pytest.approx(expected, abs=1e-3)
