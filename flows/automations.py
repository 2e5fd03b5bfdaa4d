"""Automations as code. A flow run whose process vanished stays "Running" for ever unless somebody says otherwise."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from prefect.automations import Automation
from prefect.client.schemas.objects import StateType
from prefect.events.actions import ChangeFlowRunState
from prefect.events.schemas.automations import EventTrigger, Posture
from prefect.events.schemas.events import ResourceSpecification

HEARTBEAT_S = 30
SILENCE_S = 120  # four missed heartbeats
NAME = "verif: zombie runs are crashed"


def zombies(silence_s: int = SILENCE_S) -> Automation:
    """After a heartbeat, another one or an end must come; else the run is marked as crashed."""
    ends = {f"prefect.flow-run.{state}" for state in ("Completed", "Failed", "Cancelled", "Crashed")}
    return Automation(
        name=NAME,
        description=f"No heartbeat for {silence_s} s: the process is gone. Needs PREFECT_FLOWS_HEARTBEAT_FREQUENCY.",
        trigger=EventTrigger(
            match=ResourceSpecification({"prefect.resource.id": ["prefect.flow-run.*"]}),
            after={"prefect.flow-run.heartbeat"},
            expect={"prefect.flow-run.heartbeat", *ends},
            for_each={"prefect.resource.id"},
            posture=Posture.Proactive,
            threshold=1,
            within=timedelta(seconds=silence_s),
        ),
        actions=[
            ChangeFlowRunState(
                name="Crashed",
                force=False,
                state=StateType.CRASHED,
                message=f"No heartbeat for {silence_s} s: its process is gone. Run it again; training resumes.",
            )
        ],
    )


async def install(silence_s: int = SILENCE_S) -> None:
    """Create or update the automation on the server that PREFECT_API_URL names."""
    wanted = zombies(silence_s)
    try:
        old = await Automation.aread(name=NAME)
    except ValueError:
        await wanted.acreate()
        return
    old.trigger, old.actions, old.description = wanted.trigger, wanted.actions, wanted.description
    await old.aupdate()


if __name__ == "__main__":
    asyncio.run(install())
