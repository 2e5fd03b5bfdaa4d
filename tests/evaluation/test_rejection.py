"""The control by rejection sampling: what earns the full reward is taught, an error is not, and too little teaches nobody."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from verif.data.composed.prepare import prepare_composed
from verif.evaluation import rejection
from verif.evaluation.case import Case, Generation
from verif.evaluation.rejection import OWN, rejection_control, rewarded
from verif.recipe import ComposedData, RejectionControl
from verif.types import Reward, Verification

ROWS = prepare_composed(ComposedData(train=40, validation=8, test=8, unseen=8), 1).train
VALUES: dict[str, float | None] = {"good": 1.0, "half": 0.5, "lost": None}


class Verifier:
    """The reward is what the text says."""

    async def verify(self, items: Any, **_: Any) -> AsyncIterator[Verification]:
        for item in items:
            value = VALUES[item.response.text]
            state = "error" if value is None else "scored"
            yield Verification(
                id=item.id, verdicts=(), reward=Reward(value=value, state=state, formula="all")
            )


@contextmanager
def opened() -> Iterator[tuple[Any, str]]:
    yield Verifier(), "v1"


def test_only_the_full_reward_is_kept_and_an_answer_that_was_never_given_is_not_asked_about() -> None:
    cases = [Case(item) for item in ROWS[:4]]
    texts = dict(zip((case.id for case in cases), ("good", "half", "lost", ""), strict=True))
    answers = {key: Generation(text, note="" if text else "too long") for key, text in texts.items()}
    assert asyncio.run(rewarded(Verifier(), cases, answers)) == cases[:1]


def control(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, say: Any) -> tuple[Any, list[Any]]:
    """A control whose start says `say(number)`, and what it was tuned on."""
    taught: list[Any] = []

    def answer_all(model: Any, state: Path, timings: dict[str, float], *, gpus: int) -> Any:
        (suite,) = model.suites
        return {(OWN, "start", "own"): {c.id: Generation(say(n)) for n, c in enumerate(suite.cases)}}

    def tune(base: Path, out: Path, chats: Any, **_: Any) -> Any:
        taught.append(list(chats))
        return rejection.Rejected(None, 0, 0, 0)

    import verif.training.tiny.tuning as tuning

    monkeypatch.setattr(rejection, "answer_all", answer_all)
    monkeypatch.setattr(tuning, "tune", tune)
    (tmp_path / "policy").mkdir(exist_ok=True)
    section = RejectionControl(prompts=20, answers=4, batch=8)
    made = rejection_control(section, tmp_path / "policy", ROWS, tmp_path, opened, {}, seed=1)
    return made, taught


def test_a_killed_evaluation_does_not_tune_the_control_again(tmp_path, monkeypatch) -> None:
    pytest.importorskip("torch")

    def say(number: int) -> str:
        return "good" if number % 4 == 0 else "half"

    made, taught = control(tmp_path, monkeypatch, say)
    assert (made.sampled, made.kept, made.prompts) == (80, 20, 20)
    assert [{text for _, text in chats} for chats in taught] == [{"good"}]
    again, taught = control(tmp_path, monkeypatch, say)
    assert (again, taught) == (made, [])


def test_a_start_that_hardly_ever_earns_the_reward_has_no_control(tmp_path, monkeypatch) -> None:
    pytest.importorskip("torch")
    made, taught = control(tmp_path, monkeypatch, lambda number: "good" if number < 15 else "half")
    assert (made.folder, made.kept, taught) == (None, 15, [])
