"""One thing that must be there before work begins; `verif plan`, `verif cluster doctor` and the flows show them alike."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Check:
    """What was looked at, whether it is in order, and what to do if not."""

    what: str
    ok: bool
    detail: str = ""
    fix: str = ""
