"""`ratio:*` of IFBench: stop words, kinds of sentences, overlap with a text."""

from __future__ import annotations

from verif.core.rules.ifbench.shared import Percent
from verif.core.rules.params import Percentage, Request
from verif.core.rules.registry import Outcome, Params, rule
from verif.core.rules.splitting import sentences
from verif.core.text import Doc

STOP_WORDS = frozenset(
    """a about above after again against ain all am an and any are aren as at be because been before being below between
    both but by can couldn d did didn do does doesn doing don down during each few for from further had hadn has hasn have
    haven having he her here hers herself him himself his how i if in into is isn it its itself just ll m ma me mightn more
    most mustn my myself needn no nor not now o of off on once only or other our ours ourselves out over own re s same shan
    she should shouldn so some such t than that the their theirs them themselves then there these they this those through
    to too under until up ve very was wasn we were weren what when where which while who whom why will with won wouldn y
    you your yours yourself yourselves""".split()  # noqa: SIM905
)
"""NLTK's English list as of 2025, without the entries that hold an apostrophe: no word of `\\w` can equal one."""


class Overlap(Params):
    """A reference text and a share of trigrams in percent."""

    reference_text: Request
    percentage: Percentage


def _kinds(doc: Doc) -> dict[str, int]:
    ends = [sentence[-1:] for sentence in sentences(doc.text)]
    return {"statements": ends.count("."), "questions": ends.count("?"), "exclamations": ends.count("!")}


@rule(
    "ratio:stop_words", Percent,
    asks="At most {percentage}% of the words may be stop words.",
    example=({"percentage": 40}, "The harbour town sleeps.", "The town is by the sea."),
)  # fmt: skip
def stop_words(doc: Doc, params: Percent) -> Outcome:
    r"""The share of words (`\w` runs) that are in NLTK's English list, in any case. A text without words fails."""
    if not doc.words:
        return Outcome(False, "no words")
    count = sum(word.lower() in STOP_WORDS for word in doc.words)
    share = count / len(doc.words) * 100
    reason = f"{share:.1f}% stop words, at most {params.percentage}% asked"
    return Outcome(share <= params.percentage, reason, {"stop_words": count, "words": len(doc.words)})


@rule(
    "ratio:sentence_type",
    asks="Write two statements for each question.",
    example=({}, "It rains. It pours. Why?", "It rains. Why?"),
)  # fmt: skip
def sentence_type(doc: Doc, _: Params) -> Outcome:
    """Sentences that end with "." are exactly twice as many as those that end with "?"; none of both follows, too."""
    kinds = _kinds(doc)
    ok = kinds["statements"] == 2 * kinds["questions"]
    return Outcome(ok, f"{kinds['statements']} statements, {kinds['questions']} questions", kinds)


@rule(
    "ratio:sentence_balance",
    asks="Write as many statements as questions and as exclamations.",
    example=({}, "It rains. Why? Run!", "It rains. Why? Run! Now!"),
)  # fmt: skip
def sentence_balance(doc: Doc, _: Params) -> Outcome:
    """As many sentences end with "." as with "?" and as with "!"; none of all three follows, too."""
    kinds = _kinds(doc)
    reason = ", ".join(f"{count} {kind}" for kind, count in kinds.items())
    return Outcome(len(set(kinds.values())) == 1, reason, kinds)


@rule(
    "ratio:overlap", Overlap,
    asks="Share {percentage}% of your trigrams (give or take 2%) with this text: {reference_text}",
    example=({"reference_text": "the harbour", "percentage": 100}, "the harbour", "the harvest"),
)  # fmt: skip
def overlap(doc: Doc, params: Overlap) -> Outcome:
    """The share of the response's different runs of three characters that the reference holds, within two points.

    Characters, not words, as upstream. A text of fewer than three characters fails.
    """
    own, reference = _trigrams(doc.text), _trigrams(params.reference_text)
    if not own:
        return Outcome(False, "fewer than three characters")
    share = len(own & reference) / len(own) * 100
    ok = params.percentage - 2 <= share <= params.percentage + 2
    return Outcome(ok, f"{share:.1f}% of the trigrams, {params.percentage}% asked", {"share": share})


def _trigrams(text: str) -> set[str]:
    return {text[at : at + 3] for at in range(len(text) - 2)}


@rule(
    "ratio:sentence_words",
    asks="Write three sentences of the same number of characters, all in different words.",
    example=({}, "Birds sing. Foxes howl. Whales hum.", "Birds sing. Foxes howl. Whales sing."),
)  # fmt: skip
def sentence_words(doc: Doc, _: Params) -> Outcome:
    """Exactly three sentences of equal length, end marks included. As upstream, nobody looks whether words differ."""
    lengths = [len(sentence) for sentence in sentences(doc.text)]
    ok = len(lengths) == 3 and len(set(lengths)) == 1
    return Outcome(ok, f"{len(lengths)} sentences of {lengths[:10]} characters", {"lengths": lengths[:100]})
