"""What stands on a trace of verifiers after `Task.score`."""

import asyncio
import json

import verifiers.v1 as vf
from verifiers.v1.graph import MessageNode
from verifiers.v1.trace import AgentInfo, ModelCall, Trace, TraceTask
from verifiers.v1.types import AssistantMessage

from verif.integrations.verifiers import VerifData, VerifTask, VerifTaskConfig

COMMA = {"id": "1", "constraints": [{"kind": "rule", "text": "No commas.", "rule": "punctuation:no_comma"}]}
BROKEN = {"id": "1", "constraints": [{"kind": "checker", "text": "t", "source": "def broken("}]}


def score(truth: dict, *said: str, reason: str = "stop") -> object:
    """The reward on the trace, or the error that a trainer would find there."""
    data = VerifData(idx=0, prompt="Describe the harbour.", instruction=json.dumps({"prompt": "p", **truth}))
    task = VerifTask(data, VerifTaskConfig(url=""))
    trace = Trace(
        task=TraceTask(type="VerifTask", data=data),
        agent=AgentInfo(config=vf.AgentConfig()),
        nodes=[
            MessageNode(message=AssistantMessage(content=text), sampled=True, timestamp=0.0) for text in said
        ],
        calls=[ModelCall(finish_reason=reason)],
    )
    try:
        asyncio.run(task.score(trace))
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return trace.rewards["verif"].score


told = {
    "followed": score(COMMA, "A boat."),
    "failed": score(COMMA, "A boat.", "A boat, a gull."),
    "best": score(COMMA, "A boat, a gull.", "A boat."),
    "silent": score(COMMA),
    "cut": score(COMMA, "A boat", reason="length"),
    "broken": score(BROKEN, "x"),
}
print(json.dumps(told))
