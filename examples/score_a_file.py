"""Score a file of responses, and say of each row what was not followed.

Run it from the project's root: python examples/score_a_file.py examples/rows.jsonl
"""

import sys

from verif import read_rows, score


def main(path: str) -> None:
    """One line per row."""
    for scored in score(read_rows(path)):
        wrong = [verdict.reason for verdict in scored.verdicts if verdict.status == "fail"]
        print(f"{scored.row.id}: {'followed' if scored.followed else '; '.join(wrong)}")


if __name__ == "__main__":
    main(sys.argv[1])
