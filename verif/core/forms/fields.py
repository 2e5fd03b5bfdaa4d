"""What all forms share: the place of a row, typed fields, values written as JSON or as a Python literal, messages."""

from __future__ import annotations

import ast
import json
from dataclasses import dataclass
from typing import Any

import orjson

from verif.core.containers.json_list import no_number
from verif.errors import InputError

Raw = dict[str, Any]
MOST_LITERAL = 1 << 18
"""Characters of a Python literal: its syntax tree takes nearly a thousand times as much memory."""


@dataclass(frozen=True, slots=True)
class Where:
    """The place of a row, for messages; `row` counts from 1."""

    file: str
    row: int

    def error(self, problem: str, field: str = "", hint: str = "") -> InputError:
        """An `InputError` at this place."""
        return InputError(problem, file=self.file, row=self.row, field=field, hint=hint)

    def wanted(self, what: str, value: Any, field: str, hint: str = "") -> InputError:
        """An `InputError` that says what was expected and what was found."""
        return self.error(f"must be {what}, is {shown(value)}", field, hint)


def shown(value: Any) -> str:
    """A value in a message: what it is, and its beginning."""
    if value is None:
        return "null"
    if is_nan(value):
        return "NaN"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f"the text {value[:40]!r}"
    if isinstance(value, int | float):
        return f"the number {str(value)[:40]}"
    return (
        "a list"
        if isinstance(value, list)
        else "an object"
        if isinstance(value, dict)
        else f"a {type(value).__name__}"
    )


def is_nan(value: Any) -> bool:
    """Whether a value is the float that is no number; pandas writes it for a missing one."""
    return isinstance(value, float) and value != value


def text_field(raw: Raw, name: str, where: Where) -> str:
    """A required text."""
    value = raw.get(name)
    if not isinstance(value, str):
        raise where.wanted("text", value, name) if name in raw else where.error("is missing", name)
    return value


def list_field(raw: Raw, name: str, where: Where) -> list[Any]:
    """A required list; it may be written as JSON, as CSV has to."""
    value = written(raw.get(name), name, where)
    if not isinstance(value, list):
        raise where.wanted("a list", value, name) if name in raw else where.error("is missing", name)
    return value


def written(value: Any, name: str, where: Where) -> Any:
    """A value that may be written as the text of a JSON list or object, or of a Python one; other text stays text."""
    if not isinstance(value, str) or value.lstrip()[:1] not in ("[", "{"):
        return value
    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError as error:
        problem = str(error)
    if len(value) > MOST_LITERAL:
        raise where.error(f"is not JSON ({problem}), and too long to be read as a Python literal", name)
    try:
        literal = ast.literal_eval(value.strip())
        return json.loads(json.dumps(literal, allow_nan=False))  # what JSON has no word for is refused
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        raise where.error(f"is neither JSON ({problem}) nor a Python literal", name) from None


def parse(line: bytes, where: Where) -> Any:
    """One JSON value. Lone surrogates, which strict JSON refuses, are accepted: a model can write them."""
    try:
        return orjson.loads(line)
    except orjson.JSONDecodeError as error:
        problem = str(error)
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError as error:
        raise where.error(
            f"is not UTF-8 (byte {error.start + 1} of the line)", hint="Convert the file to UTF-8."
        ) from None
    if any(mark in text for mark in ("\\ud", "\\uD", "NaN", "Infinity")):
        try:
            return json.loads(text, parse_constant=no_number)
        except (ValueError, RecursionError) as error:
            problem = str(error)
    hint = "Write null for a missing value." if "is no JSON number" in problem else ""
    raise where.error(f"is not JSON: {problem}", hint=hint)


def identifier(raw: Raw, where: Where) -> str:
    """`id`, `key` or `doc_id` as text; the row number when there is none."""
    value = next((raw[name] for name in ("id", "key", "doc_id") if raw.get(name) is not None), where.row)
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # a column with a gap in it is of floats
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise where.wanted("text or a whole number", value, "id")
    return str(value)
