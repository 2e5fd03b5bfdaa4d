"""Promotion with a person's word: the gate's evidence first, then a pause in the UI, then the ledger. No logic here."""

from __future__ import annotations

from pathlib import Path

from prefect import flow, get_run_logger, task
from prefect.artifacts import create_markdown_artifact
from prefect.cache_policies import NO_CACHE
from prefect.flow_runs import pause_flow_run
from prefect.input import RunInput
from pydantic import Field

from verif.errors import GateError


class Approval(RunInput):
    """What the person is asked."""

    approve: bool = Field(default=False, description="Make this version champion?")
    why: str = Field(default="", description="Kept in the ledger.")


@task(cache_policy=NO_CACHE, persist_result=False)
def show_evidence(root: Path, which: str) -> bool:
    """The gate's checks as an artifact; whether it allows the promotion."""
    from verif.project import load_stage
    from verif.registry.promotion import at_desk, gate

    with at_desk(load_stage(root)) as desk:
        number = desk.registry.resolve(which).number
        decision = gate(desk, number)
    rows = [
        f"| {c.name} | {'yes' if c.passed else 'NO'} | {c.value} | {c.limit} | {c.note} |"
        for c in decision.checks
    ]
    head = f"Version {number} against {decision.against}\n\n| check | passed | value | limit | |\n|---|---|---|---|---|\n"
    create_markdown_artifact(
        markdown=head + "\n".join(rows), key="promotion-gate", description=f"Gate for {which}"
    )
    return decision.passed


@task(cache_policy=NO_CACHE, persist_result=False)
def enter(root: Path, which: str, why: str) -> list[str]:
    """Through the gate and into the ledger; the gate decides again, on what the registry holds then."""
    from verif.project import load_stage
    from verif.registry.promotion import promote as through_gate

    return through_gate(load_stage(root), which, why)


@flow(name="promote", persist_result=False)
def promote(which: str = "challenger", wait_hours: float = 72) -> list[str]:
    """Make a registered version champion after a person has approved it on this run's page.

    Args:
        which: A version number or an alias in the registry.
        wait_hours: How long to wait for the approval.
    """
    root = Path.cwd()
    if not show_evidence(root, which):
        raise GateError(f"the gate does not allow {which}.", "Its checks are in the artifact promotion-gate.")
    answer = pause_flow_run(wait_for_input=Approval, timeout=int(wait_hours * 3600), poll_interval=5)
    if not answer.approve:
        get_run_logger().info("Not approved: %s", answer.why or "no reason given")
        return [f"{which} was not approved."]
    return enter(root, which, answer.why or "approved in Prefect")
