"""Promotion with a person's word: the gate's evidence first, then a pause in the UI, then the ledger. No logic here."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from prefect import flow, get_run_logger, task
from prefect.artifacts import create_markdown_artifact
from prefect.cache_policies import NO_CACHE
from prefect.flow_runs import pause_flow_run
from prefect.input import RunInput
from pydantic import Field

from flows.artifacts import inlined
from flows.names import run_name
from verif.errors import GateError


class Approval(RunInput):
    """What the person is asked."""

    approve: bool = Field(default=False, description="Make this version champion?")
    why: str = Field(default="", description="Kept in the ledger.")


@dataclass(frozen=True)
class Shown:
    """What the person reads where the run is resumed, and whether the gate allows it."""

    passed: bool
    markdown: str


@task(cache_policy=NO_CACHE, persist_result=False)
def show_evidence(root: Path, which: str) -> Shown:
    """The version's headline, the gate's checks and its training's pictures as an artifact."""
    from verif.project import load_stage
    from verif.registry.promotion import at_desk, gate
    from verif.registry.store import first_lines

    with at_desk(load_stage(root)) as desk:
        number = desk.registry.resolve(which).number
        decision = gate(desk, number)
        lead = first_lines(desk.registry, number)
    rows = [
        f"| {c.name} | {'yes' if c.passed else 'NO'} | {c.value} | {c.limit} | {c.note} |"
        for c in decision.checks
    ]
    head = f"Version {number} against {decision.against}\n\n| check | passed | value | limit | |\n|---|---|---|---|---|\n"
    shown = f"{lead}\n\n{head}" + "\n".join(rows)
    create_markdown_artifact(
        markdown="\n\n".join([shown, *inlined(drawn(root))]),
        key="promotion-gate",
        description=f"Gate for {which}",
    )
    return Shown(decision.passed, shown)


def drawn(root: Path) -> list[Path]:
    """Pictures of the newest run that lies here, where it lies here."""
    folders = (root / "reports" / part for part in ("train", "evaluation"))
    return [path for folder in folders for path in sorted(folder.glob("*.svg"))]


@task(cache_policy=NO_CACHE, persist_result=False)
def enter(root: Path, which: str, why: str) -> list[str]:
    """Through the gate and into the ledger; the gate decides again, on what the registry holds then."""
    from verif.project import load_stage
    from verif.registry.promotion import promote as through_gate

    return through_gate(load_stage(root), which, why)


@flow(name="promote", flow_run_name=run_name, persist_result=False)
def promote(which: str = "challenger", wait_hours: float = 72) -> list[str]:
    """Make a registered version champion after a person has approved it on this run's page.

    Args:
        which: A version number or an alias in the registry.
        wait_hours: How long to wait for the approval.
    """
    root = Path.cwd()
    shown = show_evidence(root, which)
    if not shown.passed:
        raise GateError(f"the gate does not allow {which}.", "Its checks are in the artifact promotion-gate.")
    question = Approval.with_initial_data(description=shown.markdown)
    answer = pause_flow_run(wait_for_input=question, timeout=int(wait_hours * 3600), poll_interval=5)
    if not answer.approve:
        get_run_logger().info("Not approved: %s", answer.why or "no reason given")
        return [f"{which} was not approved."]
    return enter(root, which, answer.why or "approved in Prefect")
