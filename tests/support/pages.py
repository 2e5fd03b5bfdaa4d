"""The Markdown pages of the project, and what in them is prose: no code, no tables, no addresses."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

#: Written by hand; the pages of docs/reference/ are made from the code.
PAGES = sorted(
    [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *(ROOT / "docs" / "decisions").glob("*.md")]
)

_FENCE = re.compile(r"^([ \t]*)(```|~~~).*?^\1\2[^\n]*$", re.MULTILINE | re.DOTALL)
_LIST_ITEM = re.compile(r"\s*(?:[-*+]|\d+\.)\s+")
_INDENTED_CODE = re.compile(r" {4}\S")
#: A full stop, question or exclamation mark, or a colon that ends a line; then what a sentence begins with.
_END = re.compile(r"(?<=[.!?])[\"')*_\]]*\s+(?=[\"'(*_\[`]*[A-Z0-9`]|$)")
_SHORT = re.compile(r"\b(?:e\.g|i\.e|cf|vs|et al|sec|No|Fig|approx)\.$")


def without_fences(text: str) -> str:
    """The page without fenced code; lines keep their numbers."""
    return _FENCE.sub(lambda found: "\n" * found[0].count("\n"), text)


def paragraphs(text: str) -> list[tuple[int, str]]:
    """The line and the text of every paragraph and list item that is prose."""
    found: list[tuple[int, str]] = []
    open_at: int | None = None
    for number, line in enumerate(without_fences(text).splitlines(), 1):
        item = _LIST_ITEM.match(line)
        if not line.strip() or line.lstrip().startswith(("#", "|", "![", "<!--")):
            open_at = None
        elif item or open_at is None:
            if not item and _INDENTED_CODE.match(line):
                continue
            found.append((number, line[item.end() :] if item else line.lstrip("> ")))
            open_at = number
        else:
            found[-1] = (found[-1][0], f"{found[-1][1]} {line.strip().lstrip('> ')}")
    return found


def sentences(paragraph: str) -> list[str]:
    """A paragraph cut where sentences end; an abbreviation ends none."""
    found: list[str] = []
    for piece in _END.split(paragraph):
        if found and _SHORT.search(found[-1]):
            found[-1] = f"{found[-1]} {piece}"
        else:
            found.append(piece)
    return [sentence for sentence in found if sentence.strip()]


def words(sentence: str) -> int:
    """How many words a reader reads: code in backticks and a link's target count as one."""
    plain = re.sub(r"\]\([^)]*\)", "]", re.sub(r"`[^`]*`", "code", sentence))
    return len([word for word in plain.split() if re.search(r"\w", word)])
