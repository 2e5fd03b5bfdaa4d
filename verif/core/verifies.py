"""The one thing that all who ask for verdicts need of a verifier, in this process or behind a service."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Protocol

from verif.types import Item, Verification


class Verifies(Protocol):
    """`verif.core.verifier.Verifier` and `verif.service.client.VerifierClient` are such."""

    def verify(
        self, items: Sequence[Item], *, cache: bool = True, complete: bool = False
    ) -> AsyncIterator[Verification]:
        """Verifications as they are finished, in any order; `complete` asks every constraint."""
        ...
