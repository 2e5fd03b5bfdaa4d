"""Three steps of TRL's GRPO while the judge dies after the first: `... MODEL ROWS OUT JUDGE_PID`; prints what was seen."""

import json
import os
import signal
import sys

from transformers import TrainerCallback
from trl_grpo import trainer  # type: ignore[import-not-found]  # the example, which the test puts on the path


class Dies(TrainerCallback):
    """Kills the judge after the first step."""

    def __init__(self, pid: int) -> None:
        self.pid = pid

    def on_step_end(self, args, state, control, **_):
        if state.global_step == 1:
            os.kill(self.pid, signal.SIGKILL)


grpo = trainer(*sys.argv[1:4], steps=3, length=12)
grpo.reward_funcs[0].eos = frozenset()  # a random policy ends nothing: judge what it says all the same
grpo.add_callback(Dies(int(sys.argv[4])))
grpo.train()
logged = [line for line in grpo.state.log_history if "reward" in line]
print(
    json.dumps(
        {
            "errors": [line["verif/errors"] for line in logged],
            "rewards": [line["reward"] for line in logged],
            "gradients": [line["grad_norm"] for line in logged],
        }
    )
)
