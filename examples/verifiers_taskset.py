"""A file of instructions as a taskset of verifiers (v1), which its commands and prime-rl take by this module's name.

PYTHONPATH=examples vf-validate verifiers_taskset --taskset.rows examples/rows.jsonl
python examples/verifiers_taskset.py examples/rows.jsonl
"""

import asyncio
import sys
from pathlib import Path

from verif.integrations.verifiers import VerifTaskset, VerifTasksetConfig

__all__ = ["Instructions"]


class Instructions(VerifTaskset):
    """Override `load` for rows from elsewhere; add a `@vf.reward` to the task for one of your own."""


async def main(rows: str) -> None:
    """Validate each task before anything is trained on it, and look at one answer."""
    for task in Instructions(VerifTasksetConfig(rows=Path(rows))):
        await task.validate(None)
        verification = await task.verify("A boat, a gull.")
        print(task.data.id, verification.reward.value, verification.verdicts[0].reason)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
