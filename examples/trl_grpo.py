"""GRPO with TRL against verified rewards, for any model and any file of instructions with constraints.

    python examples/trl_grpo.py MODEL ROWS.jsonl OUT [STEPS]

Rules and checkers are decided here. Soft constraints need a verifier with a judge: VERIF_VERIFIER_URL=http://...
"""

import sys

import torch
from datasets import Dataset
from transformers import AutoTokenizer
from trl import GRPOConfig, GRPOTrainer

from verif import read_rows
from verif.integrations.trl import VerifReward


def trainer(model: str, rows: str, out: str, steps: int = 100, length: int = 64) -> GRPOTrainer:
    """A trainer whose reward is verif's; a completion that could not be verified has none and teaches nothing."""
    asked = [row.instruction for row in read_rows(rows)]
    prompts = [[{"role": "user", "content": instruction.prompt}] for instruction in asked]
    truths = [instruction.model_dump_json() for instruction in asked]
    return GRPOTrainer(
        model=model,
        reward_funcs=VerifReward(eos_token_ids={AutoTokenizer.from_pretrained(model).eos_token_id}),
        train_dataset=Dataset.from_dict({"prompt": prompts, "ground_truth": truths}),
        args=GRPOConfig(
            output_dir=out, max_steps=steps, per_device_train_batch_size=8, num_generations=4, logging_steps=1,
            max_completion_length=length, report_to="none", use_cpu=not torch.cuda.is_available(), bf16=False,
        ),
    )  # fmt: skip


if __name__ == "__main__":
    grpo = trainer(*sys.argv[1:4], *map(int, sys.argv[4:]))
    grpo.train()
    print([round(line["reward"], 3) for line in grpo.state.log_history if "reward" in line])
