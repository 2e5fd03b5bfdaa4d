"""The audit from golden set to verdict: what is asked, in which order, and how often.

`recipe.verifier.audit_items` is the budget: that many golden responses, a tenth of it for each attack family,
an eighth for determinism (four times) and for agreement. 300 makes about 1,200 judge calls.
"""

from __future__ import annotations

import asyncio
import logging
import os
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from verif.audit import accuracy, agreement, calibration, cost, determinism, pairs
from verif.audit.answers import measure as answers
from verif.audit.attacks import score as attacks
from verif.audit.band import ChosenBand
from verif.audit.cases import AuditCase, ask, failures, positions
from verif.audit.findings import Findings, numbers
from verif.audit.gate import Reason, decide
from verif.audit.golden import golden_cases, oracle_of
from verif.audit.mutations import score as mutations
from verif.audit.mutations.generate import generate
from verif.audit.pressure.run import Drawn
from verif.audit.pressure.run import measure as press
from verif.audit.pressure.truth import truths_of
from verif.core.answers.reference import wants_references
from verif.core.failures import commonest
from verif.core.verifies import Verifies
from verif.errors import RecipeError
from verif.project import Stage
from verif.recipe import Recipe

if TYPE_CHECKING:
    from verif.service.lease import VerifierEndpoint

log = logging.getLogger("verif.audit")

EDITS_PER_RULE = 4


@dataclass(frozen=True, slots=True)
class AuditReport:
    """The outcome: `reasons` are the same on every run, `detailed` says what was measured; `numbers` for metrics."""

    fit: bool
    reasons: list[str]
    numbers: dict[str, Any]
    identity: str
    findings: Findings
    detailed: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class AuditPlan:
    """What to ask: golden cases (already chosen), the recipe's parts that matter, and where a second process asks."""

    cases: Sequence[AuditCase]
    recipe: Recipe
    oracle: attacks.Oracle | None
    url: str | None

    @property
    def judged(self) -> bool:
        """Whether the verifier's reward involves a judge."""
        return self.recipe.judged


def audit(
    stage: Stage, endpoint: VerifierEndpoint, band: ChosenBand | None = None, drawn: Sequence[Drawn] = ()
) -> AuditReport:
    """Audit the verifier behind `endpoint` with the golden set of the stage's data; `band` is its cascade's.

    `drawn` are answers of the policy, for the audit under pressure.
    """
    return asyncio.run(_audit_service(stage, endpoint, band, drawn))


async def _audit_service(
    stage: Stage, endpoint: VerifierEndpoint, band: ChosenBand | None, drawn: Sequence[Drawn]
) -> AuditReport:
    from verif.service.client import VerifierClient

    section = stage.recipe.verifier
    cases = choose(golden_cases(stage.data), stage.recipe)
    preferences = pairs.load(stage.root / section.pairs) if section.pairs else []
    plan = AuditPlan(cases, stage.recipe, oracle_of(stage.recipe), endpoint.url)
    async with VerifierClient(endpoint.url) as client:
        findings = await measure(client, plan)
        if preferences:
            began = time.monotonic()
            findings.pairs = await pairs.measure(
                client, preferences, section.formula, reasoning=section.reasoning
            )
            _say(f"{len(preferences)} preference pairs", began)
        await _under_pressure(client, findings, stage.recipe, drawn)
        if section.reference is not None:
            began = time.monotonic()
            findings.answers = await answers.measure(client, stage.recipe, section.audit_items)
            _say(f"{len(findings.answers.forms) + len(findings.answers.attacks)} reference answers", began)
    findings.band = band
    findings.notes += await asyncio.to_thread(_served_elsewhere, stage)
    return conclude(findings, stage.recipe, endpoint.identity)


async def _under_pressure(
    verifier: Verifies, findings: Findings, recipe: Recipe, drawn: Sequence[Drawn]
) -> None:
    """Add what pressure finds; without answers there is none to apply."""
    section, truths = recipe.verifier.pressure, truths_of(recipe, verifier)
    if section is None or not drawn:
        return
    if truths is None:
        raise RecipeError(
            "verifier.pressure: this recipe has no oracle, so nobody could say which answers are false.",
            "Use a prompt that asks all constraints at once (joint-en), the local world, or leave it out.",
        )
    findings.pressure = await press(verifier, drawn, recipe, truths, section.mutants, recipe.seed)
    findings.notes += findings.pressure.notes


def _served_elsewhere(stage: Stage) -> list[str]:
    """What is not known about judges that somebody else serves: whether they are the recipe's."""
    from verif.service.config import URL_VARIABLE
    from verif.service.served import DifferentJudgeError, elsewhere

    urls, recipe = os.environ.get("VERIF_JUDGE_URL", ""), stage.recipe
    if os.environ.get(URL_VARIABLE):
        return []
    try:
        note = elsewhere(urls, recipe, stage.models / "judge")
    except (DifferentJudgeError, OSError) as error:
        note = f"a judge may not be the recipe's: {error}"
    return [note] if note else []


def choose(cases: Sequence[AuditCase], recipe: Recipe) -> list[AuditCase]:
    """The golden cases within the budget, drawn with the recipe's seed.

    For a judge, responses with soft constraints about which nothing is known come last: they cost a call and
    say nothing, and labelled ones are few.
    """
    chosen = list(cases)
    random.Random(f"golden-{recipe.seed}").shuffle(chosen)
    if recipe.judged:
        chosen.sort(key=lambda case: case.soft is None and bool(positions(case.instruction, hard=False)))
    return chosen[: recipe.verifier.audit_items]


def conclude(findings: Findings, recipe: Recipe, identity: str) -> AuditReport:
    """Findings, the gate's word on them, and the numbers."""
    cascade = recipe.verifier.cascade
    reasons: list[Reason] = decide(
        findings,
        recipe.verifier.gate,
        cascade.agreement if cascade else 0.0,
        recipe.verifier.pressure,
        recipe.verifier.reference,
    )
    texts = [reason.text for reason in reasons]
    return AuditReport(
        not reasons, texts, numbers(findings), identity, findings, [str(reason) for reason in reasons]
    )


async def measure(verifier: Verifies, plan: AuditPlan) -> Findings:
    """Ask everything, in a fixed order. The golden responses and the repetitions are asked with the cache off."""
    section, cases, soft = plan.recipe.verifier, plan.cases, plan.judged
    formula, budget = section.formula, section.audit_items
    began = time.monotonic()
    reasoning = section.reasoning
    opinions = await ask(verifier, cases, formula, soft=soft, cache=False, reasoning=reasoning)
    seconds = time.monotonic() - began
    _say(f"{len(cases)} golden responses", began)
    findings = Findings(
        formula=formula,
        judged=soft,
        accuracy=accuracy.measure(cases, opinions, formula),
        attacks=await _attacks(verifier, plan, max(5, budget // 10)),
        mutations=await _mutations(verifier, plan),
        determinism=await _determinism(verifier, plan, max(10, budget // 8)),
        cost=cost.measure(cases, opinions, seconds, section.price_per_hour),
        notes=notes(plan),
        failures=commonest(failures(opinions)),
        calibration=calibration.measure(cases, opinions) if soft else None,
    )
    if soft and formula != "soft-only":
        began = time.monotonic()
        findings.agreement = await agreement.measure(
            verifier, cases, opinions, formula, max(10, budget // 8), reasoning=reasoning
        )
        _say(f"{findings.agreement.confusion.n} hard constraints put to the judge", began)
    return findings


async def _attacks(verifier: Verifies, plan: AuditPlan, per_family: int) -> list[attacks.FamilyResult]:
    began, section = time.monotonic(), plan.recipe.verifier
    formula, reasoning = section.formula, section.reasoning
    rng = random.Random(f"attacks-{plan.recipe.seed}")
    made = attacks.make(rng, plan.cases, per_family, formula, plan.oracle)
    attacked = [attack.case for attack in made]
    opinions = await ask(verifier, attacked, formula, soft=plan.judged, reasoning=reasoning)
    _say(f"{len(made)} attacks", began)
    return attacks.score(made, opinions, formula)


async def _mutations(verifier: Verifies, plan: AuditPlan) -> list[mutations.RuleResult]:
    from verif.core.rules import rules

    section = plan.recipe.verifier
    if section.formula == "soft-only":
        return []
    began = time.monotonic()
    rng = random.Random(f"mutations-{plan.recipe.seed}")
    made, without = generate(rng, sorted(rules()), plan.cases, EDITS_PER_RULE)
    cases, reasoning = [m.case for m in made], section.reasoning
    opinions = await ask(verifier, cases, section.formula, soft=False, reasoning=reasoning)
    _say(f"{len(made)} minimal edits", began)
    if without:
        log.warning("no minimal edits are known for %s", ", ".join(without))
    return mutations.score(made, opinions)


async def _determinism(verifier: Verifies, plan: AuditPlan, size: int) -> determinism.Determinism:
    began, section = time.monotonic(), plan.recipe.verifier
    cases = plan.cases[:size]
    repeated = await determinism.measure(
        verifier,
        cases,
        section.formula,
        soft=plan.judged,
        url=plan.url,
        reasoning=section.reasoning,
    )
    _say(f"{len(cases)} responses asked three times more", began)
    return repeated


def notes(plan: AuditPlan) -> list[str]:
    """What this audit could not measure, and why."""
    out = []
    if not plan.judged:
        why = "the recipe has no judge" if plan.recipe.judge.kind == "none" else "the formula is hard-only"
        references = any(wants_references(case.instruction.constraints) for case in plan.cases)
        audited = "rules, checkers and reference answers" if references else "rules and checkers"
        out.append(f"{why}: {audited} are all that was audited")
    if plan.recipe.verifier.formula == "soft-only":
        out.append("the formula is soft-only: no rule was audited")
    if plan.oracle is None:
        out.append(
            "no oracle for this data: against rules and checkers, attacks count only where nothing of the response is left"
        )
    hard = [case for case in plan.cases if positions(case.instruction, hard=True)]
    if hard and all(case.hard is None for case in hard):
        out.append("the golden set knows no truth about hard constraints: their accuracy was not measured")
    if plan.judged and all(case.soft is None for case in plan.cases):
        out.append(
            "the golden set knows no truth about soft constraints: the judge's accuracy was not measured"
            " (`data.labelled` in the recipe, docs/audit.md)"
        )
    return out


def _say(what: str, began: float) -> None:
    log.info("audit: %s in %.1f s", what, time.monotonic() - began)
