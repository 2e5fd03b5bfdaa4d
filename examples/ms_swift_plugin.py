"""verif as a reward of ms-swift; the rows of the data set carry the constraints beside `messages`.

    swift rlhf --rlhf_type grpo --model MODEL --dataset ROWS.jsonl --external_plugins examples/ms_swift_plugin.py \\
        --reward_funcs verif_average
"""

from swift.rewards import orms

from verif.integrations.asking import Asker
from verif.integrations.ms_swift import VerifORM


class Average(VerifORM):
    """Rules and checkers decided in the trainer; with a judge: `Asker("http://HOST:PORT")`, a verifier service."""

    def __init__(self, args: object = None, **other: object) -> None:
        super().__init__(args, **other)
        self.asker = Asker("", formula="average")


orms["verif_average"] = Average
