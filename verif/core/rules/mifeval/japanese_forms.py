"""M-IFEval's Japanese types of IFEval's kinds that look at form: lists, sections, quotations, beginnings and ends."""

from __future__ import annotations

import re

from verif.core.rules.combination import Repeat
from verif.core.rules.content import Postscript
from verif.core.rules.expressions import compiled
from verif.core.rules.formatting import Bullets, Highlights, Sections
from verif.core.rules.mifeval.common import one_of, title_between
from verif.core.rules.params import Count
from verif.core.rules.phrases import EndPhrase
from verif.core.rules.registry import Outcome, Params, rule
from verif.core.text import Doc

_ANSWERS = ("はい、そうです。", "いいえ、違います。", "どちらとも言えません。")
_ITEM = re.compile(r"\d+\.\s")
_HIGHLIGHT = re.compile("《[^\n《》]*》")
_MARKERS = {"P.P.S": r"p\.\s?p\.\s?s", "P.S.": r"p\.\s?s\."}


class Items(Params):
    """A number of items."""

    num_items: Count


@rule("ja:combination:repeat_prompt", Repeat, asks="まずこの依頼を繰り返し、それから答えてください：{prompt_to_repeat}",
      example=({"prompt_to_repeat": "海とは？"}, "海とは？青いものです。", "青いものです。"))  # fmt: skip
def repeat_prompt(doc: Doc, params: Repeat) -> Outcome:
    """The response starts with the request, in this case."""
    ok = doc.text.strip().startswith(params.prompt_to_repeat)
    return Outcome(ok, "starts with the request" if ok else "does not start with the request")


@rule("ja:detectable_content:postscript", Postscript, asks="最後に{postscript_marker}で始まる追伸を書いてください。",
      example=({"postscript_marker": "追伸"}, "では。追伸 元気で。", "では。元気で。"))  # fmt: skip
def postscript(doc: Doc, params: Postscript) -> Outcome:
    """The marker anywhere, taken literally, in any case; `P.S.` and `P.P.S` also with blanks after the periods."""
    marker = params.postscript_marker
    ok = compiled(_MARKERS.get(marker) or re.escape(marker)).search(doc.text) is not None
    return Outcome(ok, f"{marker} {'found' if ok else 'not found'}")


@rule("ja:detectable_format:constrained_response", asks=f"{'、'.join(_ANSWERS)}のどれかで答えてください。",
      example=({}, "はい、そうです。", "はい。"))  # fmt: skip
def constrained_response(doc: Doc, _: Params) -> Outcome:
    """One of three fixed answers occurs somewhere."""
    return one_of(doc, _ANSWERS)


@rule(
    "ja:detectable_format:title",
    asks="『このように』題名を付けてください。",
    example=({}, "『海』\n青い。", "「海」\n青い。"),
)
def title(doc: Doc, _: Params) -> Outcome:
    """A title between 『 and 』, within one line."""
    heading = title_between(doc.text, "『", "』")
    return Outcome(heading is not None, f"title {heading[:60]!r}" if heading else "no 『title』")


@rule("ja:detectable_format:number_bullet_lists", Bullets, asks="「・」で始まる箇条書きをちょうど{num_bullets}個書いてください。",
      example=({"num_bullets": 2}, "・海\n・空", "・海\n- 空"))  # fmt: skip
def number_bullet_lists(doc: Doc, params: Bullets) -> Outcome:
    """Lines that begin with ・ and something other than a second one; a lone ・ takes the next line with it."""
    count, taken = 0, False
    lines = doc.text.split("\n")
    for place, line in enumerate(lines):
        body = line.lstrip()
        if taken:
            taken = False
        elif body == "・":
            taken = place + 1 < len(lines)
            count += taken
        else:
            count += body.startswith("・") and not body.startswith("・・")
    return Outcome(
        count == params.num_bullets, f"{count} bullets, {params.num_bullets} asked", {"bullets": count}
    )


@rule("ja:detectable_format:number_numbered_lists", Items, asks="番号付きの項目をちょうど{num_items}個書いてください。",
      example=({"num_items": 2}, "1. 海\n2. 空", "1. 海\n2、空"))  # fmt: skip
def number_numbered_lists(doc: Doc, params: Items) -> Outcome:
    """Lines that begin with a number, a period and white space (which may be the line's end)."""
    lines = doc.text.split("\n")
    count = sum(
        _ITEM.match(f"{line.lstrip()}{end}") is not None
        for line, end in zip(lines, ["\n"] * (len(lines) - 1) + [""], strict=True)
    )
    return Outcome(count == params.num_items, f"{count} items, {params.num_items} asked", {"items": count})


@rule(
    "ja:detectable_format:number_highlighted_sections",
    Highlights,
    asks="《このように》{num_highlights}か所以上を強調してください。",
    example=({"num_highlights": 2}, "《海》と《空》", "《海》と《》"),
)
def number_highlighted_sections(doc: Doc, params: Highlights) -> Outcome:
    """Spans between 《 and 》 within a line that are not blank, so many or more."""
    count = sum(bool(span.strip("《》").strip()) for span in _HIGHLIGHT.findall(doc.text))
    return Outcome(count >= params.num_highlights, f"{count} spans, at least {params.num_highlights} asked")


@rule(
    "ja:detectable_format:multiple_sections",
    Sections,
    asks="「第1{section_spliter}」のように始まる節を{num_sections}個以上書いてください。",
    example=({"section_spliter": "章", "num_sections": 2}, "第1章 海\n第２章 空", "第1章 海\n第二章 空"),
)
def multiple_sections(doc: Doc, params: Sections) -> Outcome:
    """第, a number in digits of either width, and the splitter, read as an expression, so many times or more."""
    pattern = compiled(rf"第[\d０-９]+{params.section_spliter}", False)
    count = sum(1 for _ in pattern.finditer(doc.text)) * (1 + pattern.groups)
    return Outcome(count >= params.num_sections, f"{count} sections, at least {params.num_sections} asked")


@rule("ja:startend:end_checker", EndPhrase, asks="最後をこの文で終えてください：{end_phrase}",
      example=({"end_phrase": "また明日。"}, "「では、また明日。」", "また明日。では。"))  # fmt: skip
def end_checker(doc: Doc, params: EndPhrase) -> Outcome:
    """The response ends with the phrase, closing brackets around both aside."""
    ok = doc.text.strip().strip("」』").endswith(params.end_phrase.strip("」』"))
    return Outcome(ok, f"ends with {doc.text.strip()[-30:]!r}")


@rule(
    "ja:startend:quotation", asks="全体を「」で囲んでください。", example=({}, "「海です。」", "『海です。』")
)
def quotation(doc: Doc, _: Params) -> Outcome:
    """The first character is 「 and the last is 」, white space aside."""
    text = doc.text.strip()
    return Outcome(
        len(text) > 1 and text[0] == "「" and text[-1] == "」", f"from {text[:1]!r} to {text[-1:]!r}"
    )


@rule("ja:punctuation:no_comma", asks="読点を使わないでください。", example=({}, "海と空", "海、空"))
def no_comma(doc: Doc, _: Params) -> Outcome:
    """No 、 (other commas may occur)."""
    return Outcome("、" not in doc.text, f"{doc.text.count('、')} commas")


@rule("ja:punctuation:no_period", asks="句点を使わないでください。", example=({}, "海です", "海です。"))
def no_period(doc: Doc, _: Params) -> Outcome:
    """No 。 (other full stops may occur)."""
    return Outcome("。" not in doc.text, f"{doc.text.count('。')} full stops")
