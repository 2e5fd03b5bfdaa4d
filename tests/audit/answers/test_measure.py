"""What the audit says of who decides answers: by form, under attack, and when it must not teach."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

import pytest

from verif.audit.answers import report
from verif.audit.answers.asking import AnswerCase, Compared, compare
from verif.audit.answers.choosing import chosen, with_threshold
from verif.audit.answers.measure import Answers, measure
from verif.audit.gate import _answers
from verif.recipe import AuditGate, Recipe, ReferenceSection, load_recipe
from verif.types import Item, Reward, Status, Verdict, Verification


class Verifier:
    """Answers references as it is told: status, and the model's probability where it was asked."""

    def __init__(self, says: Callable[[Item], tuple[Status, float | None]]) -> None:
        self.says = says

    async def verify(
        self, items: Sequence[Item], *, cache: bool = True, complete: bool = False
    ) -> AsyncIterator[Verification]:
        for item in items:
            status, p_same = self.says(item)
            evidence = {} if p_same is None else {"p_same": p_same, "by": "model"}
            verdict = Verdict(status=status, covers=(0,), evidence=evidence)
            yield Verification(
                id=item.id,
                verdicts=(verdict,),
                reward=Reward(value=None, state="error", formula="average"),
            )


def recipe(**reference: object) -> Recipe:
    local = load_recipe("local")
    section = ReferenceSection.model_validate(reference)
    verifier = local.verifier.model_copy(update={"reference": section, "formula": "hard-only"})
    return local.model_copy(update={"verifier": verifier})


async def test_rules_and_model_are_told_apart_in_one_pass() -> None:
    cases = [
        AnswerCase("name", "Who?", "Ada", text, right=True) for text in ("rule", "model", "error", "none")
    ]
    said = {
        "rule": (Status.PASS, None),
        "model": (Status.PASS, 0.97),
        "error": (Status.ERROR, None),
        "none": (Status.UNSCORABLE, None),
    }
    found = await compare(Verifier(lambda item: said[item.response.text]), cases, judged=False)
    assert [(c.rules, c.verifier, c.p_same) for c in found] == [
        (True, True, None),
        (False, True, 0.97),
        (None, None, None),
        (False, False, None),
    ]


async def test_a_verifier_that_accepts_everything_must_not_teach(tmp_path: Path) -> None:
    found = await measure(Verifier(lambda _: (Status.PASS, None)), recipe(model="none"), 60)
    assert found.rate("verifier", right=False).value == 1.0
    assert found.worst() is not None
    reasons = _answers(found, AuditGate(), ReferenceSection())
    assert ["right" in reason.text or "attack" in reason.text for reason in reasons] == [True, True]
    report.write(found, tmp_path)
    tables = [(tmp_path / name).read_text().splitlines() for name in ("answers.csv", "answer_attacks.csv")]
    assert tables[0][1].startswith("all,60,1.0")
    assert len(tables[1]) == 10
    assert "worst attack" in report.lines(found)[0]
    assert report.numbers(found)["verifier_false"] == 1.0


async def test_one_that_gives_no_verdicts_must_not_teach_either() -> None:
    found = await measure(Verifier(lambda _: (Status.ERROR, None)), recipe(model="none"), 40)
    [reason] = _answers(found, AuditGate(), ReferenceSection())
    assert "no verdict" in reason.text


def test_a_verifier_that_is_right_may_teach() -> None:
    cases = [AnswerCase("set", "?", "1", "x", right=right) for right in (True, False)] * 30
    found = Answers([Compared(case, case.right, case.right) for case in cases])
    assert not _answers(found, AuditGate(), ReferenceSection())


def test_the_threshold_is_chosen_for_a_precision_and_kept() -> None:
    case = AnswerCase("set", "?", "1", "x", right=True)
    wrong = AnswerCase("set", "?", "1", "x", right=False)
    said = [Compared(case, False, False, p_same=0.9)] * 50 + [Compared(wrong, False, False, p_same=0.8)] * 10
    assert chosen(said, 0.98) == pytest.approx(0.8, abs=0.01)
    assert chosen([Compared(wrong, False, False, p_same=0.8)], 0.98) == 1.0
    section = with_threshold(recipe(model="features"), 0.8).verifier.reference
    assert section is not None
    assert section.threshold == 0.8
