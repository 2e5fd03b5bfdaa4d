"""NeMo Gym's own web application around verif's resources server: what `/verify` answers."""

import json
import sys
from unittest.mock import MagicMock

import openai  # noqa: F401  # before Gym, which reorders the paths that modules come from
from fastapi.testclient import TestClient
from nemo_gym.server_utils import ServerClient

from verif.integrations.nemo_gym import KNOWS_MASKS, VerifServer, VerifServerConfig

COMMA = {"instruction_id_list": ["punctuation:no_comma"], "kwargs": [{}]}
BROKEN = {"constraints": [{"kind": "checker", "text": "t", "source": "def broken("}]}
MESSAGE = {"id": "m", "type": "message", "role": "assistant", "status": "completed"}
RESPONSE = {
    "id": "r", "created_at": 0.0, "model": "m", "object": "response", "parallel_tool_calls": False,
    "tool_choice": "none", "tools": [], "status": "completed",
}  # fmt: skip


def body(row: dict, said: str) -> dict:
    """What an agent posts."""
    part = {"type": "output_text", "text": said, "annotations": []}
    return {
        **row,
        "responses_create_params": {"input": [{"role": "user", "content": "Describe the harbour."}]},
        "response": {**RESPONSE, "output": [{**MESSAGE, "content": [part]}]},
    }


config = VerifServerConfig(
    host="127.0.0.1", port=1, entrypoint="app.py", name="verif", domain="instruction_following", url=""
)
server = VerifServer(config=config, server_client=MagicMock(spec=ServerClient))
client = TestClient(server.setup_webserver(), raise_server_exceptions=False)
answers = [
    client.post("/verify", json=body(*one)) for one in ((COMMA, "A boat."), (COMMA, "A, b."), (BROKEN, "x"))
]
told = {
    "masks": KNOWS_MASKS,
    "status": [answer.status_code for answer in answers],
    "answers": [answer.json() if answer.status_code == 200 else None for answer in answers],
}
sys.stdout.write(f"\n{json.dumps(told)}\n")
