"""`detectable_content:*`: placeholders and postscripts."""

from __future__ import annotations

from verif.core.rules import forgiving
from verif.core.rules.expressions import compiled
from verif.core.rules.params import Count, Marker
from verif.core.rules.registry import Outcome, Params, rule
from verif.core.text import Doc

_BEFORE = "*_#\"'>“«" + forgiving.BLANKS
_MARKERS = {"P.P.S": r"p\.\s?p\.\s?s", "P.S.": r"p\.\s?s\."}


class Placeholders(Params):
    """At least so many placeholders."""

    num_placeholders: Count


class Postscript(Params):
    """The marker a postscript starts with."""

    postscript_marker: Marker


def count_placeholders(text: str) -> int:
    """Non-overlapping `[...]` that stay within a line; one pass, however many brackets are open."""
    count = 0
    for line in text.split("\n"):
        position = line.find("[")
        while position >= 0:
            end = line.find("]", position)
            if end < 0:
                break
            count += 1
            position = line.find("[", end)
    return count


@rule(
    "detectable_content:number_placeholders",
    Placeholders,
    asks="Leave at least {num_placeholders} places to fill in, in square brackets, like [name].",
    example=({"num_placeholders": 2}, "Dear [name] of [town]", "Dear [name]"),
)
def number_placeholders(doc: Doc, params: Placeholders) -> Outcome:
    """`[address]`, `[]` and the `[text]` of a link all count, as upstream."""
    count = count_placeholders(doc.text)
    reason = f"{count} placeholders, at least {params.num_placeholders} asked"
    return Outcome(count >= params.num_placeholders, reason, {"placeholders": count})


@rule(
    "detectable_content:postscript",
    Postscript,
    asks="Add a postscript at the end that begins with {postscript_marker}",
    example=({"postscript_marker": "P.S."}, "Bye. p. s. Write!", "Bye. Write!"),
)
def postscript(doc: Doc, params: Postscript) -> Outcome:
    """The marker occurs anywhere, in any case; `P.S.` and `P.P.S` also with blanks after the periods.

    Upstream lower-cases a marker before it reads it as a regular expression; so do we.
    """
    marker = params.postscript_marker
    pattern = _MARKERS.get(marker) or marker.lower()
    present = compiled(pattern, False).search(doc.lower) is not None
    return Outcome(present, f"{marker} {'found' if present else 'not found'}", {})


@rule(
    "detectable_content:postscript_fixed",
    Postscript,
    version=2,
    asks="Add a postscript at the end that begins with {postscript_marker}",
    example=({"postscript_marker": "P.S."}, "Bye.\n**P.S.** Write!", "Bye. P.S. Write!"),
)
def postscript_fixed(doc: Doc, params: Postscript) -> Outcome:
    """A line must start with the marker (Markdown emphasis and quotes aside): "p.s." within a sentence is none."""
    marker = params.postscript_marker
    pattern = _MARKERS.get(marker) or marker.lower()
    lines = [line.lstrip(_BEFORE) for line in forgiving.lines(doc.lower)]
    begins = any(compiled(pattern, False).match(line) for line in lines)
    return Outcome(begins, f"{'a' if begins else 'no'} line starts with {marker}", {})
