"""Whether a text keeps a claim, decided by counting characters by hand: the truth that checkers are audited against.

It shares no code and no regular expression with the checkers or their repairs, and knows only plain text
such as `verif.data.screening.probes` makes: sentences end with a full stop and a space or a line break, paragraphs
are separated by a blank line.
"""

from __future__ import annotations

from verif.data.screening.claims import (
    Claim,
    NamedKeywords,
    ParagraphSentences,
    SentenceWords,
    Without,
    WordCount,
    WordLetters,
)


def holds(claim: Claim, text: str) -> bool | None:
    """True or False; None for a claim this module does not know, or where "around" leaves room for doubt."""
    words = tokens(text)
    if isinstance(claim, WordCount):
        near = bool(claim.around) and (
            abs(len(words) - claim.low) <= claim.around // 10
            or abs(len(words) - claim.high) <= claim.around // 10
        )
        return None if near and len(words) != claim.around else claim.low <= len(words) <= claim.high
    if isinstance(claim, SentenceWords):
        longest = max((len(tokens(sentence)) for sentence in sentences(text)), default=0)
        return (
            None if longest == claim.most else longest < claim.most
        )  # "under N" and "at most N" differ here only
    if isinstance(claim, ParagraphSentences):
        return all(len(sentences(paragraph)) <= claim.most for paragraph in paragraphs(text))
    if isinstance(claim, WordLetters):
        return all(len(word.strip(".")) >= claim.least for word in words)
    if isinstance(claim, NamedKeywords):
        low = f" {text.lower()} ".replace(".", " ").replace("\n", " ")
        return all(f" {phrase.lower().replace('.', ' ')} " in low for phrase in claim.wanted)
    if isinstance(claim, Without):
        return claim.mark not in text
    return None


def tokens(text: str) -> list[str]:
    """Words between white space."""
    return text.split()


def sentences(text: str) -> list[str]:
    """Sentences: each ends at a full stop that white space or the end follows."""
    out, current = [], ""
    for char, following in zip(text, [*text[1:], " "], strict=True):
        current += char
        if char == "." and following.isspace():
            out.append(current.strip())
            current = ""
    return out + ([current.strip()] if current.strip() else [])


def paragraphs(text: str) -> list[str]:
    """Blocks between blank lines."""
    blocks: list[list[str]] = [[]]
    for line in text.strip().split("\n"):
        if line.strip():
            blocks[-1].append(line)
        elif blocks[-1]:
            blocks.append([])
    return ["\n".join(block) for block in blocks if block]
