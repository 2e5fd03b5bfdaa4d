"""What the service's endpoints share, and whether each of its parts gives real verdicts."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from verif.core.verifier import Verifier
from verif.service.batch import Batcher
from verif.service.limits import MAX_HELD, REQUEST_S
from verif.service.metrics import Metrics
from verif.service.places import Places
from verif.service.reading import Reading
from verif.types import Item, Status, Verdict

log = logging.getLogger("verif.service")

PROBE_EVERY_S = 2.0
"""For so long a verdict proves its part, and so often at most the parts are probed."""
_NAMES = {"reference": "model of answers"}


@dataclass
class ServiceState:
    """What the endpoints share.

    `problem` says why the service is not ready; `busy_at` when it last had work; `held` counts the bytes of
    requests without a whole answer; `probing` holds the last probe of each part, `probed` when it ended.
    """

    verifier: Verifier
    batcher: Batcher
    metrics: Metrics
    probes: list[Item]
    reading_bodies: Reading
    problem: str = ""
    closing: bool = False
    busy_at: float = field(default_factory=time.monotonic)
    held: Places = field(default_factory=lambda: Places(MAX_HELD))
    parsers: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(2, "verif-parse"))
    request_s: float = REQUEST_S
    probing: dict[str, asyncio.Task[str]] = field(default_factory=dict)
    probed: dict[str, float] = field(default_factory=dict)

    @property
    def reading(self) -> int:
        """Declared bytes of bodies that are being read."""
        return self.reading_bodies.bytes

    def unproved(self, since: float) -> list[str]:
        """The parts without a real verdict since then (monotonic seconds), among those the probes go through."""
        soft = ["small", "large"] if hasattr(self.verifier.judge, "small") else ["judge"]
        kinds = {c.kind for probe in self.probes for c in probe.instruction.constraints}
        hard = [kind for kind in ("rule", "checker", "reference") if kind in kinds]
        parts = hard + (soft if "soft" in kinds else [])
        return [part for part in parts if self.batcher.proved.get(part, float("-inf")) < since]

    def probe(self, part: str) -> asyncio.Task[str]:
        """The part's probe: the one under way, the last one if it ended within `PROBE_EVERY_S`, or a new one."""
        last = self.probing.get(part)
        if last is None or (last.done() and time.monotonic() - self.probed[part] >= PROBE_EVERY_S):
            last = self.probing[part] = asyncio.create_task(_probe(self, part))
        return last


async def prove(state: ServiceState) -> str:
    """Why the service cannot give rewards ("" if it can): every part gave a real verdict within `PROBE_EVERY_S`.

    Verdicts of real work count, so that nothing is probed, and waits behind that work, while they flow; one that
    comes while a probe waits counts as well. However many ask, a part has one probe at a time (`State.probe`).
    """
    if state.closing:
        return "the service is closing"
    if state.problem:
        return state.problem
    if not state.probes:
        return "there is nothing to probe with"
    since = time.monotonic() - PROBE_EVERY_S
    while parts := state.unproved(since):
        probes = [state.probe(part) for part in parts]
        if waiting := [probe for probe in probes if not probe.done()]:
            await asyncio.wait(waiting, timeout=0.1)
        ended = [probe.result() for probe in probes if probe.done()]
        if any(ended) or len(ended) == len(probes):
            return next((problem for problem in ended if problem), "")
    return ""


async def _probe(state: ServiceState, part: str) -> str:
    """Why the part decides none of the probes, with the cache off; "" if it does."""
    problem = ""
    try:
        for probe in state.probes:
            verdicts = await _ask_part(state, probe, part)
            bad = [v for v in verdicts if v.status not in (Status.PASS, Status.FAIL)]
            if bad:
                problem = f"no verdict from the {_NAMES.get(part, part)}: {bad[0].reason}"
            elif verdicts:
                state.batcher.proved[part] = time.monotonic()
                return ""
        log.warning("not ready: %s", problem)
        return problem
    finally:
        state.probed[part] = time.monotonic()


async def _ask_part(state: ServiceState, probe: Item, part: str) -> Sequence[Verdict]:
    """The part's verdicts on its constraints of the probe."""
    kind = part if part in ("rule", "checker", "reference") else "soft"
    chosen = tuple(c for c in probe.instruction.constraints if c.kind == kind)
    if not chosen:
        return ()
    instruction = probe.instruction.model_copy(update={"constraints": chosen})
    if part in ("small", "large"):  # each of a cascade's judges, whichever would have decided
        judge = getattr(state.verifier.judge, part)
        asks = judge.asks(range(len(chosen)))
        return [await judge.ask(instruction, probe.response.text, indices) for indices in asks]
    item = probe.model_copy(update={"instruction": instruction})
    [verification] = [answer async for answer in state.verifier.verify([item], cache=False, complete=True)]
    return verification.verdicts
