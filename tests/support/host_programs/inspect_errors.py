"""Three samples in inspect-ai: followed, not followed, and one whose checker cannot run."""

import json
import tempfile

from inspect_ai import Task, eval
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.model import ModelOutput, ModelUsage, get_model
from inspect_ai.solver import generate
from inspect_rules import instructions  # the example, which the test puts on the path

from verif.integrations.inspect_ai import verif

BROKEN = {"id": "3", "constraints": [{"kind": "checker", "text": "t", "source": "def broken("}]}


def output(text: str) -> ModelOutput:
    """A reply with its tokens counted, or inspect would fetch a tokenizer to count them."""
    made = ModelOutput.from_content("mockllm/model", text)
    made.usage = ModelUsage(input_tokens=1, output_tokens=1, total_tokens=2)
    return made


samples = [*instructions().dataset, Sample(id="3", input="p", metadata={"ground_truth": json.dumps(BROKEN)})]
task = Task(dataset=MemoryDataset(samples), solver=generate(), scorer=verif(url=""))
outputs = [output(text) for text in ("A boat.", "A boat, a gull.", "x")]
with tempfile.TemporaryDirectory() as logs:
    # inspect reads samples from the log's file when they are looked at
    [log] = eval(
        task,
        model=get_model("mockllm/model", custom_outputs=outputs),
        display="none",
        log_dir=logs,
        max_samples=1,
    )
    scores = [sample.scores["verif"] for sample in log.samples]
    told = {
        "status": log.status,
        "values": [score.value for score in scores],
        "explanations": [score.explanation for score in scores],
        "accuracy": log.results.scores[0].metrics["accuracy"].value,
    }
print(json.dumps(told))
