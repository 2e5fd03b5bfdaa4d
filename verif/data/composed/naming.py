"""Whether a text names the subject of its task: a lexical measure of relevance, where no judge can be asked.

It sees a text that has left its subject altogether. It does not see one that stuffs the subject's word into anything.
"""

from __future__ import annotations

from verif.data.composed.tasks import SUBJECTS

SHORTEST = 3
"""Letters of a word that can name a subject: "a", "an" and "of" name none."""
SAME = 4
"""A word names another if it begins with it and this is at least so long: garden, gardening."""
ANYWHERE = frozenset({"day", "time", "thing", "people"})
_WORD = {subject.phrase: subject.word for subject in SUBJECTS}


def names(phrase: str) -> set[str]:
    """The words that name a subject, in lower case and without a plural's s: its last word, and the one that goes with it.

    What stands before them ("a first job") is in any text.

    >>> sorted(names("a first job"))
    ['job', 'work']
    """
    said = [word for word in phrase.split() if len(word) >= SHORTEST and word not in ANYWHERE]
    return {_bare(word) for word in (*said[-1:], _WORD.get(phrase, "")) if word}


def named(phrase: str, text: str) -> bool:
    """Whether a word of the text names the subject, whatever its case.

    >>> named("a vegetable garden", "GARDENING IS FUN."), named("a vegetable garden", "The sea is wide.")
    (True, False)
    """
    wanted = names(phrase)
    said = {_bare("".join(filter(str.isalpha, word))) for word in text.split()}
    return any(
        word == name or (len(name) >= SAME and word.startswith(name)) for name in wanted for word in said
    )


def _bare(word: str) -> str:
    return word.lower().removesuffix("s")
