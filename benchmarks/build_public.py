"""The public VerInstruct sample's own checkers, proved again from their own texts; its code runs in the sandbox only.

The rows have no answers. Where a constraint's text is understood beyond doubt (`verif.data.screening.claims`), an answer is
composed that keeps it, and the checker that the text describes is the second writer. Where it is not, only what needs no
understanding is said.
"""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path
from typing import Any

from verif.core.row_files import read_rows
from verif.core.sandbox.sandbox import Sandbox
from verif.data.builder.fields import chosen
from verif.data.builder.prove import proof
from verif.data.builder.reply import LONGEST_CODE, WrittenChecker
from verif.data.compose import compose
from verif.data.screening.claims import Claim, read
from verif.data.screening.probes import words
from verif.data.screening.screen import NOTES, check_one
from verif.pipeline.building import edges
from verif.types import CheckerConstraint

AGREEMENT = 0.95
_HEAD = "def check_following(instruction, response):\n"
_GUARD = f"{_HEAD}    if not response.strip():\n        return False\n"


def proved_again(path: Path) -> dict[str, Any]:
    """Shares of the sample's checkers that the proof accepts, repairs and refuses, beside what screening says."""
    counts: Counter[str] = Counter()
    kinds: Counter[str] = Counter()
    screened: Counter[str] = Counter()
    with Sandbox() as sandbox:
        for row in read_rows(path):
            for constraint in row.instruction.constraints if row.instruction else ():
                if isinstance(constraint, CheckerConstraint):
                    claim = read(constraint.text)
                    defect = _screened(row.prompt, constraint, claim, sandbox)
                    screened[defect or "no defect"] += 1
                    how, kind = _proved(row.prompt, constraint, claim, sandbox)
                    how, kind = ("refused", defect) if how == "not understood" and defect else (how, kind)
                    counts[how] += 1
                    kinds[kind] += bool(kind)
    checkers = sum(counts.values())
    return {
        "checkers": checkers,
        **{name: round(counts[name] / checkers, 4) for name in sorted(counts)},
        "counts": dict(sorted(counts.items())),
        "kinds": {kind: count for kind, count in sorted(kinds.items()) if kind},
        "screening": dict(sorted(screened.items())),
    }


def _screened(prompt: str, constraint: CheckerConstraint, claim: Claim | None, sandbox: Sandbox) -> str:
    said = [kind for kind, _, _ in check_one(prompt, constraint, claim, sandbox) if kind not in NOTES]
    return said[0] if said else ""


def _proved(
    prompt: str, constraint: CheckerConstraint, claim: Claim | None, sandbox: Sandbox
) -> tuple[str, str]:
    """accepted, repaired, refused, or not understood; and of what kind the fault is."""
    if claim is None or not claim.source():
        results = [row[0] for row in sandbox.check_group(prompt, [constraint.source], ["", words(40)])]
        broken = any(result.status.value == "error" for result in results)
        return ("refused", "does not run") if broken else ("not understood", "")
    guarded = claim.source().replace(_HEAD, _GUARD)
    answer = compose([claim], random.Random(1), [])
    written = (
        WrittenChecker(code=constraint.source[:LONGEST_CODE], cases=[]),
        WrittenChecker(code=guarded, cases=[]),
    )
    own = proof(prompt, answer, constraint.text, written, (), sandbox, edges, AGREEMENT)
    if own.how == "accepted":
        return "accepted", ""
    again = (written[1], written[1])
    other = proof(prompt, answer, constraint.text, again, chosen(()), sandbox, edges, AGREEMENT)
    return ("repaired" if other.constraint is not None else "refused"), own.kind
