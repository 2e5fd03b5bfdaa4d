"""The truth about a response where the data is drawn by code: the local world and the sums world, under one name."""

from __future__ import annotations

from verif.data.sums import truth as sums
from verif.data.world.oracle import truth
from verif.types import Instruction


def truths(item: Instruction, text: str) -> tuple[bool, ...]:
    """The truth per constraint; an instruction of neither world is an `InputError`."""
    if "sums" in item.meta:
        return tuple(sums.right(item, text) for _ in item.constraints)
    return truth(item, text).constraints
