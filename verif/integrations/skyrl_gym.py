"""SkyRL: an environment of one turn, its constraints in `reward_spec.ground_truth` as JSON or in the row's columns.

    register(id="verif", entry_point="verif.integrations.skyrl_gym:VerifEnv")

SkyRL has no word for an error: `step` raises `NoRewardError`.
"""

from __future__ import annotations

from typing import Any

from skyrl_gym.envs.base_text_env import BaseTextEnv, BaseTextEnvStepOutput

from verif.core.asked import item_of
from verif.core.failures import reward_or_raise
from verif.core.rows import Where
from verif.integrations.asking import Asker
from verif.integrations.host import written_for


class VerifEnv(BaseTextEnv):  # type: ignore[misc]
    """`env_config` may hold `url` and what else `verif.integrations.asking.Asker` takes."""

    def __init__(self, env_config: Any = None, extras: dict[str, Any] | None = None) -> None:
        super().__init__()
        written_for("skyrl-gym", "0.4")
        self.row = dict(extras or {})
        self.row |= {"ground_truth": (self.row.pop("reward_spec", None) or {}).get("ground_truth")}
        self.asker = Asker(**dict(env_config or {}))
        self.prompt: Any = None

    def init(self, prompt: Any) -> tuple[Any, dict[str, Any]]:
        """The prompt as it is. `InputError` for a row that is wrong, before anything is generated for it."""
        self.prompt = prompt
        self._item("")
        return prompt, {}

    def step(self, action: str) -> Any:
        """The reward of the policy's only turn; its verdicts are in `metadata`."""
        [answer] = self.asker.ask_now([self._item(action)])
        return BaseTextEnvStepOutput(
            observations=[],
            reward=reward_or_raise(answer),
            done=True,
            metadata={"verif": answer.model_dump(mode="json")},
        )

    def _item(self, said: str) -> Any:
        return item_of(self.row, said, Where("the data set", 1), prompt=self.prompt)
