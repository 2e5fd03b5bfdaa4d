"""veRL without our trainer: `reward.custom_reward_function.path=pkg://verif.integrations.verl name=compute_score`.

The row's constraints are the JSON in `reward_model.ground_truth`. veRL has no word for an error: it raises, veRL drops
that rollout from its group and counts it nowhere. `verif.training.verl.reward` counts it, and sees what was cut off.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from verif.core.asked import item_of
from verif.core.failures import reward_or_raise
from verif.core.rows import Where
from verif.integrations.asking import asker_at
from verif.integrations.host import written_for
from verif.types import Reasoning

known = cache(written_for)


async def compute_score(
    data_source: str,
    solution_str: str,
    ground_truth: Any,
    extra_info: dict[str, Any] | None = None,
    *,
    url: str | None = None,
    formula: str = "average",
    reasoning: Reasoning = "auto",
    patience_s: float = 300.0,
    **_: Any,
) -> dict[str, float]:
    """The reward as veRL wants it. `url` and what follows are `reward.custom_reward_function.reward_kwargs`.

    Raises `NoRewardError` where nothing could be decided and `InputError` for a row that is wrong.
    """
    known("verl", "0.9")
    index = (extra_info or {}).get("index", 0)
    where = Where(str(data_source), index if isinstance(index, int) else 0)
    item = item_of({"ground_truth": ground_truth}, solution_str, where)
    [answer] = await asker_at(url, formula, reasoning, patience_s).ask([item])
    return {"score": reward_or_raise(answer)}
