"""verif as an environment of SkyRL: what a training does with one prompt.

python examples/skyrl_env.py examples/rows.jsonl
"""

import sys

import skyrl_gym
from skyrl_gym.envs import register

from verif import read_rows

register(id="verif", entry_point="verif.integrations.skyrl_gym:VerifEnv")


def main(rows: str) -> None:
    """Each row's own response in the part of the policy."""
    for row in read_rows(rows):
        spec = {"method": "rule", "ground_truth": row.instruction.model_dump_json()}
        env = skyrl_gym.make("verif", env_config={"formula": "average"}, extras={"reward_spec": spec})
        env.init([{"role": "user", "content": row.prompt}])
        print(row.id, env.step(row.response)["reward"])


if __name__ == "__main__":
    main(sys.argv[1])
