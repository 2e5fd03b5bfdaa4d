"""Rollouts on disk: one parquet file per training step, each row a response with everything said about it.

A row carries its whole `Instruction`, so that a run can be judged again (`verif rescore`) without the data
it was trained on. Files are written under a temporary name and renamed: a reader sees whole steps only.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from verif.errors import InputError
from verif.system.tables import read_table, write_table
from verif.types import Instruction, Response, Verification

PATTERN = "step_*.parquet"
COLUMNS = {
    "step": "int", "uid": "string", "id": "string", "prompt": "string", "instruction": "string", "response": "string",
    "finished": "bool", "verification": "string", "reward": "float", "advantage_sum": "float",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Rollout:
    """One response of one training step.

    `uid` names its group (all rollouts of one prompt in one step). `verification` is None when the verifier
    gave no answer at all. `advantage_sum` is the sum of the response's advantages over its tokens: 0 for a
    rollout that left its group.
    Example: `Rollout(3, "u1", instruction, Response(text="A boat."), verification, 1.5)`.
    """

    step: int
    uid: str
    instruction: Instruction
    response: Response
    verification: Verification | None
    advantage_sum: float = 0.0

    @property
    def id(self) -> str:
        """The instruction's id."""
        return self.instruction.id

    @property
    def reward(self) -> float | None:
        """What training saw; None where there was an error (an error is never a reward)."""
        return None if self.verification is None else self.verification.reward.value


def step_path(folder: Path, step: int) -> Path:
    """Where the rollouts of a step are kept."""
    return folder / f"step_{step:04d}.parquet"


def step_files(source: Path) -> list[Path]:
    """The step files of a folder in the order of their steps; a single file is itself."""
    if source.is_file():
        return [source]
    return sorted(source.glob(PATTERN), key=lambda path: (len(path.stem), path.stem))


def write_step(folder: Path, step: int, rows: Sequence[Rollout]) -> Path:
    """Write the rollouts of one step atomically (replacing an earlier try) and return the file.

    Columns: step, uid, id, prompt, instruction (JSON), response, finished, verification (JSON or null),
    reward (null if error), advantage_sum.
    """
    path = step_path(folder, step)
    write_table(path, [_cells(row) for row in rows], COLUMNS, compression="zstd")
    return path


def _cells(row: Rollout) -> dict[str, Any]:
    """One row as parquet cells; lone surrogates, which UTF-8 cannot hold, become question marks."""
    return {
        "step": row.step,
        "uid": row.uid,
        "id": row.id,
        "prompt": row.instruction.prompt,
        "instruction": row.instruction.model_dump_json(),
        "response": row.response.text.encode("utf-8", "replace").decode("utf-8"),
        "finished": row.response.finished,
        "verification": None if row.verification is None else row.verification.model_dump_json(),
        "reward": row.reward,
        "advantage_sum": float(row.advantage_sum),
    }


def read(source: Path) -> Iterator[Rollout]:
    """The rollouts of a folder (in the order of their steps) or of one file, one step in memory at a time.

    A missing or corrupt file, or a row that is no rollout, is an `InputError` with file and row.
    """
    files = step_files(source)
    if not files:
        raise InputError(
            "no rollouts here", file=source, hint=f"Give a folder with {PATTERN} files, or one such file."
        )
    for path in files:
        yield from read_file(path)


def read_file(path: Path) -> Iterator[Rollout]:
    """The rollouts of one file."""
    cells = read_table(path, what="rollouts")
    for number, cell in enumerate(cells, 1):
        try:
            verification = cell["verification"]
            yield Rollout(
                step=int(cell["step"]),
                uid=str(cell["uid"]),
                instruction=Instruction.model_validate_json(cell["instruction"]),
                response=Response(text=cell["response"], finished=bool(cell["finished"])),
                verification=None if verification is None else Verification.model_validate_json(verification),
                advantage_sum=float(cell["advantage_sum"]),
            )
        except (ValidationError, KeyError, TypeError, ValueError) as error:
            raise InputError(str(error).splitlines()[0], file=path, row=number, field=_field(error)) from None


def _field(error: Exception) -> str:
    """The column an error is about, where it names one."""
    return str(error.args[0]) if isinstance(error, KeyError) and error.args else ""
