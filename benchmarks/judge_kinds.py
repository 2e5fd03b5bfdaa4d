"""What a tiny judge sees, by the way in which a response is wrong: `python -m benchmarks.judge_kinds FOLDER...`.

A folder holds a judge (`models/judge`). Each kind is 300 responses to instructions that no judge learns from, the same
for every judge; asked greedily in the recipe's own prompt.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Callable
from pathlib import Path

from verif.data.splits import JudgePair
from verif.data.world import draw, reference, spoil
from verif.data.world.constraints import HARD
from verif.data.world.prepare import lesson
from verif.data.world.prompts import wishes_of
from verif.data.world.responses import compose
from verif.data.world.spoil import FAMILIES
from verif.training.tiny.judge_sft import scores
from verif.types import Instruction

EACH = 300
TRUE, IGNORED = "true", "soft constraints ignored"
Write = Callable[[Instruction, random.Random], str]


def ways() -> dict[str, Write]:
    """How a response of each kind is written."""

    def ignored(item: Instruction, rng: random.Random) -> str:
        return compose([wish for wish in wishes_of(item) if wish[0] in HARD], rng) or ""

    def spoilt(family: str) -> Write:
        return lambda item, rng: spoil(item, reference(item, rng), rng, family)[0]

    return {TRUE: reference, IGNORED: ignored} | {family: spoilt(family) for family in FAMILIES}


def responses(kind: str, write: Write) -> list[JudgePair]:
    """`EACH` judgements about responses of a kind; those that are true by accident are left out."""
    rng, pairs = random.Random(f"kinds-{kind}"), list[JudgePair]()
    while len(pairs) < EACH:
        item = draw(rng, "golden")
        pair = lesson(item, write(item, rng))
        if pair.followed is (kind == TRUE):
            pairs.append(pair)
    return pairs


def main() -> None:
    """Print one row for each kind, one column for each judge."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("judges", nargs="+", type=Path)
    parser.add_argument("--prompt", default="local")
    given = parser.parse_args()
    for kind, write in ways().items():
        pairs = responses(kind, write)
        right = [scores(judge, given.prompt, pairs).accuracy for judge in given.judges]
        print(f"| {kind} | {' | '.join(f'{share:.0%}' for share in right)} |", flush=True)


if __name__ == "__main__":
    main()
