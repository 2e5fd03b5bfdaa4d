"""A response with its segmentation, done once and shared by all of its checks.

Every view is lazy and takes time linear in the text: a response may be a million words long or made to
hurt. Sentence and token rules live in `verif.core.segment`.
"""

from __future__ import annotations

import re
from functools import cached_property

from verif.core import segment

_WORD = re.compile(r"\w+")


class Doc:
    """Lazy views of one response text. Words, sentences and paragraphs are computed on first use."""

    def __init__(self, text: str) -> None:
        self.text = text

    @cached_property
    def lower(self) -> str:
        """The text in lower case."""
        return self.text.lower()

    @cached_property
    def words(self) -> list[str]:
        r"""Runs of word characters (`\w+`), as IFEval counts words."""
        return _WORD.findall(self.text)

    @cached_property
    def sentences(self) -> list[str]:
        """Sentences by Punkt: an installed one when present, else `verif.core.segment`'s own."""
        return segment.sentences(self.text)

    @cached_property
    def tokens(self) -> list[str]:
        """Tokens that hold an upper-case letter, cut as the Penn Treebank convention cuts them."""
        return segment.upper_case_candidates(self.text)

    @cached_property
    def paragraphs(self) -> list[str]:
        """Pieces between blank lines (two newlines), empty ones included, as IFEval cuts them."""
        return self.text.split("\n\n")

    @cached_property
    def blank(self) -> bool:
        """True for an empty response or one of white space only: upstream fails every check on it."""
        return not self.text or self.text.isspace()

    @cached_property
    def language(self) -> str | None:
        """ISO 639-1 code by the langdetect model; None when the text has nothing to go by."""
        from verif.core import language

        return language.detect(self.text)

    @cached_property
    def variants(self) -> tuple[Doc, ...]:
        """What loose checking looks at.

        The response as it is, without its first line, without its last line, without both, and each of
        these four without asterisks. Blank and repeated variants are left out: upstream fails a blank one,
        and a repeated one says nothing new.
        """
        lines = self.text.split("\n")
        cut = [self.text, *("\n".join(part).strip() for part in (lines[1:], lines[:-1], lines[1:-1]))]
        texts = dict.fromkeys(t for text in cut for t in (text, text.replace("*", "")))
        return tuple(self if t == self.text else Doc(t) for t in texts if t and not t.isspace())
