"""Every paid call of a build, by the digest of what was asked: what is in here is never asked again.

One JSON object a line, forced to the disk before its answer is used, so that `kill -9` and a power cut lose no answer
that had arrived. A line that was cut off in the middle was never used, and is dropped. One process writes at a time.
A call whose answer had not arrived is not in here; it may have been paid, and is asked again.
"""

from __future__ import annotations

import fcntl
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import IO

import orjson
from pydantic import TypeAdapter, ValidationError

from verif.errors import BusyError, InputError


@dataclass(frozen=True, slots=True)
class Call:
    """An answered call. `key` is the digest of the model, the messages and the parameters; `price` what it cost."""

    key: str
    step: str
    model: str
    text: str
    prompt_tokens: int
    completion_tokens: int
    seconds: float
    price: float


_CALL = TypeAdapter(Call)


class Ledger:
    """The calls of one build. `with` holds the file; a second holder is a `BusyError`.

    `kept` counts the calls of earlier runs, `price` is of all.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.calls: dict[str, Call] = {}
        self.kept, self.price = 0, 0.0
        self._stream: IO[bytes] | None = None

    def __enter__(self) -> Ledger:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        self._stream = os.fdopen(handle, "r+b")
        try:
            fcntl.flock(self._stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._stream.close()
            raise BusyError(
                f"another build writes {self.path}.", "Wait for it, or name another --out."
            ) from None
        self._read()
        self.kept = len(self.calls)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._stream is not None:
            self._stream.close()

    def get(self, key: str) -> Call | None:
        """The answer to a call that was made before."""
        return self.calls.get(key)

    def put(self, call: Call) -> None:
        """Keep an answer; it is on the disk when this returns."""
        assert self._stream is not None
        self._stream.write(orjson.dumps(asdict(call), option=orjson.OPT_APPEND_NEWLINE))
        self._stream.flush()
        os.fsync(self._stream.fileno())
        self._add(call)

    def _add(self, call: Call) -> None:
        self.calls[call.key] = call
        self.price += call.price

    def _read(self) -> None:
        assert self._stream is not None
        good = 0
        for number, line in enumerate(self._stream, 1):
            if not line.endswith(b"\n"):
                break  # cut off by a kill
            try:
                call = _CALL.validate_json(line)
            except ValidationError as error:
                problem = error.errors(include_url=False, include_input=False)[0]
                field = ".".join(str(part) for part in problem["loc"])
                hint = "Delete the file to pay for everything anew, or the line to pay for its call."
                raise InputError(problem["msg"], file=self.path, row=number, field=field, hint=hint) from None
            self._add(call)
            good += len(line)
        self._stream.seek(good)
        self._stream.truncate()
