"""`format:*` of IFBench that look at marks: brackets, quotes, lists, bullets, templates, white space."""

from __future__ import annotations

import string

from verif.core.rules.ifbench.shared import PUNCTUATION
from verif.core.rules.params import Text
from verif.core.rules.registry import Outcome, Params, rule
from verif.core.rules.splitting import sentences
from verif.core.text import Doc

_PAIRS = {")": "(", "]": "[", "}": "{"}
_AROUND = string.digits + PUNCTUATION.replace('"', "")
_TEMPLATE = ("My Answer:", "My Conclusion:", "Future Outlook:")


class Separator(Params):
    """A separator of items, taken literally, blanks included."""

    sep: Text


@rule(
    "format:parentheses",
    asks="Nest brackets (round, square or curly) at least five levels deep.",
    example=({}, "a (b [c {d (e [f])}])", "a (b [c {d (e)}])"),
)  # fmt: skip
def parentheses(doc: Doc, _: Params) -> Outcome:
    """Round, square and curly brackets are nested five deep and the innermost is closed.

    A closing bracket that does not fit begins the count anew; those further out need not be closed.
    """
    levels: list[str] = []
    deepest = 0
    for character in doc.text:
        if character in "([{":
            levels.append(character)
            deepest = max(deepest, len(levels))
        elif character in ")]}":
            if levels and levels[-1] == _PAIRS[character]:
                levels.pop()
                if deepest >= 5:
                    return Outcome(True, f"{deepest} levels", {"levels": deepest})
            else:
                levels, deepest = [], 0
    return Outcome(False, f"{deepest} levels, at least 5 asked", {"levels": deepest})


@rule(
    "format:quotes",
    asks="Put quotes in quotes in quotes, three levels deep, double and single quotation marks in turn.",
    example=({}, "\"He said 'she said \"no\"'\"", "\"He said 'no'\""),
)  # fmt: skip
def quotes(doc: Doc, _: Params) -> Outcome:
    """Straight double and single marks are nested three deep and closed again from the third level on.

    An apostrophe is a single mark, too, as upstream; curly marks are none.
    """
    levels: list[str] = []
    deepest = 0
    for character in doc.text:
        if levels and character == levels[-1]:
            levels.pop()
            if deepest - len(levels) >= 3:
                return Outcome(True, f"{deepest} levels", {"levels": deepest})
        elif character in "\"'":
            levels.append(character)
            deepest = max(deepest, len(levels))
    return Outcome(False, f"{deepest} levels, not three closed ones", {"levels": deepest})


@rule(
    "format:quote_unquote",
    asks="Follow every quotation with an explanation outside quotation marks.",
    example=({}, '"Home" means the harbour.', 'The harbour means "home".'),
)  # fmt: skip
def quote_unquote(doc: Doc, _: Params) -> Outcome:
    """No two double marks stand side by side, and something that is neither digit nor mark follows the last one.

    Curly marks count as straight ones, white space is taken out. A text of digits and marks only fails.
    """
    text = doc.text.replace("“", '"').replace("”", '"').replace("'\"'", "")
    text = "".join(text.split())
    if '""' in text:
        return Outcome(False, "two quotation marks side by side")
    rest = text.strip(_AROUND)
    ok = rest != "" and not rest.endswith('"')
    return Outcome(ok, "explained" if ok else "ends with a quotation, or has no words")


@rule(
    "format:list", Separator,
    asks="Answer with a list whose items are marked with {sep}.",
    example=({"sep": "!?!?"}, "!?!? bread\n!?!? salt", "!?!? bread\n- salt"),
)  # fmt: skip
def list_(doc: Doc, params: Separator) -> Outcome:
    """The separator occurs at least twice, anywhere."""
    count = doc.text.count(params.sep)
    return Outcome(count >= 2, f"{params.sep!r} occurs {count} times, at least 2 asked", {"count": count})


@rule(
    "format:thesis",
    asks="Begin each section with a thesis in HTML italics.",
    example=({}, "<i>The sea is cold.</i> It was measured.", "<i>The sea is cold.</i>"),
)  # fmt: skip
def thesis(doc: Doc, _: Params) -> Outcome:
    """One span in `<i>` or `<em>` that is not blank, with text after it; as upstream, one is enough."""
    begin = doc.text.find("<i>")
    begin = doc.text.find("<em>") if begin < 0 else begin
    if begin < 0:
        return Outcome(False, "no italics")
    end = doc.text.find("</i>", begin)
    end = doc.text.find("</em>", begin) if end < 0 else end
    if end < 0:
        return Outcome(False, "italics without an end")
    ok = doc.text[begin + 3 : end].strip() != "" and doc.text[end + 4 :].strip() != ""
    return Outcome(ok, "italics and text after them" if ok else "blank italics, or nothing after them")


@rule(
    "format:sub-bullets",
    asks="Use bullets (*) and at least one sub-bullet (-) under each of them.",
    example=({}, "* fish\n  - cod\n* bread\n  - rye", "* fish\n  - cod\n* bread"),
)  # fmt: skip
def sub_bullets(doc: Doc, _: Params) -> Outcome:
    """After each asterisk a hyphen follows before the next one. A text without asterisks follows, as upstream."""
    pieces = doc.text.split("*")[1:]
    bare = sum("-" not in piece for piece in pieces)
    return Outcome(
        bare == 0, f"{bare} of {len(pieces)} asterisks without a hyphen after them", {"without": bare}
    )


@rule(
    "format:no_bullets_bullets",
    asks="Write at least two sentences that end with a period, then at least two bullets (*).",
    example=({}, "It is late. Shops close.\n* bread\n* salt", "It is late.\n* bread\n* salt"),
)  # fmt: skip
def no_bullets_bullets(doc: Doc, _: Params) -> Outcome:
    """Lines with two sentences or more together, then two lines or more that begin with `*`, and nothing else.

    As upstream, a blank line ends the sentences, so that only bullets may follow it; other end marks count too.
    """
    open_, written, bullets = True, 0, 0
    for line in doc.text.split("\n"):
        line = line.strip()
        if line.startswith("*"):
            open_ = False
            bullets += 1
            if written < 2:
                return Outcome(False, f"{written} sentences before the first bullet")
        elif open_:
            parts = sentences(line)
            open_ = bool(parts)
            written += len(parts)
        else:
            return Outcome(False, "a line that is no bullet stands where only bullets may")
    return Outcome(bullets >= 2, f"{written} sentences, then {bullets} bullets", {"bullets": bullets})


@rule(
    "format:output_template",
    asks="Use this template: My Answer: [answer] My Conclusion: [conclusion] Future Outlook: [outlook]",
    example=(
        {}, "My Answer: yes. My Conclusion: go. Future Outlook: bright.", "My Answer: yes. My Conclusion: go.",
    ),
)  # fmt: skip
def output_template(doc: Doc, _: Params) -> Outcome:
    """The three headings occur as they are written, in any order, whatever stands around them."""
    missing = [heading for heading in _TEMPLATE if heading not in doc.text]
    return Outcome(
        not missing, f"missing: {', '.join(missing)}" if missing else "all headings", {"missing": missing}
    )


@rule(
    "format:no_whitespace",
    asks="Write without any white space.",
    example=({}, "nowhitespace", "no whitespace"),
)  # fmt: skip
def no_whitespace(doc: Doc, _: Params) -> Outcome:
    """No character is white space; a line's end is."""
    ok = len(doc.text.split(None, 1)) == 1 and not doc.text[0].isspace() and not doc.text[-1].isspace()
    return Outcome(ok, "no white space" if ok else "white space")
