"""lm-evaluation-harness with a task of verif's rules, and a model that says what the rows say."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from verif.errors import NoRewardError
from verif.integrations.lm_eval import agg_inst_level_acc, process_results

COMMA = {"id": "1", "prompt": "p", "instruction_id_list": ["punctuation:no_comma"], "kwargs": [{}]}


def test_strict_and_loose_by_prompt_and_by_constraint() -> None:
    doc = {
        **COMMA,
        "instruction_id_list": ["punctuation:no_comma", "detectable_format:title"],
        "kwargs": [{}, {}],
    }
    found = process_results(doc, ["First, a line.\n<<A boat>>"])
    assert found == {
        "prompt_level_strict_acc": False,
        "inst_level_strict_acc": [False, True],
        "prompt_level_loose_acc": True,
        "inst_level_loose_acc": [True, True],
    }
    assert agg_inst_level_acc([[True, False], [True]]) == pytest.approx(2 / 3)


def test_what_was_not_decided_stops_the_run() -> None:
    checker = {"id": "9", "prompt": "p", "constraints": [{"kind": "checker", "text": "t", "source": "x = 1"}]}
    with pytest.raises(NoRewardError, match="document 9: constraint 1 was not decided"):
        process_results(checker, ["x"])


@pytest.mark.slow
def test_the_harness_runs_the_task(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    monkeypatch.chdir(root)
    from lm_eval import simple_evaluate
    from lm_eval.api.model import LM
    from lm_eval.tasks import TaskManager

    said = [json.loads(line)["response"] for line in (root / "examples/rows.jsonl").read_text().splitlines()]

    class Says(LM):
        def generate_until(self, requests, **_):
            return said[: len(requests)]

        def loglikelihood(self, requests, **_):
            raise NotImplementedError

        loglikelihood_rolling = loglikelihood

    tasks = TaskManager(include_path=str(root / "examples/lm_eval"), include_defaults=False)
    found = simple_evaluate(
        Says(), tasks=["verif_rules"], task_manager=tasks, bootstrap_iters=0, log_samples=False
    )
    assert found["results"]["verif_rules"]["prompt_level_strict_acc,none"] == 0.5
    assert found["results"]["verif_rules"]["inst_level_loose_acc,none"] == 0.5
