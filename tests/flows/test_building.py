"""The flow `build`: nothing is paid before a person says so, their budget holds, and the card is shown."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import orjson
import pytest

from verif.errors import VerifError
from verif.pipeline.building import BuildOutcome

pytestmark = pytest.mark.slow

RECIPE = "first: {name: a, prompt_price: 1}\nsecond: {name: b, completion_price: 2}\npairs: {licence: MIT, languages: []}\n"


class Flow:
    """The flow's function without a server; `answers` is what the person says, `made` what was built and shown."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.module = pytest.importorskip("flows.building")
        self.folder, self.asked, self.budgets, self.artifacts = folder, [], [], []  # type: ignore[var-annotated]
        self.answer: Any = None
        self.outcome = BuildOutcome({"rows": 7, "left": 0})
        monkeypatch.setattr(self.module, "get_run_logger", lambda: logging.getLogger("test"))
        monkeypatch.setattr(self.module, "estimate", self.module.estimate.fn)
        monkeypatch.setattr(self.module, "make", self.module.make.fn)
        monkeypatch.setattr(self.module, "pause_flow_run", self._pause)
        monkeypatch.setattr(self.module, "build_rows", self._build)
        monkeypatch.setattr(
            self.module, "create_markdown_artifact", lambda **named: self.artifacts.append(named)
        )
        pairs = [{"prompt": "Describe it.", "response": "The boats are in."}]
        (folder / "pairs.jsonl").write_bytes(b"".join(orjson.dumps(pair) + b"\n" for pair in pairs))
        (folder / "build.yaml").write_text(RECIPE)

    def _pause(self, wait_for_input: Any, **_: Any) -> Any:
        self.asked.append(wait_for_input)
        return self.answer

    def _build(self, *_: Any, budget: float | None) -> BuildOutcome:
        self.budgets.append(budget)
        return self.outcome

    def run(self, **more: Any) -> Any:
        paths = {name: str(self.folder / f"{name}.jsonl") for name in ("pairs", "out")}
        return self.module.build.fn(**paths, recipe=str(self.folder / "build.yaml"), **more)


@pytest.fixture
def flow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Flow:
    return Flow(tmp_path, monkeypatch)


def test_without_a_persons_word_nothing_is_paid(flow: Flow) -> None:
    flow.answer = flow.module.BuildApproval(approve=False)
    assert flow.run(budget=5.0) == {"approved": False}
    assert (len(flow.asked), flow.budgets) == (1, [])


def test_the_persons_budget_holds_and_the_card_is_an_artifact(flow: Flow) -> None:
    flow.answer = flow.module.BuildApproval(approve=True, budget=3.0)
    assert flow.run(budget=5.0) == {"rows": 7, "left": 0}
    assert flow.budgets == [3.0]
    assert flow.artifacts[0]["key"] == "build-card"


def test_a_schedule_may_build_within_its_own_budget_without_asking(flow: Flow) -> None:
    flow.run(budget=1.5, ask=False)
    assert (flow.asked, flow.budgets) == ([], [1.5])


def test_a_build_that_ended_early_fails_the_flow_after_its_card(flow: Flow) -> None:
    flow.outcome = BuildOutcome({"rows": 1, "left": 4}, ended=VerifError("the budget is spent."))
    with pytest.raises(VerifError, match="budget"):
        flow.run(budget=0.1, ask=False)
    assert len(flow.artifacts) == 1
