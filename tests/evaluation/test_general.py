"""The real lm-eval on tasks written here, against a stand-in for the policy's server that answers as we choose."""

from __future__ import annotations

import json
import os
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from verif.errors import RecipeError, ServiceError
from verif.evaluation import general
from verif.pipeline.stages import evaluate
from verif.project import Stage
from verif.recipe import parse_recipe

TASK = """
task: {name}
dataset_path: json
dataset_kwargs: {{data_files: {{test: {folder}/{name}.jsonl}}}}
test_split: test
output_type: generate_until
doc_to_text: "Say {{{{text}}}}:"
doc_to_target: "{{{{text}}}}"
generation_kwargs: {{until: ["\\n"], max_gen_toks: 8, do_sample: false, temperature: 0}}
metric_list:
  - metric: exact_match
    aggregation: mean
    higher_is_better: true
"""
FILTERS = """
filter_list:
  - name: flexible-extract
    filter: [{function: regex, regex_pattern: "(\\\\d+)"}, {function: take_first}]
  - name: strict-match
    filter: [{function: regex, regex_pattern: "#### (\\\\d+)"}, {function: take_first}]
"""
GROUP = """
group: {name}
task: [{tasks}]
aggregate_metric_list:
  - {{metric: exact_match, aggregation: mean, weight_by_size: true, filter_list: [strict-match]}}
"""
RECIPE = {
    "name": "t", "data": {"kind": "world"}, "policy": {"kind": "scratch"}, "judge": {"kind": "scratch"},
    "evaluate": {"bootstrap": 400, "general_tasks": ["all_sums.yaml"]},
}  # fmt: skip
Say = Callable[[int], str]


@contextmanager
def completions(say: Say) -> Iterator[str]:
    """The base URL of a completions API that answers the number in the prompt with `say(number)`."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            try:
                text, status = say(int(re.findall(r"Say (\d+):", asked["prompt"])[-1])), 200
            except RuntimeError:
                text, status = "", 500
            body = json.dumps({"choices": [{"index": 0, "text": text}]}).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1"
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    """A project with two tasks (20 and 4 documents; both filters), a group of both, and two models' folders."""
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from transformers import PreTrainedTokenizerFast

    for name, first, count in (("many_sums", 10, 20), ("few_sums", 50, 4)):
        rows = [json.dumps({"text": str(first + n)}) for n in range(count)]
        (tmp_path / f"{name}.jsonl").write_text("\n".join(rows))
        (tmp_path / f"{name}.yaml").write_text(TASK.format(name=name, folder=tmp_path) + FILTERS)
    (tmp_path / "all_sums.yaml").write_text(GROUP.format(name="all_sums", tasks="many_sums, few_sums"))
    words = PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer(WordLevel({"<e>": 0, "x": 1}, "x")), eos_token="<e>"
    )
    for model in ("policy", "trained"):
        words.save_pretrained(tmp_path / "models" / model)
        (tmp_path / "models" / model / "config.json").write_text('{"max_position_embeddings": 256}')
    return Stage(tmp_path, parse_recipe(RECIPE, "test"), tmp_path / "data")


def before(number: int) -> str:
    """Right to the flexible filter, wrong to the strict one, but for every fifth."""
    return f"#### {number}" if number % 5 == 0 else f"It is {number}"


def after(number: int) -> str:
    """Right in form, but wrong for every tenth."""
    return f"#### {number + (number % 10 == 0)}"


@pytest.mark.slow
def test_one_filter_counts_pairs_by_document_and_pools_groups(stage, monkeypatch) -> None:
    monkeypatch.setenv("HF_DATASETS_OFFLINE", "1")
    monkeypatch.setattr(
        "verif.system.serving.serve",
        lambda folder, **_: completions(before if folder.name == "policy" else after),
    )
    manager = general.check_tasks(stage.recipe.evaluate.general_tasks, stage.root)
    timings: dict[str, float] = {}
    found = general.measure_general(stage, manager, timings, warnings := [])
    assert list(found) == ["all_sums", "many_sums", "few_sums"]
    assert {cells["metric"] for cells in found.values()} == {"exact_match,strict-match"}
    many, both = found["many_sums"], found["all_sums"]
    assert (many["before"]["n"], many["before"]["value"], many["after"]["value"]) == (20, 4 / 20, 18 / 20)
    # 50 is right before and wrong after; 51, 52 and 53 the other way round
    assert (both["before"]["n"], both["before"]["value"]) == (24, pytest.approx(5 / 24))
    assert both["gain"]["value"] == pytest.approx(16 / 24)
    assert both["gain"]["low"] > 0
    assert both["gain"]["p_value"] <= both["gain"]["p_holm"] < 0.05
    assert set(timings) == {"general_before", "general_after"}
    assert warnings == []

    def broken(_: int) -> str:
        raise RuntimeError

    with completions(broken) as url, pytest.raises(ServiceError, match="500"):
        general.ask(url, stage.models / "policy", ["few_sums.yaml"], manager, 0)


@pytest.mark.slow
def test_only_tasks_on_this_machine_forbid_the_hub(stage, monkeypatch) -> None:
    monkeypatch.setenv("HF_DATASETS_OFFLINE", "")
    monkeypatch.delenv("HF_DATASETS_OFFLINE")
    general.check_tasks(["gsm8k", "many_sums.yaml"], stage.root)
    assert "HF_DATASETS_OFFLINE" not in os.environ
    general.check_tasks(["many_sums.yaml"], stage.root)
    assert os.environ["HF_DATASETS_OFFLINE"] == "1"
    with pytest.raises(RecipeError, match=r"absent\.yaml does not exist"):
        general.check_tasks(["absent.yaml"], stage.root)


@pytest.mark.slow
def test_an_unknown_task_ends_the_stage_before_a_model_is_asked(stage, monkeypatch) -> None:
    wrong = {**RECIPE, "evaluate": {"general_tasks": ["gsm8kk"]}}
    monkeypatch.setattr(evaluate, "load_suites", lambda _: pytest.fail("the benchmarks were loaded first"))
    with pytest.raises(RecipeError, match="gsm8k"):
        evaluate.run(Stage(stage.root, parse_recipe(wrong, "test"), stage.data))
