"""Makes verif/core/answers/embedded.json, the built-in model of answers, from constructed pairs.

After a change of `verif/core/answers/features.py`, of what it reads, or of the generators in `verif/data/answers`. Half a minute
of one core; OMP_NUM_THREADS=1 on a busy machine. It needs scikit-learn, which only this script and its test use.
"""

from __future__ import annotations

import json

from verif.core.answers.embedded import FILE
from verif.data.answers.training import train
from verif.system.files import write_bytes


def main() -> None:
    """Train and write."""
    model = train()
    write_bytes(FILE, json.dumps(model, separators=(",", ":")).encode() + b"\n")
    print(f"{FILE}: {len(model['trees'])} trees, threshold {model['threshold']}")


if __name__ == "__main__":
    main()
