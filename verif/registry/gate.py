"""The promotion gate: what a model must show to become champion. Pure; it reads evidence and decides.

Each check states its value, its limit and its n. What cannot be measured is not passed. Against a champion, both
models are compared on the same prompts; the first one is compared with its own starting policy.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from verif.benchmarks.case import Row
from verif.benchmarks.summary import MAIN, families, paired
from verif.recipe import PromotionGate
from verif.registry.evidence import Evidence

MIN_SHARED = 0.5
"""At least this share of the prompts must be the champion's too, or the two were not measured on the same thing."""
MIN_FAMILY = 20
"""A constraint type with fewer verdicts says too little to stop a promotion; it is listed, not judged."""


@dataclass(frozen=True)
class Check:
    """One criterion: what was measured, the limit, and a sentence."""

    name: str
    passed: bool
    value: float | None
    limit: float
    note: str


@dataclass(frozen=True)
class Decision:
    """The gate's word. `against` is the champion's version, or "the starting policy"."""

    passed: bool
    against: str
    checks: tuple[Check, ...]

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)

    @property
    def reasons(self) -> list[str]:
        """Why it did not pass."""
        return [f"{check.name}: {check.note}" for check in self.checks if not check.passed]


def decide(
    evidence: Evidence,
    gate: PromotionGate,
    champion: Evidence | None = None,
    against: str = "",
    samples: int = 10_000,
) -> Decision:
    """Gain, constraint types, canary, audit, attacks: all must pass."""
    benchmarks = [
        name for name, found in evidence.evaluation.get("benchmarks", {}).items() if "gain" in found
    ]
    if not benchmarks:
        nothing = Check("gain", False, None, gate.min_gain, "the evidence holds no benchmark with a gain")
        return Decision(False, against or "the starting policy", (nothing,))
    name = benchmarks[0]
    if champion is None:
        found = evidence.evaluation["benchmarks"][name]
        gain, types, shared = found["gain"], found.get("families", {}), 1.0
    else:
        new, old = _after(evidence.rows, name), _after(champion.rows, name)
        old = _same_prompts(new, old)
        gain, types = paired(old, new, samples, 0).as_dict(), families(old, new, samples, 0)
        shared = len({r.id for r in old}) / max(1, len({r.id for r in new}))
    checks = [_gain(name, gain, shared, gate), _families(types, gate), _canary(evidence, gate)]
    checks += [_audit(evidence), _attacks(evidence, gate)]
    return Decision(all(check.passed for check in checks), against or "the starting policy", tuple(checks))


def _after(rows: Sequence[Row], benchmark: str) -> list[Row]:
    return [r for r in rows if r.benchmark == benchmark and r.model == "after" and r.mode == MAIN]


def _same_prompts(new: Sequence[Row], old: Sequence[Row]) -> list[Row]:
    """The champion's rows whose prompt the new model was asked too, under the same id."""
    asked = {(row.id, row.prompt) for row in new}
    return [row for row in old if (row.id, row.prompt) in asked]


def _gain(name: str, gain: dict[str, float], shared: float, gate: PromotionGate) -> Check:
    if shared < MIN_SHARED:
        note = (
            f"only {shared:.0%} of the prompts of {name} are the champion's too; the two cannot be compared"
        )
        return Check("gain", False, None, gate.min_gain, note)
    if gain["low"] is None:
        note = (
            f"{name}: no prompt has a verdict on all of its constraints (soft ones without a judge have none)"
        )
        return Check("gain", False, None, gate.min_gain, note)
    low = float(gain["low"])
    note = f"{name}: {gain['value']:+.3f} [{low:+.3f}, {gain['high']:+.3f}], n={gain['n']}, p={gain['p_value']:.4f}"
    return Check(
        "gain",
        low > gate.min_gain,
        low,
        gate.min_gain,
        f"{note}; the lower end must exceed {gate.min_gain:+.3f}",
    )


def _families(types: dict[str, Any], gate: PromotionGate) -> Check:
    drops = {name: -cell["gain"]["value"] for name, cell in types.items() if cell["gain"]["n"] >= MIN_FAMILY}
    if not drops:
        return Check(
            "constraint types", False, None, gate.max_family_drop, "no constraint type has enough verdicts"
        )
    worst = max(drops, key=lambda name: drops[name])
    note = f"largest drop: {worst} by {max(0.0, drops[worst]):.3f}, allowed {gate.max_family_drop:.3f}"
    return Check(
        "constraint types", drops[worst] <= gate.max_family_drop, drops[worst], gate.max_family_drop, note
    )


def _canary(evidence: Evidence, gate: PromotionGate) -> Check:
    drop = evidence.evaluation.get("canary", {}).get("drop")
    if not drop:
        return Check("canary", False, None, gate.max_canary_drop, "general ability was not measured")
    value = float(drop["value"])
    note = f"plain text became {value:+.3f} less likely per token, allowed {gate.max_canary_drop:.3f}"
    return Check("canary", value <= gate.max_canary_drop, value, gate.max_canary_drop, note)


def _audit(evidence: Evidence) -> Check:
    fit, reasons = evidence.fitness.get("fit") is True, evidence.fitness.get("reasons") or []
    return Check(
        "audit",
        fit,
        float(fit),
        1.0,
        "the verifier passed its audit" if fit else "; ".join(map(str, reasons)),
    )


def _attacks(evidence: Evidence, gate: PromotionGate) -> Check:
    value = attack_success(evidence.verifier)
    if value is None:
        return Check("attacks", False, None, gate.max_attack_success, "attack success was not measured")
    note = f"{value:.3f} of the attacks on the verifier succeed, allowed {gate.max_attack_success:.3f}"
    return Check("attacks", value <= gate.max_attack_success, value, gate.max_attack_success, note)


def attack_success(report: dict[str, Any]) -> float | None:
    """Attack success against the whole verifier, over all families, from the audit's report."""
    for place in (report, report.get("numbers")):
        attacks = place.get("attacks") if isinstance(place, dict) else None
        if isinstance(attacks, dict) and isinstance(attacks.get("verifier"), int | float):
            return float(attacks["verifier"])
    return None
