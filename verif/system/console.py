"""The one console: text is shown as it is, never read as markup, and cannot act on the terminal.

Names, texts and reasons come from rows, models and recipes. Rich reads `[/b]` in them as markup and ends with a traceback, and
would pass an escape sequence on. Here strings are plain wherever they reach the console (lines, cells, titles); whoever wants
a style gives `rich.text.Text` or `style=`. Every command uses this console and `described` (`tests/system/test_console.py`).
"""

from __future__ import annotations

from typing import Any

import rich.console
from rich.progress import TextColumn
from rich.text import Text


class Console(rich.console.Console):
    """As rich's, without markup and emoji codes."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{**options, "markup": False, "emoji": False})

    def render_str(self, text: str, **options: Any) -> Text:  # type: ignore[override]
        """Every string on its way to the screen: lines, cells and titles alike."""
        return super().render_str(visible(text), **{**options, "markup": False, "emoji": False})


def visible(text: str) -> str:
    """The text with control characters and lone surrogates as escapes; line ends and tabs stay."""
    if text.isprintable():
        return text
    return "".join(c if c in "\n\t" or not _acts(c) else ascii(c)[1:-1] for c in text)


def _acts(char: str) -> bool:
    """Whether a character does something to a terminal, or cannot be written to one."""
    code = ord(char)
    turns = 0x202A <= code <= 0x202E or 0x2066 <= code <= 0x2069  # text that runs the other way
    return code < 0x20 or 0x7F <= code < 0xA0 or 0xD800 <= code < 0xE000 or turns


def described() -> TextColumn:
    """The column of a progress bar that says what is done."""
    return TextColumn("{task.description}", markup=False)
