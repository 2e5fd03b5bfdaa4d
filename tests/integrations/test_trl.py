"""TRL's own GRPOTrainer: three steps, and the judge dies after the first."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.harness import service, standin
from support.hosts import environment, run, seen

pytestmark = pytest.mark.e2e

ROW = {
    "id": "1",
    "prompt": "Describe the harbour.",
    "constraints": [
        {
            "kind": "rule",
            "text": "Use the letter a at least twice.",
            "rule": "keywords:letter_frequency",
            "params": {"letter": "a", "let_frequency": 2, "let_relation": "at least"},
        },
        {"kind": "soft", "text": "Be good."},
    ],
}


def test_a_policy_learns_nothing_from_a_judge_that_died(root: Path, tmp_path: Path) -> None:
    environment("trl")
    rows, model = tmp_path / "rows.jsonl", tmp_path / "model"
    rows.write_text("\n".join([json.dumps(ROW)] * 2))  # TRL drops a batch that fewer prompts would make
    run("", root / "tests/support/host_programs/tiny.py", model)
    with standin() as judge, service(tmp_path / "service", judge) as verifier:
        told = seen(
            "trl", "trl_dying_judge.py", model, rows, tmp_path / "out", judge.process.pid,
            VERIF_VERIFIER_URL=verifier.url, timeout=500,
        )  # fmt: skip
    assert told["errors"] == [0.0, 1.0, 1.0], "every completion of a dead judge is without a reward"
    assert told["gradients"][0] > 0
    assert told["gradients"][1:] == [0.0, 0.0], "and changes nothing"
