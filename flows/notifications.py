"""Who is told what: one automation each for a run that failed, crashed, was refused, raised an alarm, or waits for a person.

The team makes a notification block in Prefect's page (Slack, mail, a webhook ...) and names it in VERIF_NOTIFY
(`TYPE/NAME`, as the block's page has it); `make up` and `python -m flows.automations` install the automations. Without
the name there are none, and those of an earlier name go.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from prefect import get_client
from prefect.automations import Automation
from prefect.events.actions import SendNotification
from prefect.events.schemas.automations import EventTrigger, Posture
from prefect.events.schemas.events import ResourceSpecification
from prefect.exceptions import ObjectNotFound

from verif.errors import InputError

VARIABLE = "VERIF_NOTIFY"
PREFIX = "verif: tell of "


@dataclass(frozen=True)
class Occasion:
    """What is told: an event about a flow run, and the words."""

    event: str
    words: str


OCCASIONS = {
    "a failed run": Occasion("prefect.flow-run.Failed", "failed"),
    "a crashed run": Occasion("prefect.flow-run.Crashed", "crashed; run it again, training resumes"),
    "a refused model": Occasion("prefect.flow-run.Refused", "made a model that the gate refuses"),
    "an alarm": Occasion("verif.alarm", "raised an alarm: the verifier may be fooled"),
    "a run that waits": Occasion("prefect.flow-run.Paused", "waits for a person on its page"),
}
BODY = "{{ flow_run.name }} {words}.\n{{ flow_run.state.message }}\n{{ flow_run|ui_url }}"
"""Prefect's template; `{words}` is ours."""


def automations(block: UUID) -> list[Automation]:
    """One for each occasion, all through this block."""
    return [
        Automation(
            name=f"{PREFIX}{name}",
            description=f"Tells the block that {VARIABLE} names.",
            trigger=EventTrigger(
                match=ResourceSpecification({"prefect.resource.id": ["prefect.flow-run.*"]}),
                expect={occasion.event},
                for_each={"prefect.resource.id"},
                posture=Posture.Reactive,
                threshold=1,
            ),
            actions=[
                SendNotification(
                    block_document_id=block,
                    subject=f"verif: {name}",
                    body=BODY.replace("{words}", occasion.words),
                )
            ],
        )
        for name, occasion in OCCASIONS.items()
    ]


async def wanted(environment: Mapping[str, str]) -> list[Automation]:
    """The automations for the block that the environment names, none without one; an `InputError` if there is no such block."""
    line = environment.get(VARIABLE, "").strip()
    if not line:
        return []
    kind, sign, name = line.partition("/")
    if not sign or not kind or not name:
        raise InputError(
            f"{VARIABLE}={line!r} is not of the form TYPE/NAME.", hint="For example slack-webhook/team."
        )
    async with get_client() as client:
        try:
            block = await client.read_block_document_by_name(name, kind, include_secrets=False)
        except ObjectNotFound:
            raise InputError(
                f"{VARIABLE} names the block {line!r}, which does not exist.",
                hint="Make it in Prefect's page (Blocks), or: prefect block ls.",
            ) from None
    return automations(block.id)
