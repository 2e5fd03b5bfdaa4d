"""One thing that must be there before work begins: `verif plan`, the cluster's doctor and training show them alike."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Check:
    """What was looked at, whether it is in order, and what to do if not."""

    what: str
    ok: bool
    detail: str = ""
    fix: str = ""


def failures(checks: Iterable[Check]) -> str:
    """Each check that failed, with what to do about it; "" if all are in order."""
    return " ".join(
        f"{check.what}: {check.detail.rstrip('.') or 'missing'}. {check.fix}"
        for check in checks
        if not check.ok
    )
