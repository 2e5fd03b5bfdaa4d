"""What an environment of SkyRL does with a checker that cannot run, and with a wrong row."""

import json

import skyrl_gym
from skyrl_gym.envs import register

register(id="verif", entry_point="verif.integrations.skyrl_gym:VerifEnv")
PROMPT = [{"role": "user", "content": "Describe the harbour."}]
BROKEN = {"id": "1", "constraints": [{"kind": "checker", "text": "t", "source": "def broken("}]}
WRONG = {"instruction_id_list": ["punctuation:no_comma"], "kwargs": []}


def raised(call) -> str:
    try:
        return f"returned {call()}"
    except Exception as error:
        return f"{type(error).__name__}: {error}"


def made(truth):
    return skyrl_gym.make("verif", env_config={}, extras={"reward_spec": {"ground_truth": json.dumps(truth)}})


broken, wrong = made(BROKEN), made(WRONG)
broken.init(PROMPT)
print(
    json.dumps({"step": raised(lambda: broken.step("A boat.")), "init": raised(lambda: wrong.init(PROMPT))})
)
