"""ms-swift's rewards and advantages by the two files that define them, without the packages around them."""

import asyncio
import importlib.util
import json
import sys
import types
from pathlib import Path

import torch

PLACE = Path(importlib.util.find_spec("swift").origin).parent


def load(name: str, path: str) -> types.ModuleType:
    """A module from its own file."""
    spec = importlib.util.spec_from_file_location(name, PLACE / path)
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


for name, said in {
    "swift": {}, "swift.infer_engine": {"InferRequest": object}, "swift.utils": {"nanstd": torch.std}
}.items():  # fmt: skip
    sys.modules[name] = types.ModuleType(name)
    vars(sys.modules[name]).update(said)
orm = load("swift.rewards", "rewards/orm.py")
advantage = load("swift.rl_core.advantage", "rl_core/advantage.py")

from verif.integrations.ms_swift import VerifORM  # noqa: E402

COMMA = {"instruction_id_list": ["punctuation:no_comma"], "kwargs": [{}]}
SOFT = {"id": "1", "constraints": [{"kind": "soft", "text": "Be good."}]}
BROKEN = {"id": "1", "constraints": [{"kind": "checker", "text": "t", "source": "def broken("}]}


def reward(truth: dict, *said: str, **columns: object) -> object:
    """As `compute_rewards_per_func` calls it: completions first, a column per field, messages with the reply."""
    talk = [
        [{"role": "user", "content": "Describe the harbour."}, {"role": "assistant", "content": text}]
        for text in said
    ]
    rows = [json.dumps(truth)] * len(said)
    try:
        return asyncio.run(
            orm.orms["verif"]()(list(said), messages=talk, ground_truth=rows, trainer_state=None, **columns)
        )
    except Exception as error:
        return f"{type(error).__name__}: {error}"


def none_counts_as() -> float:
    """The reward that its `compute_advantages` makes of a NaN beside a 1."""
    rewards = torch.tensor([[1.0], [float("nan")]])
    return advantage.compute_advantages(rewards, torch.ones(1), 2)[1][1].item()


assert orm.orms["verif"] is VerifORM
told = {
    "rewards": reward(COMMA, "A boat.", "A boat, a gull."),
    "cut": reward(SOFT, "A good boat", is_truncated=[True]),
    "broken": reward(BROKEN, "x"),
    "none_counts_as": none_counts_as(),
}
print(json.dumps(told))
