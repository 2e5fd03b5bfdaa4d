"""The real parts together: a tiny model registered, loaded by transformers, served by vLLM, asked by lm-eval."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import orjson
import pytest

pytestmark = pytest.mark.e2e

TASK = """
task: copy
dataset_path: json
dataset_kwargs: {{data_files: {{test: {data}}}}}
test_split: test
output_type: generate_until
doc_to_text: "{{{{text}}}}"
doc_to_target: "{{{{text}}}}"
generation_kwargs: {{until: ["."], max_gen_toks: 16, do_sample: false, temperature: 0}}
metric_list:
  - metric: exact_match
    aggregation: mean
    higher_is_better: true
"""


@pytest.fixture
def trained(stage):
    """A model of the local world's words, trained for a moment, as models/trained and models/policy."""
    from verif.data.world import prepare
    from verif.recipe import ScratchModel
    from verif.system.files import digest_tree, write_json
    from verif.training.tiny.pretrain import from_scratch

    pairs = [(p.prompt, p.response) for p in prepare.policy_pairs(600, random.Random(0))]
    shutil.rmtree(stage.models / "trained")
    section = ScratchModel(width=64, heads=2, layers=1, ffn=64, vocabulary=600, context=256, steps=20)
    from_scratch(section, pairs, stage.models / "trained", "tiny")
    shutil.copytree(stage.models / "trained", stage.models / "policy")
    report = stage.reports / "evaluation.json"
    numbers = orjson.loads(report.read_bytes())
    write_json(report, numbers | {"models": {"trained": digest_tree(stage.models / "trained")}})
    return stage


def test_registered_loaded_served_and_asked(trained, tmp_path, monkeypatch, capsys) -> None:
    import mlflow
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from verif.cli import serve as commands
    from verif.data.world import draw_distinct
    from verif.errors import RecipeError
    from verif.evaluation.case import Case
    from verif.evaluation.general import ask, check_tasks
    from verif.evaluation.generate import AnswerFile, Sampling, generate
    from verif.registry import versions
    from verif.registry.flavour import INNER
    from verif.registry.reconcile import register
    from verif.registry.store import open_registry
    from verif.system.files import digest_tree
    from verif.system.serving import serve

    assert register(trained).alias == "champion"
    registry = open_registry(trained)
    mlflow.set_tracking_uri(registry.uri)
    loaded = mlflow.artifacts.download_artifacts("models:/m@champion", dst_path=str(tmp_path / "down"))
    weights = Path(loaded) / INNER
    model = AutoModelForCausalLM.from_pretrained(weights)
    tokens = AutoTokenizer.from_pretrained(weights)("Write about the harbour.", return_tensors="pt")
    assert model.generate(**tokens, max_new_tokens=4).shape[1] > tokens.input_ids.shape[1]
    folder = versions.fetch(registry, registry.resolve("champion"), trained.state)
    assert digest_tree(folder) == digest_tree(trained.models / "trained")

    cases = [Case(item) for item in draw_distinct(random.Random(1), "test", 24)]
    data = tmp_path / "rows.jsonl"
    data.write_text('{"text": "the sea"}\n' * 6)
    (tmp_path / "copy.yaml").write_text(TASK.format(data=data))
    manager = check_tasks(["copy.yaml"], tmp_path)
    with pytest.raises(RecipeError, match="gsm8k"):
        check_tasks(["gsm8kk"], tmp_path)
    with serve(folder, log=tmp_path / "vllm.log", context=256) as url:
        found = []
        for run in ("a", "b"):
            file = AnswerFile(tmp_path / run)
            found.append(generate(cases, Sampling("t1", 1.0, 24, 7), file, url=url, model="model", label=run))
            file.close()
        assert found[0] == found[1], "the same seed must give the same answers"
        assert len({answer.text for answer in found[0].values()}) > 12
        scores, unfinished = ask(url, folder, ["copy.yaml"], manager, 0)
        metric, values = scores["copy"]
        assert unfinished == 0
        thinking, unfinished = ask(url, folder, ["copy.yaml"], manager, 0, reasoning_tokens=16)
        assert (unfinished, set(thinking["copy"][1].values())) == (6, {0.0}), "it never ends a reasoning"
        assert (metric, len(values)) == ("exact_match", 6)
        commands.chat(url, message="Write about the sea.", temperature=0.0, tokens=8)
        assert capsys.readouterr().out.strip()
