"""Three steps of TRL's GRPO while the judge dies after the first: `... MODEL ROWS OUT JUDGE_PID`; prints what was seen."""

import json
import os
import signal
import sys

import torch
from transformers import TrainerCallback
from trl_grpo import trainer  # type: ignore[import-not-found]  # the example, which the test puts on the path


def weights(model: torch.nn.Module) -> float:
    """One number that any change of any weight changes."""
    return float(sum(parameter.double().abs().sum() for parameter in model.parameters()))


class Dies(TrainerCallback):
    """Kills the judge after the first step and notes the weights after each."""

    def __init__(self, pid: int) -> None:
        self.pid, self.seen = pid, []

    def on_step_end(self, args, state, control, model=None, **_):
        self.seen.append(weights(model))
        if state.global_step == 1:
            os.kill(self.pid, signal.SIGKILL)


grpo = trainer(*sys.argv[1:4], steps=3, length=12)
grpo.reward_funcs[0].eos = frozenset()  # a random policy ends nothing: judge what it says all the same
grpo.args.learning_rate = 1e-2
dies = Dies(int(sys.argv[4]))
grpo.add_callback(dies)
begun = weights(grpo.model)
grpo.train()
logged = [line for line in grpo.state.log_history if "reward" in line]
print(
    json.dumps(
        {
            "errors": [line["verif/errors"] for line in logged],
            "rewards": [line["reward"] for line in logged],
            "moved": [before != after for before, after in zip([begun, *dies.seen], dies.seen, strict=False)],
        }
    )
)
