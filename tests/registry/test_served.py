"""The real parts together: a tiny model registered, loaded by transformers, served by vLLM, asked by lm-eval."""

from __future__ import annotations

import asyncio
import random
import shutil
from pathlib import Path

import orjson
import pytest

from verif.types import Instruction, Item, ReferenceConstraint, Response, Status, Verdict

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
    """A model of the local world's words that also says yes or no to answers, trained for a moment."""
    from verif.data.answers.pairs import pairs as answer_pairs
    from verif.data.world import prepare
    from verif.recipe import ScratchModel
    from verif.system.files import digest_tree, write_json
    from verif.training.tiny.answers_judge import lessons
    from verif.training.tiny.pretrain import from_scratch

    pairs = [(p.prompt, p.response) for p in prepare.policy_pairs(600, random.Random(0))]
    for *asked, said in lessons(answer_pairs("served", 200), 1):
        pairs.append(("\n".join(turn["content"] for turn in asked), said["content"]))
    shutil.rmtree(stage.models / "trained")
    section = ScratchModel(width=64, heads=2, layers=1, ffn=64, vocabulary=800, context=512, steps=60)
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
    names = ["--served-model-name", "model", "judge"]
    with serve(folder, log=tmp_path / "vllm.log", arguments=names) as url:
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
        asyncio.run(answers_are_compared(url))
    (gone,) = asyncio.run(answers([url], 2, ["The answer is twelve."]))
    assert (gone.status, gone.evidence.get("by")) == (Status.ERROR, None), "a server that ended fails nobody"


async def answers(
    urls: list[str], deadline_s: float, texts: list[str], prompt: str = "How many?"
) -> list[Verdict]:
    """Verdicts of rules and the served model behind them on answers to a question whose reference is 12."""
    from verif.core.answers.hybrid import Hybrid
    from verif.core.answers.language import LanguageModel
    from verif.core.verifier import Verifier

    asked = Instruction(
        id="1", prompt=prompt, constraints=(ReferenceConstraint(text="", answer="12", compare="number"),)
    )
    verifier = Verifier(hybrid=Hybrid(LanguageModel(urls, "d", deadline_s, "NO_KEY"), 0.0))
    items = [Item(id=text, instruction=asked, response=Response(text=text)) for text in texts]
    said = {found.id: found.verdicts[0] async for found in verifier.verify(items)}
    await verifier.close()
    return [said[text] for text in texts]


async def answers_are_compared(url: str) -> None:
    """One token with log-probabilities from a real server: what it decides, and what it is not asked."""
    same, other, twelve = await answers(
        [url], 120, ["The answer is 12.", "The answer is 13.", "The answer is twelve."]
    )
    assert (same.status, other.status) == (Status.PASS, Status.FAIL)
    assert "by" not in same.evidence | other.evidence
    assert (twelve.status, twelve.evidence["by"]) == (Status.PASS, "model")
    assert 0.1 < twelve.evidence["p_same"] < 0.9, "it was trained for a moment"
    assert twelve.cost.completion_tokens == 1
    (long,) = await answers([url], 20, ["The answer is twelve."], prompt="How many? " * 500)
    assert long.status is Status.ERROR, "a question beyond the server's context is no fault of the answer"
