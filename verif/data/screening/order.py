"""Grouping is earned twice: by the proof (`verif.core.sandbox.purity`), and by a second run in reverse order."""

from __future__ import annotations

from collections.abc import Sequence

from verif.core.sandbox.sandbox import Sandbox


def order_sensitive(
    sandbox: Sandbox, instruction: str, sources: Sequence[str], responses: Sequence[str]
) -> list[int]:
    """Positions of the sources whose verdicts change when sources and responses come in reverse order."""
    if not sources or not responses:
        return []
    forward = sandbox.check_group(instruction, sources, responses)
    backward = sandbox.check_group(instruction, sources[::-1], responses[::-1])
    last = len(sources) - 1
    return [
        index
        for index in range(len(sources))
        if any(
            row[index].status is not other[last - index].status
            for row, other in zip(forward, reversed(backward), strict=True)
        )
    ]
