"""Registration as a state to reach, not an event: on every run the registry is brought to where it should be.

DVC may skip or restore the `register` stage; the registry may be fresh, or somebody may have worked in it. So the
stage and the end of every run call the same function, which finds what is there and adds what is missing.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from verif.errors import InputError, RegistryError
from verif.evaluation.summary import in_order
from verif.registry import headline, versions
from verif.registry.card import card
from verif.registry.criteria import Decision
from verif.registry.evidence import Evidence, local_places, of_version, read_evidence
from verif.registry.gate import decide
from verif.registry.promotion import Desk, at_desk, gate, settle
from verif.registry.runs.stage_run import stage_run
from verif.registry.store import CANDIDATE, CHALLENGER, open_registry
from verif.system.files import digest_tree

if TYPE_CHECKING:
    from verif.project import Stage


@dataclass(frozen=True)
class Registration:
    """What came of it: the version, its alias, the gate's decision, the headline, the card, what happened on the way."""

    version: str
    alias: str
    created: bool
    decision: Decision
    messages: list[str]
    model_digest: str
    evidence_digest: str
    card: str
    headline: headline.Headline
    champion: dict[str, Any] | None = None


def reconcile(stage: Stage) -> list[str]:
    """Bring registry, aliases and ledger to where this working directory's results say; returns what was done.

    A directory without results has nothing to register; then only aliases and ledger are put right.
    """
    if (
        all(path.is_file() for path in local_places(stage.root).values())
        and (stage.models / "trained").is_dir()
    ):
        evidence = read_evidence(local_places(stage.root))
        if not (problem := unmeasured(evidence, digest_tree(stage.models / "trained"))):
            return register(stage).messages
        with at_desk(stage) as desk:  # e.g. trained again, and the evaluation has not come yet
            return [*settle(desk), f"Nothing was registered: {problem}"]
    with at_desk(stage) as desk:
        return settle(desk)


def unmeasured(evidence: Evidence, model_digest: str) -> str:
    """Why the evidence is not about these weights, or nothing."""
    measured = (evidence.evaluation.get("models") or {}).get("trained")
    if measured == model_digest:
        return ""
    return (
        f"reports/evaluation.json is about other weights ({str(measured)[:12]}) than models/trained holds "
        f"({model_digest[:12]})."
    )


def register(stage: Stage) -> Registration:
    """Register the trained model with its evidence unless it is, and give it the alias it has earned.

    Evidence about other weights is an `InputError`. Files are uploaded before the promotion lock is taken.
    """
    evidence = read_evidence(local_places(stage.root))
    model_digest = digest_tree(stage.models / "trained")
    if problem := unmeasured(evidence, model_digest):
        hint = "Measure them: `dvc repro evaluate`, or `verif run` without --from-stage."
        raise InputError(problem, hint=hint)
    key = versions.version_key(model_digest, evidence.digest)
    with ExitStack() as stack:
        draft = None
        if versions.find(open_registry(stage), key) is None:
            record = stack.enter_context(stage_run(stage, "register"))
            first = decide(evidence, stage.recipe.register_.gate)
            text = card(stage, evidence, first, headline.of_run(stage, first))
            draft = versions.upload(stage, record, evidence.digest, text)
        desk = stack.enter_context(at_desk(stage))
        messages = settle(desk)
        version = versions.find(desk.registry, key)  # somebody may have been faster
        created = version is None
        if version is None:
            if draft is None:
                raise RegistryError("the version was deleted meanwhile.", "Run the same command again.")
            version = versions.create(desk.registry, draft)
            record.tags({"verif.version": version.number})
            messages.append(f"Registered version {version.number} of {desk.registry.name}.")
        decision = _decision(desk, version.number, evidence)
        champion = _champion(desk, version.number)
        alias = _alias(desk, version.number, decision, messages)
    said = headline.of_run(stage, decision)
    text = card(stage, evidence, decision, said)
    digests = (model_digest, evidence.digest)
    return Registration(version.number, alias, created, decision, messages, *digests, text, said, champion)


def _champion(desk: Desk, number: str) -> dict[str, Any] | None:
    """The reigning champion's constraint types, for the report to show beside this version's."""
    if desk.champion in (None, number):
        return None
    version = desk.registry.resolve(str(desk.champion))
    for name, numbers in in_order(of_version(desk.registry, version).evaluation).items():
        if numbers.get("families"):
            types = {family: cell["after"] for family, cell in numbers["families"].items()}
            return {"version": version.number, "benchmark": name, "families": types}
    return None


def _decision(desk: Desk, number: str, evidence: Evidence) -> Decision:
    """The champion's own decision is the one it was promoted on: against its start, or the champion before it."""
    if desk.champion in (None, number):
        return decide(evidence, desk.section.gate)
    return gate(desk, number)


def _alias(desk: Desk, number: str, decision: Decision, messages: list[str]) -> str:
    registry = desk.registry
    if desk.champion == number:
        return "champion"
    if not desk.entries and decision.passed:  # later on, without a champion, a person decides
        desk.record("promote", number, "the first version that passes the gate", decision.as_dict())
        messages.append(f"Version {number} is champion: the first that passes the gate.")
        return "champion"
    newest = max((int(v.number) for v in registry.versions()), default=0)
    aliases = registry.aliases()
    if int(number) == newest and aliases.get(CANDIDATE) != number:
        registry.set_alias(CANDIDATE, number)
    if decision.passed and aliases.get(CHALLENGER) != number:
        registry.set_alias(CHALLENGER, number)
        messages.append(
            f"Version {number} passes the gate against {decision.against}: `verif promote {number}`."
        )
    return "challenger" if decision.passed else "candidate"
