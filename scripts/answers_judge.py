"""Teaches a language model to compare answers: a tiny one trained here, or the lessons for a larger one.

    python scripts/answers_judge.py --out models/answers            # tiny, from scratch, minutes on one core
    python scripts/answers_judge.py --lessons answers-lessons.jsonl # chats for any trainer: system, user, one word

Both are constructed pairs in the prompt that the model will be asked in. docs/answers.md says how the model is served.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from verif.data.answers.pairs import pairs
from verif.recipe import ScratchModel
from verif.stats import proportion
from verif.system.files import digest_tree, new_directory, write_bytes
from verif.training.tiny.answers_judge import lessons, likelihoods, train_answers_judge

HELD_BACK = 400


def main() -> None:
    """Train, measure on pairs of another seed, and say what a recipe needs; or write the lessons."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--out", type=Path, help="a new folder for the tiny model")
    where.add_argument("--lessons", type=Path, help="a file for the lessons, one chat a line")
    parser.add_argument("--pairs", type=int, default=12_000)
    parser.add_argument("--steps", type=int, default=1_600)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    drawn = pairs(f"answers judge {chosen.seed}", chosen.pairs)
    if chosen.lessons:
        lines = (json.dumps({"messages": chat}, ensure_ascii=False) for chat in lessons(drawn, chosen.seed))
        write_bytes(chosen.lessons, "\n".join(lines).encode() + b"\n")
        print(f"{chosen.lessons}: {len(drawn)} lessons")
        return
    section = ScratchModel(steps=chosen.steps, seed=chosen.seed, context=768)
    with new_directory(chosen.out) as folder:
        trained = train_answers_judge(section, drawn, folder)
    asked = pairs(f"answers judge, held back {chosen.seed}", HELD_BACK)
    said = likelihoods(chosen.out, asked)
    right = proportion(sum((p > 0.5) is pair.same for p, pair in zip(said, asked, strict=True)), len(asked))
    print(
        f"{trained.parameters:,} parameters, {trained.cpu_seconds:.0f} s; right on {right} of pairs held back"
    )
    print(f"verifier.reference: {{model: judge, digest: {digest_tree(chosen.out)}}}")


if __name__ == "__main__":
    main()
