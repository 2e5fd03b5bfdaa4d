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
from verif.types import Instruction


def messages(instruction: Instruction) -> list[dict[str, str]]:
    """The chat messages of an instruction: an optional system turn and the user's."""
    system = [{"role": "system", "content": instruction.system}] if instruction.system else []
    return [*system, {"role": "user", "content": instruction.prompt}]


def write_instructions(path: Path, instructions: Sequence[Instruction], *, source: str, split: str) -> None:
    """Write a split; overwrites atomically."""
    import pyarrow as pa
    import pyarrow.parquet as pq

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
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        pq.write_table(pa.Table.from_pylist(rows), temporary)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def read_instructions(path: Path) -> list[Instruction]:
    """Read a split written by `write_instructions`; a corrupt file or row is an `InputError`."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        column = pq.read_table(path, columns=["reward_model"]).column("reward_model").to_pylist()
    except (OSError, ValueError, pa.ArrowException) as error:
        raise InputError(
            f"cannot read parquet: {error}", file=path, hint="Run `dvc repro prepare`."
        ) from None
    out = []
    for row, cell in enumerate(column, 1):
        try:
            out.append(Instruction.model_validate_json(cell["ground_truth"]))
        except (ValidationError, TypeError, KeyError) as error:
            raise InputError(
                str(error).splitlines()[0], file=path, row=row, field="reward_model.ground_truth"
            ) from None
    return out
