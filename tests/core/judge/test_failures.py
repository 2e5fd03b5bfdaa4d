"""The commonest reason of error verdicts is what a person is told."""

from __future__ import annotations

from verif.audit import accuracy, cost, determinism
from verif.audit.cases import AuditCase, Opinion
from verif.audit.findings import Findings
from verif.audit.gate import decide
from verif.core.failures import commonest
from verif.core.judge.verdict import parse
from verif.errors import JudgeError
from verif.recipe import AuditGate
from verif.types import Instruction, SoftConstraint, Status, Verdict


def reason(text: str) -> str:
    try:
        parse(text)
    except JudgeError as error:
        return str(error)
    raise AssertionError(text)


def test_reasons_that_quote_different_answers_are_one() -> None:
    said = [reason(f'x</think>```json\n{{"verdict":"pass", "reason":"{n}"}}\n```') for n in range(9)]
    said += [reason(f"I would rather not say {n}.") for n in range(3)] + ["the judge hung."] * 2
    told = commonest(said)
    assert told.startswith("9 x the judge put its answer into a code fence")
    assert "; 3 x the judge's answer is not one JSON object (" in told
    assert told.endswith("; 2 x the judge hung.")
    assert (commonest([]), commonest(["", ""])) == ("", "2 x unknown")
    assert len(commonest(["y" * 10_000])) < 200


def test_an_audit_without_verdicts_says_why() -> None:
    instruction = Instruction(id="1", prompt="p", constraints=(SoftConstraint(text="s"),))
    cases = [AuditCase(str(n), instruction, "t", (True,)) for n in range(30)]
    broken = Verdict(
        status=Status.ERROR, covers=(0,), reason="the judge put its answer into a code fence: 'x'"
    )
    opinions = [Opinion((broken,), None, None, None)] * 30
    found = Findings(
        formula="soft-only",
        judged=True,
        accuracy=accuracy.measure(cases, opinions, "soft-only"),
        attacks=[],
        mutations=[],
        determinism=determinism.Determinism(0, 0, 0, ()),
        cost=cost.measure(cases, opinions, 1.0, 0.0),
        failures=commonest(v.reason for o in opinions for v in o.verdicts),
    )
    assert any(
        "30 x the judge put its answer into a code fence" in str(one) for one in decide(found, AuditGate())
    )
