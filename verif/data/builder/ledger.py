"""Every paid call of a build, by the digest of what was asked: what is in here is never asked again.

One JSON object a line (`verif/system/kept_lines.py`), on the disk before its answer is used, so that `kill -9` and a power cut
lose no answer that had arrived. A call that a kill ended is not in here; it may have been paid, and is asked again.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType

import orjson
from pydantic import TypeAdapter

from verif.errors import BusyError
from verif.system.kept_lines import KeptLines, read_kept, whole_bytes

MOST_LINE = 1 << 24
"""Bytes of a line: the client takes 4 MiB of an answer, and JSON's escapes do not make them four times as many."""
_HINT = "Delete the file to pay for everything anew, or the line to pay for its call."


@dataclass(frozen=True, slots=True)
class Call:
    """A paid call. `key` is the digest of the model, the messages and the parameters; `price` what it cost.

    One that is not `answered` gave nothing that can be used: its key is nobody's question, its price the most it may be.
    """

    key: str
    step: str
    model: str
    text: str
    prompt_tokens: int
    completion_tokens: int
    seconds: float
    price: float
    answered: bool = True


_CALL = TypeAdapter(Call)


class Ledger:
    """The calls of one build. `with` holds the file; a second holder is a `BusyError`.

    `kept` counts the answers of earlier runs; `price` is of all calls, `lost` of those without an answer.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.calls: dict[str, Call] = {}
        self.kept, self.price, self.lost = 0, 0.0, 0.0
        self._lines: KeptLines | None = None

    def __enter__(self) -> Ledger:
        busy = BusyError(f"another build writes {self.path}.", "Wait for it, or name another --out.")
        room = "Make room; the same command goes on."
        self._lines = KeptLines(self.path, "call", elsewhere="Name another --out.", room=room, busy=busy)
        try:
            for call in read_kept(self.path, _CALL, "call", MOST_LINE, _HINT):
                self._add(call)
            self._lines.cut(whole_bytes(self.path, MOST_LINE))
        except BaseException:
            self._lines.close()
            raise
        self.kept = sum(call.answered for call in self.calls.values())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._lines is not None:
            self._lines.close()

    def get(self, key: str) -> Call | None:
        """The answer to a call that was made before."""
        return self.calls.get(key)

    def put(self, call: Call) -> None:
        """Keep an answer; it is on the disk when this returns. `SetupError` if the disk has no room for it."""
        assert self._lines is not None
        self._lines.add(orjson.dumps(asdict(call), option=orjson.OPT_APPEND_NEWLINE))
        self._add(call)

    def _add(self, call: Call) -> None:
        self.calls[call.key] = call
        self.price += call.price
        self.lost += 0.0 if call.answered else call.price
