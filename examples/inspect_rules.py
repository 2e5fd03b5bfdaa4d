"""verif as a scorer of inspect-ai, on any file of instructions with constraints.

inspect eval examples/inspect_rules.py --model openai/gpt-5 -T rows=examples/rows.jsonl
"""

from inspect_ai import Task, task
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.solver import generate

from verif import read_rows
from verif.integrations.inspect_ai import verif


@task
def instructions(rows: str = "examples/rows.jsonl") -> Task:
    """Each row is a sample; one that could not be verified is unscored, with its reason in the log."""
    samples = [
        Sample(id=row.id, input=row.prompt, metadata={"ground_truth": row.instruction.model_dump_json()})
        for row in read_rows(rows)
    ]
    return Task(dataset=MemoryDataset(samples), solver=generate(), scorer=verif())
