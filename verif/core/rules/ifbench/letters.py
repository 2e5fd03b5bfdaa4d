"""`words:*` of IFBench that look at letters: alphabet, vowels, consonants, palindromes, lengths, syllables."""

from __future__ import annotations

import re
import string

from verif.core.rules.ifbench.shared import bare
from verif.core.rules.ifbench.syllables import syllables
from verif.core.rules.registry import Outcome, Params, rule
from verif.core.text import Doc

_LETTERS = string.ascii_lowercase
_CLUSTER = re.compile("[bcdfghjklmnpqrstvwxyz]{2}")
_PRIMES = frozenset(n for n in range(2, 100) if all(n % k for k in range(2, n)))


def _all(wrong: str | None, what: str) -> Outcome:
    """Follows if no word is wrong; the first wrong one is named."""
    return Outcome(wrong is None, what if wrong is None else f"not {wrong[:40]!r}", {})


@rule(
    "words:alphabet",
    asks="Begin each word with the next letter of the alphabet; A comes after Z.",
    example=({}, "Xylophones yield zestful airs.", "Xylophones yield zestful tunes."),
)  # fmt: skip
def alphabet(doc: Doc, _: Params) -> Outcome:
    """Each word begins with the letter after that of the word before it, in any case; the first may begin anywhere.

    Punctuation is taken out first. A text that begins with anything but a letter from a to z fails.
    """
    words = bare(doc.text).split()
    if not words or (letter := words[0][0].lower()) not in _LETTERS:
        return Outcome(False, "does not begin with a letter from a to z")
    for word in words[1:]:
        letter = _LETTERS[(_LETTERS.index(letter) + 1) % 26]
        if word.lower()[0] != letter:
            return Outcome(False, f"{word[:40]!r} stands where {letter!r} is due")
    return Outcome(True, f"{len(words)} words in alphabetical order")


@rule(
    "words:vowel",
    asks="Write one paragraph whose words use at most three of the five vowels.",
    example=({}, "Bees see the sea.", "Bees see the sea, you tip."),
)  # fmt: skip
def vowel(doc: Doc, _: Params) -> Outcome:
    """One line, in which at most three of a, e, i, o, u occur; y is no vowel, and letters with accents are none."""
    text = doc.lower.strip()
    used = sorted(set(text) & set("aeiou"))
    lines = doc.text.strip().count("\n") + 1
    return Outcome(lines == 1 and len(used) <= 3, f"{lines} lines, vowels {' '.join(used)}", {"vowels": used})


@rule(
    "words:consonants",
    asks="Use only words that hold two consonants side by side.",
    example=({}, "Strong winds blow.", "Strong winds are blowing."),
)  # fmt: skip
def consonants(doc: Doc, _: Params) -> Outcome:
    """Each piece between white space holds two consonants (y among them) side by side; a lone dash or "a" does not."""
    return _all(
        next((w for w in doc.lower.split() if not _CLUSTER.search(w)), None), "two consonants in each word"
    )


@rule(
    "words:palindrome",
    asks="Include at least ten palindromes of five letters or more, each a single word.",
    example=({}, "level radar civic rotor kayak madam refer tenet solos stats", "level radar civic rotor kayak madam"),
)  # fmt: skip
def palindrome(doc: Doc, _: Params) -> Outcome:
    """Words of at least five characters that read alike backwards, ten or more, repetitions counted; case is ignored."""
    count = sum(len(word) >= 5 and word == word[::-1] for word in bare(doc.text).lower().split())
    return Outcome(count >= 10, f"{count} palindromes, at least 10 asked", {"count": count})


@rule(
    "words:prime_lengths",
    asks="Use only words whose number of letters is a prime number.",
    example=({}, "We see sleek geese.", "We see some geese."),
)  # fmt: skip
def prime_lengths(doc: Doc, _: Params) -> Outcome:
    """The length of each word, punctuation taken out, is a prime below 100; a text of punctuation only follows."""
    words = bare(doc.text).split()
    return _all(next((word for word in words if len(word) not in _PRIMES), None), "prime lengths only")


@rule(
    "words:odd_even_syllables",
    asks="Alternate between words with an odd and with an even number of syllables.",
    example=({}, "Calm harbour sleeps quiet.", "Calm boats sleep."),
)  # fmt: skip
def odd_even_syllables(doc: Doc, _: Params) -> Outcome:
    """No two words in a row have both an odd or both an even number of syllables.

    Syllables are counted as the library syllapy counts them, by groups of vowels and a list of exceptions; a word
    with a digit has none.
    """
    words = bare(doc.text).lower().split()
    parities = [syllables(word) % 2 for word in words]
    same = next((at for at in range(len(words) - 1) if parities[at] == parities[at + 1]), None)
    if same is None:
        return Outcome(True, "odd and even in turn")
    return Outcome(False, f"{words[same][:40]!r} and {words[same + 1][:40]!r} are both odd or both even")


@rule(
    "words:no_consecutive",
    asks="Let no two words in a row begin with the same letter.",
    example=({}, "Quiet boats drift.", "Quiet boats bob."),
)  # fmt: skip
def no_consecutive(doc: Doc, _: Params) -> Outcome:
    """The first characters of neighbouring words differ, case and punctuation aside; equal digits count too."""
    words = bare(doc.lower).split()
    same = next((at for at in range(len(words) - 1) if words[at][0] == words[at + 1][0]), None)
    if same is None:
        return Outcome(True, "all neighbours differ")
    return Outcome(False, f"{words[same][:40]!r} and {words[same + 1][:40]!r} begin alike")
