"""The last parts of verifying that need nobody: which soft constraints need no judge, and the reward of all verdicts."""

from __future__ import annotations

from operator import attrgetter

from verif.core.plan import Plan, unscorable, without
from verif.core.reward import combine, reward
from verif.types import Formula, Status, Verdict, Verification


def to_judge(plan: Plan, formula: Formula, *, judged: bool, complete: bool) -> tuple[tuple[int, ...], str]:
    """The soft constraints that a judge must be asked about, and what saved the question if none must.

    What is not asked gets its verdict here: unscorable, skipped, or an error where `judged` says that nobody judges.
    """
    constraints = plan.item.instruction.constraints
    soft = tuple(index for index, constraint in enumerate(constraints) if constraint.kind == "soft")
    if plan.answer.hopeless:
        return (), ""
    if not soft:
        return (), "absent"
    if not complete and (reason := _irrelevant(plan, formula)):
        plan.verdicts.append(Verdict(status=Status.SKIPPED, covers=soft, reason=reason))
        return (), "short-circuit"
    if plan.answer.unjudgeable:
        plan.verdicts.append(unscorable(soft[0], plan.answer.unjudgeable, soft))
        return (), ""
    if not judged:
        plan.verdicts.extend(without("soft", constraints, "this verifier has no judge"))
        return (), ""
    return soft, ""


def _irrelevant(plan: Plan, formula: Formula) -> str:
    """Why the soft verdict cannot change the reward ("" if it can)."""
    if formula == "hard-only":
        return "the formula looks at hard constraints only"
    statuses = [v.status for v in plan.verdicts]
    if formula == "soft-only":
        return ""
    if Status.ERROR in statuses:
        return "the reward is an error already"
    if formula in ("product", "all") and statuses:
        value, _ = combine(statuses, [], formula)
        if value == 0.0 and not plan.answer.unjudgeable:
            return "the product is 0 already"
    return ""


def finished(plan: Plan, formula: Formula, unscorable_reward: float) -> Verification:
    """All verdicts of an item in the order of its constraints, and the reward they make."""
    verdicts = tuple(sorted(plan.verdicts, key=attrgetter("covers")))
    made = reward(plan.item.instruction.constraints, verdicts, formula, unscorable_reward)
    return Verification(id=plan.item.id, verdicts=verdicts, reward=made, note=plan.answer.note)
