"""The n-gram tables as arrays, and a hash table to find n-grams in them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

_BITS = 18
_FACTOR = np.uint64(0x9E3779B97F4A7C15)
_WEIGHT = 0.5 / 10_000


@dataclass(frozen=True, slots=True, eq=False)
class Tables:
    """`log_weights[n-gram, language]`; `slots` holds the position of a key, -1 for none; `folded[code point]`."""

    languages: tuple[str, ...]
    log_weights: Array
    keys: Array
    slots: Array
    folded: Array
    capital: Array
    accents: dict[str, str]
    accented: re.Pattern[str]

    def find(self, keys: Array) -> Array:
        """Positions of the keys that are known, in their order; the unknown ones are left out."""
        slot = hashed(keys)
        places = self.slots[slot]
        open_ = np.flatnonzero((places >= 0) & (self.keys[places] != keys))
        while open_.size:
            slot[open_] = (slot[open_] + 1) & (len(self.slots) - 1)
            places[open_] = self.slots[slot[open_]]
            open_ = open_[(places[open_] >= 0) & (self.keys[places[open_]] != keys[open_])]
        known: Array = places[places >= 0]
        return known


def _exact(logarithm: Any) -> Any:
    """Rounded to 1/1024: sums of a thousand such numbers are exact in single precision, in any order, on any machine."""
    return np.round(logarithm * 1024) / 1024


def hashed(keys: Array) -> Array:
    """First slot of each key (multiplicative hashing)."""
    out: Array = ((keys * _FACTOR) >> np.uint64(64 - _BITS)).astype(np.int64)
    return out


def _slots(keys: Array) -> Array:
    """A hash table with linear probing."""
    slots = np.full(1 << _BITS, -1, dtype=np.int32)
    wanted = hashed(keys)
    left = np.arange(len(keys))
    while left.size:
        free = slots[wanted[left]] < 0
        _, first = np.unique(wanted[left[free]], return_index=True)
        placed = left[free][first]
        slots[wanted[placed]] = placed
        left = left[slots[wanted[left]] != left]
        wanted[left] = (wanted[left] + 1) & (len(slots) - 1)
    return slots


def load(path: Path = Path(__file__).with_name("tables.npz")) -> Tables:
    """Read `tables.npz`."""
    with np.load(path, allow_pickle=False) as data:
        languages = tuple(str(name) for name in data["languages"])
        keys = np.cumsum(data["key_steps"], dtype=np.uint64)
        row = np.repeat(np.arange(len(keys)), data["per_key"])
        length = 1 + (keys >= 1 << 16).astype(np.int64) + (keys >= 1 << 32)
        language = data["entry_language"]
        share = data["entry_count"] / data["totals"][language, length[row] - 1]
        weights = np.full((len(keys), len(languages)), _exact(np.log(_WEIGHT)), dtype=np.float32)
        weights[row, language] = _exact(np.log(_WEIGHT + share))
        accents = {str(pair): str(whole) for pair, whole in data["accents"]}
        capital = np.unpackbits(data["capital"]).astype(bool)
        folded = data["folded"].astype(np.uint64)
    marks = "".join(sorted({pair[1] for pair in accents}))
    return Tables(languages, weights, keys, _slots(keys), folded, capital, accents, re.compile(f".[{marks}]"))
