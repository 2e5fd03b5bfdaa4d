"""How pictures are drawn: without a display, the same bytes for the same numbers, written whole or not at all."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

from verif.system.files import write_bytes


def pyplot() -> Any:
    """Matplotlib's pyplot, set up; imported here because it takes a while."""
    import matplotlib as mpl

    mpl.use("Agg")
    mpl.rcParams["svg.hashsalt"] = "verif"
    from matplotlib import pyplot as plt

    return plt


def save(figure: Any, path: Path, **options: Any) -> None:
    """Write a figure as SVG, without the date, and close it. `options` are `savefig`'s."""
    out = io.BytesIO()
    figure.savefig(out, format="svg", metadata={"Date": None}, **options)
    pyplot().close(figure)
    write_bytes(path, out.getvalue())
