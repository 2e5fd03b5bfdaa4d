"""Texts written to claims: responses for tiny policies and for the golden set of VerInstruct rows."""

from __future__ import annotations

import random
from collections.abc import Sequence

from verif.data.screening import probes
from verif.data.screening.claims import Claim, NamedKeywords, ParagraphSentences, SentenceWords, WordCount

LENGTH = 24
LONGEST = 120


def compose(claims: Sequence[Claim], rng: random.Random, pool: Sequence[str]) -> str:
    """A text that is written to keep the claims it knows; `pool` (sentences) gives it other words than the usual ones.

    It may still miss one (a pool's sentence has its own punctuation and length): who needs the truth asks
    `verif.data.screening.truth`.
    """
    counts = [claim for claim in claims if isinstance(claim, WordCount)]
    low = max((claim.around or claim.low for claim in counts), default=0)
    high = min((claim.around or claim.high for claim in counts), default=10**6)
    size = min((max(1, claim.most - 3) for claim in claims if isinstance(claim, SentenceWords)), default=9)
    per_paragraph = min((claim.most for claim in claims if isinstance(claim, ParagraphSentences)), default=6)
    phrases = [phrase for claim in claims if isinstance(claim, NamedKeywords) for phrase in claim.wanted]
    sentences = [f"Many like {phrase}." for phrase in phrases]
    words = sum(len(sentence.split()) for sentence in sentences)
    target = low if low else min(high, LENGTH) - rng.randrange(3)
    target = max(target, low, 1)
    if pool:
        target = min(target, LONGEST)
    while words < target:
        take = min(size, target - words)
        sentence = _sentence(take, rng, pool)
        sentences.append(sentence)
        words += len(sentence.split())
    rng.shuffle(sentences)
    blocks = [sentences[i : i + per_paragraph] for i in range(0, len(sentences), per_paragraph)]
    return "\n\n".join(" ".join(block) for block in blocks)


def _sentence(words: int, rng: random.Random, pool: Sequence[str]) -> str:
    if pool and rng.random() < 0.7:
        chosen = rng.choice(pool).split()[:words]
        text = " ".join(chosen).rstrip(".,;:!?\"'")
        if text:
            return text[:1].upper() + text[1:] + "."
    return probes.sentence(words, rng.randrange(50))


def spoil(claims: Sequence[Claim], rng: random.Random) -> str:
    """A text that breaks one of the claims."""
    broken = [text for claim in claims for text in claim.bad()]
    return rng.choice(broken) if broken else probes.ORDINARY[0]
