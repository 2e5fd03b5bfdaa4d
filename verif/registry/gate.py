"""The promotion gate: what a model must show to become champion. Pure; it reads evidence and decides.

Each check states its value, its limit and its n. What cannot be measured is not passed. Against a champion, both
models are compared on the same prompts, judged by the same verifier; the first one is compared with its own starting
policy. The gain is that of the recipe's first benchmark; the constraint types are those of all.
"""

from __future__ import annotations

from typing import Any

from verif.evaluation.summary import families, in_order, paired
from verif.recipe import PromotionGate
from verif.registry import judge_gate
from verif.registry.criteria import (
    Criterion,
    Decision,
    audit_check,
    sides_of,
    verdicts_check,
    verifier_check,
)
from verif.registry.drift_gate import drift_checks
from verif.registry.evidence import Evidence

MIN_SHARED = 0.5
"""At least this share of the prompts must be the champion's too, or the two were not measured on the same thing."""
MAX_GENERAL_DROP = 0.05
"""What a general task's metric may fall by (a share: 0.05 is 5 points)."""
MIN_FAMILY = 20
"""A constraint type with fewer verdicts says too little to stop a promotion; it is listed, not judged."""


def decide(
    evidence: Evidence,
    gate: PromotionGate,
    champion: Evidence | None = None,
    against: str = "",
    samples: int = 10_000,
) -> Decision:
    """Gain, verdicts, verifier, constraint types, canary, general tasks, audit, attacks: all must pass."""
    if judge_gate.is_judge(evidence):
        return judge_gate.decide(evidence, champion, against, samples)
    measured = {n: numbers for n, numbers in in_order(evidence.evaluation).items() if "gain" in numbers}
    headline = next(iter(in_order(evidence.evaluation)), "")
    if headline not in measured:
        said = (
            f"the headline benchmark {headline} has no gain"
            if headline
            else "the evidence holds no benchmark"
        )
        nothing = Criterion("gain", False, None, gate.min_gain, said)
        return Decision(False, against or "the starting policy", (nothing,))
    first = headline
    sides = {name: sides_of(name, evidence, champion, must=name == first) for name in measured}
    gain, types, shared = measured[first]["gain"], dict[str, Any](), 1.0
    if champion is not None:
        old, new = sides[first].old, sides[first].new
        gain = paired(old, new, samples, 0).as_dict()
        shared = len({r.id for r in old}) / max(1, len({r.id for r in new}))
    for name, numbers in measured.items():
        side = sides[name]
        own = champion is None or any(row.model == "before" for row in side.old)
        cells = numbers.get("families", {}) if own else families(side.old, side.new, samples, 0)
        types |= {f"{name}: {family}": cell for family, cell in cells.items()}
    checks = [_gain(first, gain, shared, gate), verdicts_check(first, sides), verifier_check(sides)]
    checks += [_families(types, gate), _canary(evidence, gate), _general(evidence, champion)]
    checks += [
        *drift_checks(evidence.evaluation, gate.drift),
        audit_check(evidence),
        _attacks(evidence, gate),
    ]
    return Decision(all(check.passed for check in checks), against or "the starting policy", tuple(checks))


def same_verifier(evidence: Evidence, champion: Evidence) -> bool:
    """Whether both were judged by the same verifier wherever they were asked the same."""
    names = evidence.evaluation.get("benchmarks", {})
    return verifier_check({name: sides_of(name, evidence, champion, must=True) for name in names}).passed


def _gain(name: str, gain: dict[str, float], shared: float, gate: PromotionGate) -> Criterion:
    if shared < MIN_SHARED:
        note = (
            f"only {shared:.0%} of the prompts of {name} are the champion's too; the two cannot be compared"
        )
        return Criterion("gain", False, None, gate.min_gain, note)
    if gain["low"] is None:
        note = (
            f"{name}: no prompt has a verdict on all of its constraints (soft ones without a judge have none)"
        )
        return Criterion("gain", False, None, gate.min_gain, note)
    low = float(gain["low"])
    note = f"{name}: {gain['value']:+.3f} [{low:+.3f}, {gain['high']:+.3f}], n={gain['n']}, p={gain['p_value']:.4f}"
    return Criterion(
        "gain",
        low > gate.min_gain,
        low,
        gate.min_gain,
        f"{note}; the lower end must exceed {gate.min_gain:+.3f}",
    )


def _families(types: dict[str, Any], gate: PromotionGate) -> Criterion:
    """No type falls by more than the margin. Of many types some do by chance: the interval must say that it fell."""
    gains = {name: cell["gain"] for name, cell in types.items() if cell["gain"]["n"] >= MIN_FAMILY}
    if not gains:
        return Criterion(
            "constraint types", False, None, gate.max_family_drop, "no constraint type has enough verdicts"
        )
    fell = [n for n, gain in gains.items() if -gain["value"] > gate.max_family_drop and gain["high"] < 0]
    worst = min(fell or gains, key=lambda name: gains[name]["value"])
    gain = gains[worst]
    note = (
        f"largest drop: {worst} by {max(0.0, -gain['value']):.3f} (gain {gain['value']:+.3f} "
        f"[{gain['low']:+.3f}, {gain['high']:+.3f}], n={gain['n']}), allowed {gate.max_family_drop:.3f}, or what chance explains"
    )
    return Criterion("constraint types", not fell, -gain["value"], gate.max_family_drop, note)


def _canary(evidence: Evidence, gate: PromotionGate) -> Criterion:
    drop = evidence.evaluation.get("canary", {}).get("drop")
    if not drop and evidence.evaluation.get("general"):
        return Criterion("canary", True, None, gate.max_canary_drop, "no local corpus; see the general tasks")
    if not drop:
        return Criterion("canary", False, None, gate.max_canary_drop, "general ability was not measured")
    value = float(drop["value"])
    note = f"plain text became {value:+.3f} less likely per token, allowed {gate.max_canary_drop:.3f}"
    return Criterion("canary", value <= gate.max_canary_drop, value, gate.max_canary_drop, note)


def _general(evidence: Evidence, champion: Evidence | None) -> Criterion:
    """The largest drop of a general task, from the champion where it was measured on it, else from the start."""
    tasks = evidence.evaluation.get("general") or {}
    if not tasks:
        return Criterion("general tasks", True, None, MAX_GENERAL_DROP, "the recipe names none: not measured")
    earlier = champion.evaluation.get("general") or {} if champion else {}
    drops: dict[str, tuple[float, str]] = {}
    for task, numbers in tasks.items():
        before, after = earlier.get(task, {}).get("after") or numbers.get("before"), numbers.get("after")
        if not _number(before) or not _number(after):
            return Criterion(
                "general tasks", False, None, MAX_GENERAL_DROP, f"{task}: not measured on both sides"
            )
        drops[task] = (
            before["value"] - after["value"],
            f"{task} from {_interval(before)} to {_interval(after)}",
        )
    worst = max(drops, key=lambda task: drops[task][0])
    value, note = drops[worst]
    note = f"largest drop: {note}, allowed {MAX_GENERAL_DROP:.3f}"
    return Criterion("general tasks", value <= MAX_GENERAL_DROP, value, MAX_GENERAL_DROP, note)


def _number(cell: Any) -> bool:
    return isinstance(cell, dict) and isinstance(cell.get("value"), int | float)


def _interval(cell: dict[str, Any]) -> str:
    low, high = cell.get("low"), cell.get("high")
    between = f" [{low:.3f}, {high:.3f}]" if low is not None and high is not None else ""
    return f"{cell['value']:.3f}{between}"


def _attacks(evidence: Evidence, gate: PromotionGate) -> Criterion:
    value = attack_success(evidence.verifier)
    if value is None:
        return Criterion("attacks", False, None, gate.max_attack_success, "attack success was not measured")
    note = f"{value:.3f} of the attacks on the verifier succeed, allowed {gate.max_attack_success:.3f}"
    return Criterion("attacks", value <= gate.max_attack_success, value, gate.max_attack_success, note)


def attack_success(report: dict[str, Any]) -> float | None:
    """Attack success against the whole verifier, over all families, from the audit's report."""
    for place in (report, report.get("numbers")):
        attacks = place.get("attacks") if isinstance(place, dict) else None
        if isinstance(attacks, dict) and isinstance(attacks.get("verifier"), int | float):
            return float(attacks["verifier"])
    return None
