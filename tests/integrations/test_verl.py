"""veRL's own loader and naive reward manager with verif as `custom_reward_function`."""

from __future__ import annotations

import json

import pytest

pytestmark = pytest.mark.slow

COMMA = json.dumps({"instruction_id_list": ["punctuation:no_comma"], "kwargs": [{}]})
BROKEN = json.dumps({"id": "1", "constraints": [{"kind": "checker", "text": "t", "source": "def broken("}]})


class Words:
    """A tokenizer of whole texts: token n is the n-th text."""

    texts = ("A boat.", "A boat, a gull.")

    def decode(self, ids, **_):
        return "".join(self.texts[int(number)] for number in ids)


async def test_the_score_is_the_reward_and_an_error_raises() -> None:
    import torch
    from omegaconf import OmegaConf
    from tensordict import TensorDict
    from verl import DataProto
    from verl.trainer.ppo.reward import load_reward_manager

    from verif.errors import NoRewardError

    reward = {
        "reward_manager": {"source": "register", "name": "naive"},
        "custom_reward_function": {
            "path": "pkg://verif.integrations.verl", "name": "compute_score",
            "reward_kwargs": {"url": "", "formula": "average"},
        },
    }  # fmt: skip
    manager = load_reward_manager(OmegaConf.create({"reward": reward}), Words())

    async def score(token: int, truth: str) -> float:
        batch = TensorDict(
            {"responses": torch.tensor([[token]]), "attention_mask": torch.ones(1, 1, dtype=torch.long)},
            batch_size=[1],
        )
        import numpy as np

        columns = {
            "data_source": np.array(["mine"], dtype=object),
            "reward_model": np.array([{"ground_truth": truth}], dtype=object),
            "extra_info": np.array([{"index": 7}], dtype=object),
        }
        return (await manager.run_single(DataProto(batch, columns)))["reward_score"]

    assert [await score(0, COMMA), await score(1, COMMA)] == [1.0, 0.0]
    with pytest.raises(NoRewardError, match="item '7'"):
        await score(0, BROKEN)
