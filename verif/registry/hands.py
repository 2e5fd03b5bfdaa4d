"""What hands did in MLflow's own page: a version copied into another model ("Promote model"), which no gate has seen.

An alias that was moved is dealt with in `verif.registry.promotion`. A copy is under a name that is not ours, so it
is only written down, once, with the gate's state beside it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from verif.errors import VerifError
from verif.registry.runs.mlflow import mlflow_errors

if TYPE_CHECKING:
    from collections.abc import Callable

    from verif.registry.criteria import Decision
    from verif.registry.ledger import Entry
    from verif.registry.store import Registry

BY_HAND = "by-hand"
"""The ledger's action for what was done in MLflow's page."""


@dataclass(frozen=True)
class Copy:
    """A version of another model that was copied from ours."""

    name: str
    number: str
    source: str

    @property
    def key(self) -> str:
        """How the ledger names it."""
        return f"{self.name}/{self.number}"


def copies(registry: Registry) -> list[Copy]:
    """Versions that MLflow copied from this model's, here or under other names."""
    ours = f"models:/{registry.name}/"
    with mlflow_errors("looking for copies", registry.uri):
        everywhere = registry.mlflow.search_model_versions(max_results=10_000)
    return [
        Copy(str(version.name), str(version.version), str(version.source)[len(ours) :])
        for version in everywhere
        if str(version.source or "").startswith(ours)
    ]


def unknown(registry: Registry, entries: list[Entry]) -> list[Copy]:
    """The copies that the ledger does not name yet."""
    known = {str(entry.evidence.get("copy")) for entry in entries if entry.action == BY_HAND}
    return [copy for copy in copies(registry) if copy.key not in known]


def gate_state(number: str, gate: Callable[[str], Decision]) -> dict[str, Any]:
    """The gate's word on a version as the ledger keeps it; what cannot be decided is said."""
    try:
        return gate(number).as_dict()
    except VerifError as error:
        return {"passed": False, "why": str(error)}


def unchecked(entries: list[Entry]) -> str:
    """Why the champion did not come through the gate, or nothing."""
    moves = [entry for entry in entries if "copy" not in entry.evidence]
    if not moves or moves[-1].action != BY_HAND:
        return ""
    last = moves[-1]
    word = "the gate would let it pass" if last.evidence.get("passed") else "the gate refuses it"
    return f"version {last.to} was made champion by hand, noticed on {last.at}; {word}"
