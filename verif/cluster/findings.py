"""What a check found, and one error for all that failed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from verif.errors import ClusterError


@dataclass(frozen=True, slots=True)
class Check:
    """One check: what was looked at, whether it is in order, and what to do if not."""

    what: str
    ok: bool
    detail: str = ""
    fix: str = ""


def require(findings: Sequence[Check]) -> None:
    """One error that names each check that failed, with what to do about it."""
    bad = [f for f in findings if not f.ok]
    if bad:
        told = " ".join(f"{f.what}: {f.detail.rstrip('.') or 'missing'}. {f.fix}" for f in bad)
        raise ClusterError(f"nothing was submitted, {len(bad)} of {len(findings)} checks failed. {told}")
