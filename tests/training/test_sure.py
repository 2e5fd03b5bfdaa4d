"""Best-worst pairs need a judge that says how sure it is: that is asked before training, and again of each cycle."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from verif.core.instruction_files import write_instructions
from verif.errors import TrainingError
from verif.recipe import DpoSection, Train
from verif.training import sure
from verif.types import Instruction, Item, Reward, Status, Verdict, Verification

BEST_WORST = Train(algorithm="dpo", dpo=DpoSection(pairs="best-worst"))


def verification(part: str, status: Status = Status.PASS, **evidence: float) -> Verification:
    verdict = Verdict(status=status, covers=(0,), part=part, evidence=evidence)
    return Verification(
        id="0", verdicts=(verdict,), reward=Reward(value=1.0, state="scored", formula="average")
    )


class Service:
    """A verifier service that gives one answer to every question, and counts them."""

    def __init__(self, answer: Verification) -> None:
        self.answer, self.asked = answer, 0

    def __call__(self, url: str, **settings: Any) -> Service:
        assert settings["aside"], "it is no reward"
        return self

    async def __aenter__(self) -> Service:
        return self

    async def __aexit__(self, *_: object) -> None:
        pass

    async def verify(self, items: Sequence[Item]) -> AsyncIterator[Verification]:
        for _ in items:
            self.asked += 1
            yield self.answer


@pytest.fixture
def instructions(tmp_path: Path) -> Path:
    path = tmp_path / "validation.parquet"
    rows = [Instruction(id=str(number), prompt=f"Write {number}.") for number in range(20)]
    write_instructions(path, rows, source="test", split="validation")
    return path


def test_a_judge_without_log_probabilities_is_refused_before_training(
    instructions: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sure, "VerifierClient", Service(verification("judge:x")))
    with pytest.raises(TrainingError, match="no verdict of the judge has log-probabilities") as caught:
        sure.require_sure_judge(BEST_WORST, instructions, "http://127.0.0.1:1")
    assert "train.dpo.pairs: random" in str(caught.value)


@pytest.mark.parametrize(
    "answer",
    [
        verification("judge:x", p_pass=0.4),
        verification("cascade:x", small_p_pass=0.4),
        verification("rule:length:min_words"),
        verification("judge:x", Status.ERROR),
    ],
)
def test_one_that_gives_them_or_was_not_heard_is_not(
    instructions: Path, monkeypatch: pytest.MonkeyPatch, answer: Verification
) -> None:
    service = Service(answer)
    monkeypatch.setattr(sure, "VerifierClient", service)
    sure.require_sure_judge(BEST_WORST, instructions, "http://127.0.0.1:1")
    assert service.asked == sure.PROBES


@pytest.mark.parametrize("train", [Train(), Train(algorithm="dpo")])
def test_nobody_is_asked_where_pairs_need_no_judge(tmp_path: Path, train: Train) -> None:
    sure.require_sure_judge(train, tmp_path / "none.parquet", "http://127.0.0.1:1")
