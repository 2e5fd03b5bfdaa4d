"""Automations as code. A flow run whose process vanished stays "Running" for ever unless somebody says otherwise."""

from __future__ import annotations

import asyncio
import os
import sys
from datetime import timedelta

from httpx import HTTPError
from prefect import get_client
from prefect.automations import Automation
from prefect.client.schemas.objects import StateType
from prefect.events.actions import ChangeFlowRunState
from prefect.events.schemas.automations import EventTrigger, Posture
from prefect.events.schemas.events import ResourceSpecification

from flows import notifications
from verif.errors import VerifError

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
    """Create, update or remove automations on the server that PREFECT_API_URL names, until it has just the wanted ones."""
    await bring([zombies(silence_s)])
    wanted = await notifications.wanted(os.environ)
    await bring(wanted)
    for name in {f"{notifications.PREFIX}{occasion}" for occasion in notifications.OCCASIONS}:
        if name not in {new.name for new in wanted}:
            try:
                await (await Automation.aread(name=name)).adelete()
            except ValueError:
                continue


async def bring(wanted: list[Automation]) -> None:
    """Create or update these automations, by name."""
    for new in wanted:
        try:
            old = await Automation.aread(name=new.name)
        except ValueError:
            await new.acreate()
            continue
        old.trigger, old.actions, old.description = new.trigger, new.actions, new.description
        await old.aupdate()


async def one_training() -> None:
    """The limit `training`: a second one on this machine waits (`flows.pipeline`)."""
    async with get_client() as client:
        await client.upsert_global_concurrency_limit_by_name("training", 1)


async def main() -> int:
    """Both; what the user got wrong is one line."""
    try:
        await one_training()
        await install()
    except VerifError as error:
        print(f"verif: {error}", file=sys.stderr)
        return error.exit_code
    except HTTPError as error:
        print(
            f"verif: Prefect did not answer ({type(error).__name__}). Run `python -m flows.automations`.",
            file=sys.stderr,
        )
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
