"""TRL: a reward function for `GRPOTrainer` (and whatever takes the same `reward_funcs`).

The columns of the data set carry the constraints, in any form of `verif.core.rows` or as JSON in `ground_truth`.
An error is `None`: TRL leaves such a completion out of its group's mean and gives it no advantage. It raises with a TRL
before 1.16, and with `strict`: beside other reward functions TRL adds up the rest, and an error would be a 0.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Sequence
from typing import Any

from verif.core.asked import items_of
from verif.core.failures import commonest, reward_or_raise, why
from verif.integrations.asking import Asker
from verif.integrations.host import written_for

log = logging.getLogger("verif.integrations.trl")


class VerifReward:
    """One of TRL's `reward_funcs`, asynchronous: `GRPOTrainer(reward_funcs=VerifReward(), ...)`.

    `how` is that of `verif.integrations.asking.Asker`. With `eos_token_ids`, a completion that ends in none of them was
    cut off, and no judge is asked about a fragment. `strict` raises `NoRewardError` in place of `None`.
    The share of completions without a reward is the metric `verif/errors`.
    """

    __name__ = "verif"

    def __init__(
        self, url: str | None = None, *, eos_token_ids: Collection[int] = (), strict: bool = False, **how: Any
    ) -> None:
        installed = written_for("trl", "1.16")
        self.asker, self.eos = Asker(url, **how), frozenset(eos_token_ids)
        self.strict = strict or () < installed < (1, 16)

    async def __call__(
        self,
        prompts: Sequence[Any],
        completions: Sequence[Any],
        completion_ids: Sequence[Sequence[int]] = (),
        log_metric: Callable[[str, float], None] | None = None,
        **columns: Any,
    ) -> list[float | None]:
        """One reward per completion; `None` where it could not be decided. `InputError` for a row that is wrong."""
        finished = [not ids or ids[-1] in self.eos for ids in completion_ids] if self.eos else []
        answers = await self.asker.ask(items_of(columns, completions, prompts, finished))
        reasons = [why(answer) for answer in answers if answer.reward.value is None]
        if reasons:
            log.warning(
                "%d of %d completions have no reward: %s", len(reasons), len(answers), commonest(reasons)
            )
        if log_metric:
            log_metric("verif/errors", len(reasons) / max(1, len(answers)))
        return [reward_or_raise(answer) if self.strict else answer.reward.value for answer in answers]
