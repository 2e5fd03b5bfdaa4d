"""Make `verif/core/language/tables.npz` from an installed `langdetect` (a development tool; the result is committed).

langdetect (Apache-2.0, after Nakatani Shuyo's language-detection) ships n-gram counts of 55 languages as
JSON, and tables that fold characters together. This packs them into arrays, so that verif tells languages
apart by the same evidence, without its per-character Python and without its random answers.

Run: `python scripts/language_tables.py`.
"""

from __future__ import annotations

import json
from pathlib import Path

import langdetect
import numpy as np
from langdetect.utils.ngram import NGram

OUT = Path(__file__).parents[1] / "verif" / "language" / "tables.npz"


def key(gram: str) -> int:
    """1 to 3 characters of the basic plane as one number; a shorter one has zeros in front."""
    value = 0
    for character in gram:
        value = value << 16 | ord(character)
    return value


def main() -> None:
    """Write `tables.npz`."""
    folder = Path(langdetect.__file__).parent / "profiles"
    profiles = [json.loads(path.read_text("utf-8")) for path in sorted(folder.iterdir()) if path.is_file()]
    counts: dict[int, list[tuple[int, int]]] = {}
    for language, profile in enumerate(profiles):
        for gram, count in profile["freq"].items():
            if 1 <= len(gram) <= 3:
                counts.setdefault(key(gram), []).append((language, count))
    keys = sorted(counts)
    entries = [entry for k in keys for entry in counts[k]]
    folded = [NGram.normalize(chr(code)) for code in range(0x10000)]
    marks = NGram.DMARK_CLASS
    letters = NGram.TO_NORMALIZE_VI_CHARS
    np.savez_compressed(
        OUT,
        languages=np.array([profile["name"] for profile in profiles]),
        totals=np.array([profile["n_words"] for profile in profiles], dtype=np.uint64),
        key_steps=np.diff(np.array(keys, dtype=np.uint64), prepend=np.uint64(0)),
        per_key=np.array([len(counts[k]) for k in keys], dtype=np.uint8),
        entry_language=np.array([language for language, _ in entries], dtype=np.uint8),
        entry_count=np.array([count for _, count in entries], dtype=np.uint32),
        folded=np.array([ord(c) for c in folded], dtype=np.uint16),
        capital=np.packbits(np.array([c.isupper() for c in folded])),
        accents=np.array(
            [
                [letter + mark, NGram.NORMALIZED_VI_CHARS[m][i]]
                for m, mark in enumerate(marks)
                for i, letter in enumerate(letters)
            ]
        ),
    )
    print(f"{OUT}: {len(keys)} n-grams, {len(profiles)} languages, {OUT.stat().st_size} bytes")


if __name__ == "__main__":
    main()
