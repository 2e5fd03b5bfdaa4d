"""A policy that reasons before it answers, asked by the real lm-eval: the filters see its answers, and those alone."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from verif.errors import RecipeError
from verif.evaluation import general
from verif.project import Stage
from verif.recipe import parse_recipe

pytestmark = pytest.mark.slow
pytest.importorskip("lm_eval")
from verif.evaluation.thinking import likelihoods  # noqa: E402 - needs lm-eval

ROWS = [{"text": str(10 + n)} for n in range(12)]
TASK = """
task: sums
dataset_path: json
dataset_kwargs: {{data_files: {{test: {folder}/sums.jsonl}}}}
test_split: test
output_type: {output}
doc_to_text: "What is {{{{text}}}}?"
doc_to_target: "{{{{text}}}}"
generation_kwargs: {{until: ["\\n\\n", "Question:"], max_gen_toks: 16, do_sample: false, temperature: 0}}
metric_list: [{{metric: exact_match, aggregation: mean, higher_is_better: true}}]
filter_list:
  - {{name: flexible-extract, filter: [{{function: regex, regex_pattern: "(\\\\d+)"}}, {{function: take_first}}]}}
"""
TEMPLATE = "{% for m in messages %}<{{ m['role'] }}> {{ m['content'] }} {% endfor %}<assistant> <think>"
RECIPE = {
    "name": "t", "data": {"kind": "world"}, "policy": {"kind": "scratch"}, "judge": {"kind": "scratch"},
    "verifier": {"reasoning": "think"},
    "evaluate": {"bootstrap": 400, "general_tasks": ["sums.yaml"], "response_tokens": 200},
}  # fmt: skip
Say = Callable[[int], str]


def thoughtful(number: int) -> str:
    """Another number first, and all that would stop an answer; then the answer, and more that belongs to none."""
    return f"Is it {number + 1}?\n\nQuestion: or {number + 2}?\n</think>\n\n{number}\n\nQuestion: 99"


def endless(number: int) -> str:
    """Never done with its reasoning but for every third, which answers wrongly: the right number stands in the rest."""
    return f"so {number}</think>{number + 1}" if number % 3 == 0 else f"{number}, or not? Is it {number}"


class Policy:
    """A chat server that says what it is told to; what it was asked."""

    def __init__(self, say: Say) -> None:
        self.asked: list[dict[str, Any]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                outer.asked.append({"path": self.path, **body})
                (number,) = re.findall(r"What is (\d+)\?", body["messages"][-1]["content"])
                message = {"role": "assistant", "content": say(int(number))}
                answer = json.dumps({"choices": [{"index": 0, "message": message}]}).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    @contextmanager
    def serving(self) -> Iterator[str]:
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{self.server.server_port}/v1"
        finally:
            self.server.shutdown()
            self.server.server_close()


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stage:
    """A project with one task, and two models' folders whose tokenizer counts words."""
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import Whitespace
    from transformers import PreTrainedTokenizerFast

    monkeypatch.setenv("HF_DATASETS_OFFLINE", "1")
    (tmp_path / "sums.jsonl").write_text("\n".join(json.dumps(row) for row in ROWS))
    (tmp_path / "sums.yaml").write_text(TASK.format(folder=tmp_path, output="generate_until"))
    words = Tokenizer(WordLevel({"<e>": 0, "x": 1}, "x"))
    words.pre_tokenizer = Whitespace()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=words, eos_token="<e>", chat_template=TEMPLATE)
    for model in ("policy", "trained"):
        tokenizer.save_pretrained(tmp_path / "models" / model)
        (tmp_path / "models" / model / "config.json").write_text('{"max_position_embeddings": 4096}')
    return Stage(tmp_path, parse_recipe(RECIPE, "test"), tmp_path / "data")


def test_its_answer_is_scored_and_its_reasoning_neither_seen_nor_stopped(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    policies = {"policy": Policy(endless), "trained": Policy(thoughtful)}
    monkeypatch.setattr("verif.system.serving.serve", lambda folder, **_: policies[folder.name].serving())
    manager = general.check_tasks(["sums.yaml"], stage.root, reasoning="think")
    warnings: list[str] = []
    cells = general.measure_general(stage, manager, {}, warnings)["sums"]
    assert (cells["before"]["value"], cells["after"]["value"], cells["after"]["n"]) == (0.0, 1.0, 12)
    (warning,) = warnings
    assert warning.startswith("general tasks, before: 8 responses did not finish their reasoning")
    assert "200 tokens (evaluate.response_tokens)" in warning
    asked = policies["trained"].asked
    assert len(asked) == 12
    for body in asked:
        assert body["path"] == "/v1/chat/completions", "its chat template is the server's to apply"
        assert [message["role"] for message in body["messages"]] == ["user"]
        assert "stop" not in body, "a stop string would end the reasoning"
        assert body["max_tokens"] == 216, "its own tokens for the reasoning, and the task's for the answer"


def test_no_more_is_asked_for_than_the_context_holds(stage: Stage) -> None:
    (stage.models / "trained" / "config.json").write_text('{"max_position_embeddings": 64}')
    policy = Policy(thoughtful)
    manager = general.check_tasks(["sums.yaml"], stage.root, reasoning="think")
    with policy.serving() as url:
        general.ask(url, stage.models / "trained", ["sums.yaml"], manager, 0, reasoning_tokens=200)
    # < user > What is 10 ? < assistant > < think >
    assert {body["max_tokens"] for body in policy.asked} == {64 - 13}


def test_likelihoods_of_given_answers_are_refused_before_a_model_is_asked(stage: Stage) -> None:
    (stage.root / "sums.yaml").write_text(TASK.format(folder=stage.root, output="loglikelihood_rolling"))
    general.check_tasks(["sums.yaml"], stage.root)
    with pytest.raises(RecipeError, match=r"'sums' asks how likely .*reasoning"):
        general.check_tasks(["sums.yaml"], stage.root, reasoning="think")
    index = general.check_tasks(["gsm8k"], stage.root).task_index
    assert not [task for name in ("gsm8k", "mmlu_pro", "bbh", "drop") for task in likelihoods(index, name)]
    assert "mmlu_abstract_algebra" in likelihoods(index, "mmlu"), "a group"
    assert set(likelihoods(index, "ai2_arc")) == {"arc_challenge", "arc_easy"}, "a tag"
