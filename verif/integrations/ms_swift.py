"""ms-swift: `swift rlhf --external_plugins FILE --reward_funcs verif`, where FILE imports this module.

The columns of the data set carry the constraints. An error raises: ms-swift takes `None`, but adds it up as a 0 among the
rewards of its group (`nansum` in `swift/rl_core/advantage.py`). Where the service is says `VERIF_VERIFIER_URL`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from swift.rewards import AsyncORM, orms

from verif.core.asked import items_of
from verif.core.failures import reward_or_raise
from verif.integrations.asking import Asker
from verif.integrations.host import written_for


class VerifORM(AsyncORM):  # type: ignore[misc]
    """An asynchronous outcome reward; a subclass may choose another `Asker`."""

    def __init__(self, args: Any = None, **other: Any) -> None:
        super().__init__(args, **other)
        written_for("ms-swift", "4.6")
        self.asker = Asker()

    async def __call__(self, completions: Sequence[Any], **columns: Any) -> list[float]:
        """One reward per completion; `NoRewardError` for an error and `InputError` for a row that is wrong."""
        finished = [not cut for cut in columns.pop("is_truncated", None) or ()]
        answers = await self.asker.ask(items_of(columns, completions, finished=finished))
        return [reward_or_raise(answer) for answer in answers]


orms["verif"] = VerifORM
