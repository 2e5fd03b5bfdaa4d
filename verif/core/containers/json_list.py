"""A JSON list, read element by element: a file of any length takes no more memory than its longest element."""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterator
from typing import Any, BinaryIO, NoReturn

from verif.core.containers import lines
from verif.core.containers.streams import BROKEN
from verif.errors import InputError

_CHUNK = 1 << 20
_BLANK, _NUMBER = " \t\r\n", "0123456789.eE+-"
_NEAR = 16
"""A decoder that stops this near to the end of what was read may only need more of the file."""


def no_number(name: str) -> NoReturn:
    """For `json`'s `parse_constant`: NaN and infinity are no JSON."""
    raise ValueError(f"{name} is no JSON number")


class _ListReader:
    """The text of the stream from `place` on; `more` reads on, twice as much each time, so that all stays linear."""

    def __init__(self, stream: BinaryIO, file: str) -> None:
        self.stream, self.file, self.row = stream, file, 1
        self.text, self.place, self.ended = "", 0, False
        self._decode = codecs.getincrementaldecoder("utf-8-sig")()

    def fail(self, problem: str, hint: str = "") -> NoReturn:
        raise InputError(problem, file=self.file, row=self.row, hint=hint)

    def more(self) -> bool:
        """False at the end of the file."""
        if self.ended:
            return False
        held = len(self.text) - self.place
        if held > lines.MAX_LINE:
            self.fail(f"is longer than {lines.MAX_LINE >> 20} MB")
        try:
            chunk = self.stream.read(max(_CHUNK, held))
            self.ended = not chunk
            self.text = self.text[self.place :] + self._decode.decode(chunk, self.ended)
        except UnicodeDecodeError as error:
            self.fail(f"is not UTF-8 ({error.reason})", "Convert the file to UTF-8.")
        except BROKEN as error:
            self.fail(f"cannot be read on: {error}", "Is the file complete?")
        self.place = 0
        return True

    def next(self) -> str:
        """The next character that is not blank; "" at the end."""
        while True:
            while self.place < len(self.text) and self.text[self.place] in _BLANK:
                self.place += 1
            if self.place < len(self.text):
                return self.text[self.place]
            if not self.more():
                return ""


def elements(stream: BinaryIO, file: str) -> Iterator[tuple[int, Any]]:
    """The numbered elements of the list; the first that cannot be read ends it with an error."""
    reader = _ListReader(stream, file)
    decoder = json.JSONDecoder(parse_constant=no_number)
    reader.next()
    reader.place += 1
    while (char := reader.next()) != "]":
        if not char:
            reader.fail("the list does not end", "Is the file complete?")
        yield reader.row, _element(reader, decoder)
        if reader.next() not in (",", "]"):
            reader.fail("is not followed by a comma or the list's end", "Is the file complete?")
        reader.place += reader.text[reader.place] == ","
        reader.row += 1
    reader.place += 1
    if reader.next():
        reader.fail("follows the end of the list", "A file holds one JSON list, or one JSON object a line.")


def _element(reader: _ListReader, decoder: json.JSONDecoder) -> Any:
    while True:
        try:
            value, place = decoder.raw_decode(reader.text, reader.place)
        except json.JSONDecodeError as error:
            waits = error.msg.startswith("Unterminated") or error.pos >= len(reader.text) - _NEAR
            if waits and reader.more():
                continue
            reader.fail(f"is not JSON: {error.msg}", "Is the file complete?" if waits else "")
        except (ValueError, RecursionError) as error:
            reader.fail(f"is not JSON: {error}")
        ended = place < len(reader.text) and reader.text[place] not in _NUMBER
        if ended or not reader.more():  # "-0" may be the beginning of "-0.5e3"
            reader.place = place
            return value
