"""What makes a dialect, and what two of them share."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from verif.core.rows import Where
from verif.service.limits import MAX_VALUES
from verif.service.scan import values
from verif.types import Item, Verification


@dataclass(frozen=True, slots=True)
class Dialect:
    """`path` is where it is spoken. `read` takes the body and the URL's query, and raises `InputError`.

    `answer` gives the reply's body; `masks` says that an error may stand in it, because the host has a word for that.
    Where it has none, the service answers 503 in its place.
    """

    path: str
    read: Callable[[dict[str, Any], Mapping[str, str]], list[Item]]
    answer: Callable[[dict[str, Any], Sequence[Verification]], Any]
    masks: bool = False


def field(body: dict[str, Any], name: str, kind: type, where: Where) -> Any:
    """A field of the body that must be there with that type."""
    value = body.get(name)
    if not isinstance(value, kind):
        problem = f"must be {'text' if kind is str else 'a list'}" if name in body else "is missing"
        raise where.error(problem, name)
    return value


def truth(label: Any, where: Where) -> dict[str, Any]:
    """The columns of a row whose constraints are in a label; a label with too many values is not even parsed."""
    if isinstance(label, str) and values(label.encode("utf-8", "replace"), MAX_VALUES) > MAX_VALUES:
        raise where.error(f"holds more than {MAX_VALUES} values", "label")
    return {"ground_truth": label}


def ended(text: str, query: Mapping[str, str], where: Where) -> tuple[str, bool]:
    """The response without the token that ends it, and whether it was there.

    Trainers send it as text, where a rule would read it; so the URL must say which it is (`?end=<|im_end|>`), or that
    there is none (`?end=`).
    """
    end = query.get("end")
    if end is None:
        raise where.error(
            "does not say which token ends a response",
            "end",
            "Add it to the URL: ?end=<|im_end|> or, if there is none, ?end=",
        )
    return (text.removesuffix(end), text.endswith(end)) if end else (text, True)
