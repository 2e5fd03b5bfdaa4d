"""Rows of the audit's tables: a measured share under three keys, and CSV files of them."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from verif.stats import Interval
from verif.system.files import write_bytes

Row = dict[str, Any]


def cells(name: str, interval: Interval | None) -> Row:
    """A value and its interval under three keys; all None if nothing was measured."""
    if interval is None or not interval.n:
        return {name: None, f"{name}_low": None, f"{name}_high": None}
    return {
        name: round(interval.value, 4),
        f"{name}_low": round(interval.low, 4),
        f"{name}_high": round(interval.high, 4),
    }


def write_csv(path: Path, rows: Sequence[Row], columns: Sequence[str] = ()) -> None:
    """Rows as CSV, written atomically; without rows only the header."""
    out = io.StringIO()
    writer = csv.DictWriter(out, fieldnames=list(rows[0]) if rows else list(columns), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_bytes(path, out.getvalue().encode())
