"""Instructions on disk: one parquet form, veRL's own, for every split.

Columns: `data_source`, `prompt` (chat messages), `ability`, `reward_model {style, ground_truth}` with the
whole `Instruction` as JSON, and `extra_info {split, index, id}`. veRL reads it as it is; verif reads the
`Instruction` back. Files are written under a temporary name and renamed.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pydantic import ValidationError

from verif.errors import InputError
from verif.system.tables import read_table, write_table
from verif.types import Instruction

LAST_TURN = "last_turn"
"""In `meta`: the user's last message, where `prompt` is the conversation that ends with it (`as_conversation`)."""
ENDING = "The user's last message, which the response answers:"


def messages(instruction: Instruction) -> list[dict[str, str]]:
    """The chat messages of an instruction: an optional system turn, turns before (`meta["history"]`), and the user's."""
    system = [{"role": "system", "content": instruction.system}] if instruction.system else []
    history: list[dict[str, str]] = instruction.meta.get("history", [])
    return [*system, *history, {"role": "user", "content": last_turn(instruction)}]


def last_turn(instruction: Instruction) -> str:
    """What the user says last, to which the response is."""
    said = instruction.meta.get(LAST_TURN) if instruction.meta.get("history") else None
    return said if isinstance(said, str) else instruction.prompt


def with_last_turn(instruction: Instruction, text: str) -> Instruction:
    """The instruction with another last message of the user's, in all that is made of it."""
    changed = instruction.model_copy(update={"prompt": text})
    return changed if last_turn(instruction) == instruction.prompt else as_conversation(changed)


def as_conversation(instruction: Instruction) -> Instruction:
    """The instruction with its earlier turns written into its prompt, for a judge, who is shown no other turns.

    A policy still gets them as messages. Rules look at responses; a checker gets the conversation as its instruction.
    """
    turns = [
        f"{turn['role'].capitalize()}:\n{turn['content']}" for turn in instruction.meta.get("history", [])
    ]
    prompt = "\n\n".join(["The conversation so far:", *turns, ENDING, instruction.prompt])
    meta = {**instruction.meta, LAST_TURN: instruction.prompt}
    return instruction.model_copy(update={"prompt": prompt, "meta": meta})


def write_instructions(path: Path, instructions: Sequence[Instruction], *, source: str, split: str) -> None:
    """Write a split; overwrites atomically."""
    rows = [
        {
            "data_source": source,
            "prompt": messages(instruction),
            "ability": "if",
            "reward_model": {"style": "verif", "ground_truth": instruction.model_dump_json()},
            "extra_info": {"split": split, "index": index, "id": instruction.id},
        }
        for index, instruction in enumerate(instructions)
    ]
    write_table(path, rows)


def read_instructions(path: Path) -> list[Instruction]:
    """Read a split written by `write_instructions`; a corrupt file or row is an `InputError`."""
    rows = read_table(path, ["reward_model"], hint="Run `dvc repro prepare`.")
    out = []
    for row, cells in enumerate(rows, 1):
        try:
            out.append(Instruction.model_validate_json(cells["reward_model"]["ground_truth"]))
        except (ValidationError, TypeError, KeyError) as error:
            raise InputError(
                str(error).splitlines()[0], file=path, row=row, field="reward_model.ground_truth"
            ) from None
    return out
