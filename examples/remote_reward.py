"""What OpenRLHF, slime and NeMo Gym say to a running verifier, without any of them.

    verif verifier up && python examples/remote_reward.py http://127.0.0.1:PORT

A trainer that can send no header names the token in the URL: http://verif:TOKEN@HOST:PORT/slime?end=<|im_end|>
"""

import json
import sys

import requests

COMMA = {"instruction_id_list": ["punctuation:no_comma"], "kwargs": [{}]}
PROMPT, SAID, END = "Describe the harbour.", "A boat, a gull.", "<|im_end|>"


def post(url: str, body: object) -> object:
    """The answer to a JSON body."""
    return requests.post(url, json=body, timeout=180).json()


def main(url: str) -> None:
    """The same response in three dialects."""
    label = json.dumps(COMMA)
    body = {"query": [f"{PROMPT}{SAID}{END}"], "prompts": [PROMPT], "labels": [label]}
    print("OpenRLHF", post(f"{url}/openrlhf?end={END}", body))
    print("slime", post(f"{url}/slime?end={END}", {"prompt": PROMPT, "response": SAID + END, "label": label}))
    message = {"type": "message", "content": [{"type": "output_text", "text": SAID}]}
    row = {**COMMA, "responses_create_params": {"input": PROMPT}, "response": {"output": [message]}}
    print("NeMo Gym", post(f"{url}/verify", row)["reward"])


if __name__ == "__main__":
    main(sys.argv[1])
