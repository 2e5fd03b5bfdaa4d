"""A verifier service that somebody else keeps: wait until it gives verdicts, and make sure that it is the right one."""

from __future__ import annotations

import asyncio
import time

from verif.errors import ServiceError, VerifError
from verif.service.client import VerifierClient


def require(url: str, identity: str, seconds: float) -> None:
    """Return when the service at `url` is ready and has this identity.

    Raises `ServiceError` after `seconds` without a verdict, or at once if it is another verifier: its rewards would
    be recorded under a name that is not theirs.
    """
    served = asyncio.run(_identity(url, seconds))
    if served != identity:
        raise ServiceError(
            f"the service at {url} is verifier {served[:12]}, but the recipe needs {identity[:12]}.",
            "Start it from this commit and this recipe.",
        )


async def _identity(url: str, seconds: float) -> str:
    limit, problem = time.monotonic() + seconds, ""
    async with VerifierClient(url) as client:
        while time.monotonic() < limit:
            try:
                if await client.ready():
                    return await client.identity()
                problem = "it answers, but gives no verdicts yet, or cannot be reached"
            except (OSError, TimeoutError, VerifError) as error:
                problem = str(error)
            await asyncio.sleep(min(2.0, seconds / 20))
    raise ServiceError(f"the verifier at {url} was not ready within {seconds:.0f} s: {problem}")
