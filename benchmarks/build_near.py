"""`python -m benchmarks.build_near --texts 200000`: near-duplicates among so many made-up answers, with one in twenty a copy.

Words are drawn by Zipf's law, 60 to 140 an answer; a copy has one word in fifty changed. One line of JSON: seconds of one
core for the join alone, the process's peak memory, copies planted and found, and others that were removed.
"""

from __future__ import annotations

import argparse
import itertools
import json
import random
import resource
import time

from verif.data.builder.near import near_duplicates

WORDS, COPIES, CHANGED, SIMILAR = 60_000, 0.05, 50, 0.8


def made(count: int, seed: int) -> tuple[list[str], set[int]]:
    """The texts, and the positions of those that are copies."""
    rng = random.Random(seed)
    words = [f"w{number}" for number in range(WORDS)]
    weights = list(itertools.accumulate(1 / (rank + 3) for rank in range(WORDS)))
    texts: list[str] = []
    copies: set[int] = set()
    while len(texts) < count:
        if texts and rng.random() < COPIES:
            spoken = texts[rng.randrange(len(texts))].split(" ")
            for _ in range(max(1, len(spoken) // CHANGED)):
                spoken[rng.randrange(len(spoken))] = rng.choice(words)
            copies.add(len(texts))
        else:
            spoken = rng.choices(words, cum_weights=weights, k=rng.randint(60, 140))
        texts.append(" ".join(spoken))
    return texts, copies


def main() -> None:
    """One measurement."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--texts", type=int, default=200_000)
    count = parser.parse_args().texts
    texts, copies = made(count, 5)
    began = time.process_time()
    removed = {later for later, _, _ in near_duplicates(texts, SIMILAR)}
    said = {
        "texts": count,
        "cpu_seconds": round(time.process_time() - began, 1),
        "peak_gb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, 2),
        "copies": len(copies),
        "copies_found": len(copies & removed),
        "others_removed": len(removed - copies),
    }
    print(json.dumps(said))


if __name__ == "__main__":
    main()
