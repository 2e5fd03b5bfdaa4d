"""Sentences and tokens without a download.

Sentences follow Punkt (Kiss and Strunk 2006), which upstream IFEval uses through NLTK. An installed Punkt is
used when it is present; otherwise the same decisions are taken here with short word lists in place of the
trained tables. What that costs is measured in `docs/measurements.md`.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path

# Abbreviations after which a period does not end a sentence (lower case, without the last period).
ABBREVIATIONS = frozenset(
    """
    mr mrs ms messrs dr drs prof rev fr hon gen col maj capt cmdr lt sgt cpl gov sen rep pres sr jr st ste mt ft
    inc corp co ltd bros dept div est ave blvd rd vs viz cf al ca approx jan feb mar apr jun jul aug sep sept oct
    nov dec e.g i.e a.m p.m u.s u.k u.n u.s.a d.c ph.d m.d b.a m.a b.sc m.sc vol pp ed eds fig figs
    """.split()  # noqa: SIM905
)
# Letters that Punkt's English tables hold as abbreviations ("Roe v. Wade", "p. 7"): a period after one ends no sentence.
LETTERS = frozenset("cdefghklmnprstvw")
# Those that always belong to the name after them.
TITLES = frozenset("mr mrs ms messrs dr prof rev gen col maj capt lt sgt gov sen rep st mt".split())  # noqa: SIM905
# Words that open a sentence so often that a capitalised one after an abbreviation or an initial is a new sentence.
STARTERS = frozenset(
    """
    the this that these those it its he she they we you there here in on at as for from with by to of and but or
    if when while after before since although however his her their our my your what who why how where a an
    let please then now so because once during through each every some many most all both no not yes also another
    one two three first second next last finally then thus therefore moreover furthermore additionally meanwhile
    use make take add do does is are was were have has can could will would should may might must
    """.split()  # noqa: SIM905
)
_CHUNK = re.compile(r"\S+")
_POTENTIAL = re.compile(r"[.?!](?=[)\";}\]*:@'({\[!?]|\s)")
_NEXT_TOKEN = re.compile(r"\s+(\S)")
_CLOSERS = re.compile(r"[\"')\]}]+?(?:\s+|(?=--)|$)", re.MULTILINE)
_TOKEN = re.compile(
    r"-{2,}|\.{2,}|[^(\"`{\[:;&#*@)}\],-]\S*?(?=\s|$|[)\";}\]*:@'({\[!?]|-{2,}|\.{2,}|,(?=$|\s|[)\";}\]*:@'({\[!?]))|\S"
)
_ELLIPSIS = re.compile(r"\.\.+$")
_INITIAL = re.compile(r"[^\W\d]\.$")
_NUMBER = re.compile(r"-?[.,]?\d[\d,.-]*\.?$")
_NEVER_FIRST = frozenset(";:,.!?")


@lru_cache(maxsize=1)
def _installed_punkt() -> Callable[[str], list[str]] | None:
    """NLTK's Punkt if NLTK and its English tables are on this machine; nothing is ever downloaded."""
    folders = [Path(p) for p in os.environ.get("NLTK_DATA", "").split(os.pathsep) if p]
    folders += [
        Path.home() / "nltk_data",
        *(Path(sys.prefix) / sub / "nltk_data" for sub in ("", "share", "lib")),
    ]
    folders += [
        Path(p) / "nltk_data" for p in ("/usr/share", "/usr/local/share", "/usr/lib", "/usr/local/lib")
    ]
    if not any((f / "tokenizers" / n).exists() for f in folders for n in ("punkt_tab", "punkt_tab.zip")):
        return None
    try:
        from nltk.tokenize.punkt import PunktTokenizer

        tokenize: Callable[[str], list[str]] = PunktTokenizer("english").tokenize
        tokenize("One. Two.")
    except (ImportError, LookupError, OSError):
        return None
    return tokenize


def splitter() -> str:
    """Which sentence splitter is in use: `punkt` or `own`. Part of the identity of the rules that count sentences."""
    return "punkt" if _installed_punkt() else "own"


def sentences(text: str) -> list[str]:
    """The sentences of a text, stripped of white space around them."""
    punkt = _installed_punkt()
    return punkt(text) if punkt else own_sentences(text)


def own_sentences(text: str) -> list[str]:
    """Punkt's decisions with our own tables; linear in the text."""
    cuts: list[tuple[int, int]] = []
    start = 0
    for match, chunk in _candidates(text):
        if _ends_sentence(text, chunk, match):
            cuts.append((start, match + 1))
            after = _NEXT_TOKEN.match(text, match + 1)
            start = after.start(1) if after else match + 1
    cuts.append((start, len(text.rstrip())))
    return [text[a:b] for a, b in _with_closers(text, cuts) if a < b]


def _candidates(text: str) -> Iterator[tuple[int, int]]:
    """(position of a sentence-ending mark, start of its word): the last one of each run without white space."""
    for chunk in _CHUNK.finditer(text):
        last = -1
        for match in _POTENTIAL.finditer(text, chunk.start(), min(chunk.end() + 1, len(text))):
            last = match.start()
        if last >= 0:
            yield last, chunk.start()


def _ends_sentence(text: str, begin: int, mark: int) -> bool:
    """Does the mark at `mark`, in the word that begins at `begin`, end a sentence?"""
    after = _NEXT_TOKEN.match(text, mark + 1)
    if after is None and text[mark + 1].isspace():  # only white space is left
        return False
    word = text[begin:mark]
    if text[mark] != "." or "?" in word or "!" in word:
        return True
    if len(word) > 1 and word.isalpha() and word.lower() not in ABBREVIATIONS:
        return True
    follower = text[after.start(1) : after.start(1) + 60] if after else text[mark + 1]
    tokens = [*_TOKEN.findall(word + "."), *_TOKEN.findall(follower)[:1]]
    return any(_breaks(token, tokens[i + 1]) for i, token in enumerate(tokens[:-1]))


def _breaks(token: str, follower: str) -> bool:
    """Punkt's decision for one token that may end a sentence, given the token after it."""
    if not token.endswith("."):
        return False
    starter = follower[:1].isupper() and follower.rstrip(".").lower() in STARTERS
    continues = follower in _NEVER_FIRST or follower[:1].islower()
    stem = token[:-1].lower()
    if _ELLIPSIS.match(token):
        return starter
    if stem in LETTERS:
        return False
    if _INITIAL.match(token):  # "J. Bach", but not "the letter o. Please"
        return not continues and (starter or token.islower() or not follower[:1].isupper())
    if _NUMBER.match(token):
        return not continues
    if stem in ABBREVIATIONS or stem.rpartition("-")[2] in ABBREVIATIONS:
        return starter and stem not in TITLES
    return not token.endswith("..")


def _with_closers(text: str, cuts: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Quotes and brackets that follow a mark belong to the sentence before them."""
    moved = 0
    for index, (begin, end) in enumerate(cuts):
        begin += moved
        moved = 0
        if index + 1 < len(cuts):
            closers = _CLOSERS.match(text, cuts[index + 1][0], cuts[index + 1][1])
            if closers:
                end = closers.start() + len(closers.group().rstrip())
                moved = closers.end() - closers.start()
        yield begin, end


# ------------------------------------------------------------------------------------------- tokens
_SPLITS = tuple(
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        (r"([«“‘„»”’\"*;@#$%&?!\[\](){}<>]|`+|\.{2,}|--)", r" \1 "),
        (r"(?i)'(?!re|ve|ll|m|t|s|d|n)(\w)\b", r"' \1"),
        (r"([:,])([^\d])", r" \1 \2"),
        (r"([^'])' ", r"\1 ' "),
        (r"''", " '' "),
        (r"([^' ])('[sSmMdD]|'(?:ll|LL|re|RE|ve|VE)|n't|N'T) ", r"\1 \2 "),
        (r"(?i)\b(wan)(na)(?=\s)", r" \1 \2 "),
        (r"(?i) ('t)(is|was)\b", r" \1 \2 "),
    )
)
_CONTRACTION = re.compile(
    r"(?i)\b(?:(can)(not)|(d)('ye)|(gim)(me)|(gon)(na)|(got)(ta)|(lem)(me)|(more)('n))\b"
)


def upper_case_candidates(text: str) -> list[str]:
    """The tokens of a text that hold an upper-case letter, as NLTK's `word_tokenize` cuts them.

    Every word without an upper-case letter is dropped before the costly part; whether a last period stands
    apart is left open, since it never changes what `str.isupper` says of the token.
    """
    out: list[str] = []
    for chunk in text.split():
        if chunk.islower() or chunk == chunk.lower():
            continue
        out += [chunk] if chunk.isalpha() and not _CONTRACTION.fullmatch(chunk) else _split_chunk(chunk)
    return out


def _split_chunk(chunk: str) -> list[str]:
    """One run without white space, cut into tokens."""
    padded = f" {chunk} "
    for pattern, replacement in _SPLITS:
        padded = pattern.sub(replacement, padded)
    padded = _CONTRACTION.sub(lambda m: " " + " ".join(filter(None, m.groups())) + " ", padded)
    return padded.split()
