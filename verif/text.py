"""A response with its segmentation, done once and shared by all of its checks."""

from __future__ import annotations

import re
from functools import cached_property


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
        return re.findall(r"\w+", self.text)
