r"""`detectable_format:*`: bullets, highlights, sections, titles, JSON, fixed answers.

Where upstream's regular expression can take quadratic time (white space before a bullet, `<<` without end),
the same matches are counted here line by line.
"""

from __future__ import annotations

import json
import re

from verif.core.rules import forgiving
from verif.core.rules.expressions import compiled
from verif.core.rules.params import Count, Splitter
from verif.core.rules.registry import Outcome, Params, rule
from verif.core.text import Doc

ANSWERS = ("My answer is yes.", "My answer is no.", "My answer is maybe.")
_AROUND = "\"'*_`“”‘’«»" + forgiving.BLANKS
_RULER = "*-+_" + forgiving.BLANKS
_SINGLE = re.compile(r"\*[^\n*]*\*")
_DOUBLE = re.compile(r"\*\*[^\n*]*\*\*")
_HIGHLIGHT = re.compile(r"\*\*\*[^\n*]+\*\*\*|\*\*[^\n*]+\*\*|\*[^\n*]+\*")
_INFO = re.compile("^[A-Za-z]+")


class Bullets(Params):
    """Exactly so many bullets."""

    num_bullets: Count


class Highlights(Params):
    """At least so many highlighted sections."""

    num_highlights: Count


class Sections(Params):
    """At least so many sections, each marked by the splitter word and a number."""

    section_spliter: Splitter
    num_sections: Count


def count_bullets(text: str) -> int:
    """Lines that start with `-`, or with `*` and something other than a second `*`.

    A lone `*` takes the following line with it, as upstream's expression does.
    """
    count, swallowed = 0, False
    lines = text.split("\n")
    for index, line in enumerate(lines):
        body = line.lstrip()
        count += body.startswith("-")
        if swallowed:
            swallowed = False
        elif body.startswith("*"):
            if body == "*" and index + 1 < len(lines):
                count, swallowed = count + 1, True
            else:
                count += len(body) > 1 and body[1] != "*"
    return count


def title(text: str) -> str | None:
    """The first non-blank title between `<<` and the last `>>` of its line."""
    for line in text.split("\n"):
        begin = line.find("<<")
        end = line.rfind(">>")
        if begin >= 0 and end >= begin + 3:
            inner = line[begin : end + 2].lstrip("<").rstrip(">").strip()
            if inner:
                return inner
    return None


@rule(
    "detectable_format:number_bullet_lists",
    Bullets,
    asks="Write exactly {num_bullets} bullet points.",
    example=({"num_bullets": 2}, "* bread\n- salt", "* bread"),
)
def number_bullet_lists(doc: Doc, params: Bullets) -> Outcome:
    """Bullets `* ` and `-`; rules such as `---` count too, as upstream."""
    return _bullets(count_bullets(doc.text), params)


@rule(
    "detectable_format:number_bullet_lists_fixed",
    Bullets,
    version=2,
    asks="Write exactly {num_bullets} bullet points.",
    example=({"num_bullets": 2}, "* bread\n---\n+ salt", "* bread\n-salt"),
)
def number_bullet_lists_fixed(doc: Doc, params: Bullets) -> Outcome:
    """Markdown's bullets: `*`, `-` or `+`, then a blank or a tab, then text; no emphasis, no rules."""
    bodies = [line.strip(forgiving.BLANKS) for line in forgiving.lines(doc.text)]
    return _bullets(
        sum(1 for b in bodies if b[:1] in ("*", "-", "+") and b[1:2].isspace() and b.strip(_RULER)), params
    )


def _bullets(count: int, params: Bullets) -> Outcome:
    return Outcome(
        count == params.num_bullets, f"{count} bullets, {params.num_bullets} asked", {"bullets": count}
    )


@rule(
    "detectable_format:constrained_response",
    asks='Answer with "My answer is yes.", "My answer is no." or "My answer is maybe."',
    example=({}, "Well. My answer is no.", "Well. No."),
)
def constrained_response(doc: Doc, _: Params) -> Outcome:
    """One of the three answers occurs somewhere."""
    given = next((answer for answer in ANSWERS if answer in doc.text), None)
    return Outcome(given is not None, f"found {given!r}" if given else "none of the three answers", {})


@rule(
    "detectable_format:constrained_response_fixed",
    version=2,
    asks='Answer with "My answer is yes.", "My answer is no." or "My answer is maybe."',
    example=({}, "My answer is no.", "Well. My answer is no."),
)
def constrained_response_fixed(doc: Doc, _: Params) -> Outcome:
    """The response is one of the three answers and nothing else; quotes and emphasis around it are forgiven."""
    exact = " ".join(doc.text.strip(_AROUND).split()) in ANSWERS
    return Outcome(
        exact, "is one of the three answers" if exact else "is not just one of the three answers", {}
    )


@rule(
    "detectable_format:number_highlighted_sections",
    Highlights,
    asks="Highlight at least {num_highlights} passages, *like this*.",
    example=({"num_highlights": 2}, "*bread* and *salt*", "*bread* and salt"),
)
def number_highlighted_sections(doc: Doc, params: Highlights) -> Outcome:
    """`*x*` and `**x**`; upstream looks for both and may count one span twice."""
    text = doc.text
    count = sum(1 for span in _SINGLE.findall(text) if span.strip("*").strip())
    count += sum(1 for span in _DOUBLE.findall(text) if span[2:-2].strip())
    return _highlights(count, params)


@rule(
    "detectable_format:number_highlighted_sections_fixed",
    Highlights,
    version=2,
    asks="Highlight at least {num_highlights} passages, *like this*.",
    example=({"num_highlights": 1}, "**bread**", "* bread\n* salt"),
)
def number_highlighted_sections_fixed(doc: Doc, params: Highlights) -> Outcome:
    """Each span counts once, however many asterisks; the white space between two bullets is none."""
    spans = (
        span.strip("*") for line in forgiving.lines(doc.text) for span in _HIGHLIGHT.findall(_unbullet(line))
    )
    return _highlights(sum(1 for span in spans if span.strip() and span == span.strip()), params)


def _unbullet(line: str) -> str:
    body = line.lstrip()
    return body[2:] if body[:1] == "*" and body[1:2].isspace() else body


def _highlights(count: int, params: Highlights) -> Outcome:
    reason = f"{count} highlighted sections, at least {params.num_highlights} asked"
    return Outcome(count >= params.num_highlights, reason, {"highlights": count})


@rule(
    "detectable_format:multiple_sections",
    Sections,
    asks="Write at least {num_sections} sections, each marked {section_spliter} and its number.",
    example=({"section_spliter": "Day", "num_sections": 2}, "Day 1 sea Day 2 hills", "Day 1 sea"),
)
def multiple_sections(doc: Doc, params: Sections) -> Outcome:
    """The splitter word and a number, anywhere, at least so many times.

    Upstream splits the text, so a splitter with groups counts its groups too; so do we.
    """
    pattern = compiled(rf"\s?{params.section_spliter}\s?\d+\s?", False)
    return _sections(sum(1 for _ in pattern.finditer(doc.text)) * (1 + pattern.groups), params)


@rule(
    "detectable_format:multiple_sections_fixed",
    Sections,
    version=2,
    asks="Write at least {num_sections} sections, each marked {section_spliter} and its number.",
    example=(
        {"section_spliter": "Day", "num_sections": 2},
        "Day 1\nsea\n## Day II\nhills",
        "Day 1\nsea, see Day 2",
    ),
)
def multiple_sections_fixed(doc: Doc, params: Sections) -> Outcome:
    """Lines that start with the splitter and a number, Roman or not: "see Section 2" within a line is none."""
    pattern = compiled(rf"[\s#*_>\"'“]*{params.section_spliter}\s?(?:\d+|[IVXLC]+\b)", False)
    return _sections(sum(1 for line in forgiving.lines(doc.text) if pattern.match(line)), params)


def _sections(count: int, params: Sections) -> Outcome:
    reason = f"{count} sections marked {params.section_spliter!r}, at least {params.num_sections} asked"
    return Outcome(count >= params.num_sections, reason, {"sections": count})


def parses(text: str) -> Outcome:
    """Whether a text is JSON."""
    try:
        json.loads(text)
    except ValueError as error:
        return Outcome(False, f"not JSON: {error}", {})
    except RecursionError:
        return Outcome(False, "JSON nested too deeply to read", {})
    return Outcome(True, "JSON", {})


@rule(
    "detectable_format:json_format",
    asks="Answer in JSON only.",
    example=({}, '```json\n{"a": 1}\n```', "{'a': 1}"),
)
def json_format(doc: Doc, _: Params) -> Outcome:
    """The whole response, without a Markdown fence around it, is JSON."""
    text = doc.text.strip()
    for fence in ("```json", "```Json", "```JSON", "```"):
        text = text.removeprefix(fence)
    return parses(text.removesuffix("```").strip())


@rule(
    "detectable_format:json_format_fixed",
    version=2,
    asks="Answer in JSON only.",
    example=({}, '{"a": 1}', "42"),
)
def json_format_fixed(doc: Doc, _: Params) -> Outcome:
    """As above, but the result must be an object or a list: a bare number or string is no JSON output.

    The fence may name any language and stand on the lines of the JSON.
    """
    text = doc.text.strip(forgiving.BLANKS)
    if text.startswith("```") and text.endswith("```") and len(text) > 5:
        text = _INFO.sub("", text[3:-3], count=1)
    body = text.strip(forgiving.BLANKS)
    return parses(body) if body[:1] in ("{", "[") else Outcome(False, "not a JSON object or list", {})


@rule(
    "detectable_format:title",
    asks="Give a title in double angle brackets, <<like this>>.",
    example=({}, "<<The sea>>\nWaves.", "The sea\nWaves."),
)
def title_rule(doc: Doc, _: Params) -> Outcome:
    """A title in double angular brackets, within one line."""
    heading = title(doc.text)
    return Outcome(heading is not None, f"title {heading[:60]!r}" if heading else "no <<title>>", {})
