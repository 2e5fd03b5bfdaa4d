"""Golden responses of the local world, and audits of stand-in verifiers over them."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable

import pytest
from support import stand_ins

from verif.audit import determinism
from verif.audit.cases import AuditCase, Statuses, from_golden
from verif.audit.golden import oracle_of
from verif.audit.run import AuditPlan, AuditReport, choose, conclude, measure
from verif.data.world.prepare import golden

Audit = Callable[..., AuditReport]


@pytest.fixture(scope="session")
def world_cases() -> list[AuditCase]:
    """160 golden responses of the local world, with their truth."""
    cases = from_golden(golden(160, random.Random("tests-golden")))
    stand_ins.ORIGINALS.update({(c.instruction.id, c.instruction.prompt): c.instruction for c in cases})
    return cases


@pytest.fixture
def audit(world_cases: list[AuditCase], monkeypatch: pytest.MonkeyPatch) -> Audit:
    """Audits a stand-in judge; the second process, tested on its own, is left out."""

    async def none(job: determinism.Recheck) -> Statuses:
        return [[determinism.Status.SKIPPED] * len(i.constraints) for i, _ in job.cases]

    monkeypatch.setattr(determinism, "_second_process", none)

    def run(judge: stand_ins.Judge, **section: object) -> AuditReport:
        recipe = stand_ins.local_recipe(**{"audit_items": 120, **section})
        plan = AuditPlan(choose(world_cases, recipe), recipe, oracle_of(recipe), None)
        verifier = stand_ins.StandIn(judge, recipe.verifier.formula)
        report = conclude(asyncio.run(measure(verifier, plan)), recipe, "identity")
        assert verifier.calls <= 4 * recipe.verifier.audit_items + 4, "the audit asks more than its budget"
        return report

    return run
