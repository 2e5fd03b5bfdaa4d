"""Which rollouts take no part in a step. Pure, so that the rule can be read and tested on its own.

An errored verification is not a reward of 0: such a rollout leaves its group's mean and deviation and every
loss. A group with fewer than two scored rollouts has nothing to compare and contributes nothing: veRL left
to itself gives a lone survivor its raw score as its advantage.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

SCORED = ("scored", "unscorable")
"""States that carry a reward: an unscorable response has the recipe's."""


def excluded(uids: Sequence[str], states: Sequence[str]) -> list[bool]:
    """For each rollout of a batch, whether it is left out; `uids` name the groups.

    Example: `excluded(["a", "a", "a", "b", "b"], ["scored", "error", "scored", "scored", "error"])` is
    `[False, True, False, True, True]`.
    """
    scored = Counter(uid for uid, state in zip(uids, states, strict=True) if state in SCORED)
    return [state not in SCORED or scored[uid] < 2 for uid, state in zip(uids, states, strict=True)]


def without_contrast(uids: Sequence[str], rewards: Sequence[float | None], size: int) -> set[str]:
    """The groups of `size` rollouts that all have a reward, and the same: GRPO learns nothing from them.

    A group with an error, or with a rollout that never came back, is none of them: what it would have been, nobody knows.
    """
    groups: dict[str, list[float | None]] = defaultdict(list)
    for uid, reward in zip(uids, rewards, strict=True):
        groups[uid].append(reward)
    return {uid for uid, of in groups.items() if len(of) == size and None not in of and len(set(of)) == 1}
