"""Makes `verif/core/rules/ifbench/syllables.json` from the list of an installed syllapy: `python scripts/syllable_table.py`.

Only the words are kept for which counting groups of vowels gives another number. syllapy (MIT) is no dependency of
verif; install it into an environment of its own for this.
"""

from __future__ import annotations

import csv
import json
from importlib.resources import files
from pathlib import Path

from verif.core.rules.ifbench.syllables import by_vowels

TABLE = Path(__file__).resolve().parents[1] / "verif" / "core" / "rules" / "ifbench" / "syllables.json"


def main() -> None:
    """Write the table, words in order."""
    listed = csv.reader(files("syllapy").joinpath("data.csv").read_text("utf-8").splitlines())
    kept: dict[str, list[str]] = {}
    for word, count in listed:
        if word.isalpha() and by_vowels(word) != int(count):
            kept.setdefault(count, []).append(word)
    table = {count: " ".join(sorted(words)) for count, words in sorted(kept.items())}
    TABLE.write_text(json.dumps(table, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
