"""NeMo Gym: a resources server whose `/verify` is verif's; the service's own `/verify` needs no Gym at all.

An error is `mask_sample` with a failure kind. A Gym that does not know the field would learn from the 0.0 beside it: there
`verify` raises.
"""

from __future__ import annotations

from typing import Any

from nemo_gym import base_resources_server as gym
from pydantic import ConfigDict

from verif.core.failures import reward_or_raise
from verif.integrations.asking import asker_at
from verif.integrations.host import written_for
from verif.service.dialects.nemo_gym import answer, read
from verif.types import Reasoning

KNOWS_MASKS = "mask_sample" in gym.BaseVerifyResponse.model_fields


class VerifServerConfig(gym.BaseResourcesServerConfig):  # type: ignore[misc]
    """`url` is that of a verifier service; without it rules and checkers are decided here, by `formula`."""

    url: str | None = None
    formula: str = "average"
    reasoning: Reasoning = "auto"
    patience_s: float = 300.0
    if hasattr(gym, "ReverifyMode"):
        REVERIFY_MODE = gym.ReverifyMode.STATELESS


class VerifRequest(gym.BaseVerifyRequest):  # type: ignore[misc]
    """A row, whose columns carry the constraints."""

    model_config = ConfigDict(extra="allow")


class VerifResponse(gym.BaseVerifyResponse):  # type: ignore[misc]
    """The row with its reward."""

    model_config = ConfigDict(extra="allow")


class VerifServer(gym.SimpleResourcesServer):  # type: ignore[misc]
    """Run it with `VerifServer.run_webserver()` in the `app.py` of a resources server."""

    config: VerifServerConfig

    def model_post_init(self, context: Any) -> None:
        """One asker for all requests."""
        super().model_post_init(context)
        written_for("nemo-gym", "0.7")
        at = self.config
        self._asker = asker_at(at.url, at.formula, at.reasoning, at.patience_s)

    async def verify(self, body: VerifRequest) -> VerifResponse:
        """The row with its reward, masked where there is none."""
        row = body.model_dump(mode="json")
        answers = await self._asker.ask(read(row, {}))
        if not KNOWS_MASKS:
            reward_or_raise(answers[0])
        return VerifResponse(**answer(row, answers))
