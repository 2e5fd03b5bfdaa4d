"""The procedure of langdetect on arrays: n-grams of one to three characters, seven trials of random draws.

A trial draws n-grams of the text with replacement and multiplies what they say of each language, until one
language has 0.99999 of the probability (looked at every five draws) or after 1,001 draws; the answer is the
mean over the trials. The draws come from one fixed table, so the same text always gets the same answer.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from verif.core.language.tables import Array, Tables

TRIALS = 7
_DRAWS = 1_001
_LOOK = 5
_CONVERGED = 0.99999
_BLOCKS = (40, 60, 100, 200, 600)
_SPACE = 32


@cache
def _uniform() -> Array:
    """Numbers in [0, 1), the same on every machine and numpy version (the legacy generator is frozen)."""
    return np.random.RandomState(20230807).random_sample((TRIALS, _DRAWS))


def probabilities(tables: Tables, text: str) -> Array | None:
    """The probability of each language; None if the text has no known n-gram."""
    grams = _grams(tables, text)
    if grams.size == 0:
        return None
    weights, uniform = tables.log_weights, _uniform()
    running = np.arange(TRIALS)
    scores = weights[grams[(uniform[:, 0] * grams.size).astype(np.int64)]]
    mean = np.zeros(len(tables.languages))
    begin = 1
    for block in _BLOCKS:
        drawn = grams[(uniform[running, begin : begin + block] * grams.size).astype(np.int64)]
        begin += block
        fives = weights.take(drawn, axis=0).reshape(len(running), block // _LOOK, _LOOK, -1)
        steps = sum((fives[:, :, i] for i in range(1, _LOOK)), start=fives[:, :, 0])
        steps[:, 0] += scores
        path = np.cumsum(steps, axis=1)
        over = path - path.max(axis=2, keepdims=True)
        total = np.exp(over).sum(axis=2)
        done = total < 1 / _CONVERGED
        if begin == _DRAWS:
            done[:, -1] = True
        ended = done.any(axis=1)
        rows = np.flatnonzero(ended)
        look = done[rows].argmax(axis=1)
        mean += (np.exp(over[rows, look]) / total[rows, look][:, None]).sum(axis=0)
        running, scores = running[~ended], path[~ended, -1]
        if running.size == 0:
            break
    return mean / TRIALS


def _grams(tables: Tables, text: str) -> Array:
    """Positions in the tables of all known n-grams of a text, in its order by length."""
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    codes = _without_latin(codes)
    inside = codes < 0x10000
    index = np.where(inside, codes, 0xFFFF).astype(np.int64)
    folded = tables.folded[index]
    capital = tables.capital[index] & inside
    keep = np.empty(len(folded), dtype=bool)
    if len(folded):
        keep[0] = folded[0] != _SPACE
        keep[1:] = (folded[1:] != _SPACE) | (folded[:-1] != _SPACE)
    now = np.concatenate(([_SPACE], folded[keep])).astype(np.uint64)
    upper = np.concatenate(([False], capital[keep]))
    shouted = upper[1:] & upper[:-1]
    letter, before = now[1:], now[:-1]
    allowed = ~shouted
    singles = letter[allowed & (letter != _SPACE)]
    pairs = ((before << np.uint64(16)) | letter)[allowed]
    whole = allowed[1:] & (before[1:] != _SPACE)
    triples = ((before[:-1] << np.uint64(32)) | (letter[:-1] << np.uint64(16)) | letter[1:])[whole]
    return tables.find(np.concatenate((singles, pairs, triples)))


def _without_latin(codes: Array) -> Array:
    """Latin letters are dropped from a text that is mostly in another script."""
    latin = (codes >= 0x41) & (codes <= 0x7A)
    other = (codes >= 0x300) & ((codes < 0x1E00) | (codes > 0x1EFF))
    if 2 * int(latin.sum()) < int(other.sum()):
        return codes[~latin]
    return codes
