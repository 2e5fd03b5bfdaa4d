"""The stage `judge` with `judge.kind: relevance`: from a policy's answers to a judge whose verdict is one readable token."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from verif.audit.golden import golden_cases
from verif.audit.pressure.run import Drawn
from verif.audit.relevance_pairs import UNTAUGHT
from verif.core.instruction_files import write_instructions
from verif.data.composed.prepare import prepare_composed
from verif.data.tables import write_golden
from verif.errors import RecipeError
from verif.pipeline import relevance
from verif.pipeline.stages import judge
from verif.project import Stage
from verif.recipe import ComposedData, ScratchModel, parse_recipe
from verif.types import Instruction, Item, Response, Status

ROWS = prepare_composed(ComposedData(train=160, validation=8, test=8, unseen=8, relevance=True), 1).train


def answer(item: Instruction) -> str:
    return f"I like {item.meta['source']} very much. We saw it in June. It was good for all of us. Nobody was sad then."


def stage_of(tmp_path: Path, prompt: str = "local") -> Stage:
    recipe: dict[str, Any] = {
        "name": "r",
        "data": {"kind": "composed", "relevance": True},
        "policy": {"kind": "hub", "repo": "a/b"},
        "judge": {
            "kind": "relevance",
            "prompts": 60,
            "held_back": 24,
            "steps": 160,
            "batch": 8,
            "learning_rate": 5e-3,
        },
        "verifier": {"formula": "all", "prompt": prompt, "max_judge_tokens": 8},
    }
    stage = Stage(tmp_path, parse_recipe(recipe, "r.yaml"), tmp_path)
    for folder in (stage.data, stage.models, stage.reports):
        folder.mkdir(parents=True, exist_ok=True)
    write_instructions(stage.data / "train.parquet", ROWS, source="composed", split="train")
    write_golden(stage.data / "golden.parquet", [])
    return stage


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Answers of a policy that always writes of its subject."""

    def draw(_stage: Stage, items: Any, samples: int, temperature: float, *_: int) -> list[Drawn]:
        return [Drawn(item, (answer(item),) * samples, temperature) for item in items]

    monkeypatch.setattr(relevance, "draw", draw)


@pytest.mark.slow
def test_a_tiny_model_becomes_a_judge_that_answers_in_one_token(tmp_path: Path, drawn: None) -> None:
    pytest.importorskip("torch")
    from verif.pipeline.hardening import in_process
    from verif.training.tiny.inference import load
    from verif.training.tiny.pretrain import from_scratch
    from verif.training.tiny.relevance import NO, YES

    stage = stage_of(tmp_path)
    size = ScratchModel(width=32, layers=1, heads=1, ffn=64, vocabulary=500, context=512, steps=20, batch=8)
    from_scratch(size, [(row.prompt, answer(row)) for row in ROWS], stage.models / "policy", "policy")
    judge.run(stage)

    _, tokenizer = load(stage.models / "judge")
    assert [len(tokenizer(text).input_ids) for text in (YES, NO)] == [1, 1]
    assert len(tokenizer(YES.lower()).input_ids) > 1  # as a response could spell it

    report = json.loads((stage.reports / "judge.json").read_text())
    assert report["kind"] == "relevance"
    assert {kind for kind, told in report["relevance"].items() if not told["taught"]} <= set(UNTAUGHT)
    cases = golden_cases(stage.data)
    assert sum(case.soft is True for case in cases) == sum(case.soft is False for case in cases) >= 24
    taught = {row.meta["source"] for row in relevance_rows(stage)}
    assert not taught & {case.instruction.meta["source"] for case in cases}

    async def statuses() -> list[Status]:
        verifier = in_process(stage, stage.models / "judge")
        items = [
            Item(id=str(n), instruction=case.instruction, response=Response(text=case.text))
            for n, case in enumerate(cases[:24])
        ]
        try:
            return [v.statuses(1)[0] async for v in verifier.verify(items, complete=True)]
        finally:
            await verifier.close()

    said = asyncio.run(statuses())
    assert sum(status is Status.ERROR for status in said) <= 2, (
        said
    )  # so small a model may write something else
    assert set(said) & {Status.PASS, Status.FAIL}


def relevance_rows(stage: Stage) -> list[Instruction]:
    """The rows whose answers are taught."""
    taught, _ = relevance.answered(stage, stage.recipe.judge)
    return [item for item, _ in taught]


def test_a_prompt_that_would_let_an_answer_spell_a_verdict_is_refused(tmp_path: Path, drawn: None) -> None:
    pytest.importorskip("torch")
    with pytest.raises(RecipeError, match="reads the prompt 'local' alone"):
        judge.run(stage_of(tmp_path, prompt="joint-en"))


def test_other_judges_leave_no_golden_responses_of_their_own(tmp_path: Path) -> None:
    stage = stage_of(tmp_path)
    without = {
        **stage.recipe.model_dump(by_alias=True),
        "judge": {"kind": "none"},
        "verifier": {"formula": "hard-only"},
    }
    judge.run(Stage(tmp_path, parse_recipe(without, "r.yaml"), tmp_path))
    assert golden_cases(stage.data) == []
