"""The measured tables of docs/hacking.md, from reports: `python scripts/judge_tables.py REPORT...` writes them into the page.

A report is `reports/evaluation.json` of a recipe with `data.kind: judgements`, or what `verif sweep sweeps/judges.yaml` wrote
(`reports/sweep-judges-runs.md`). Without any, or with `--show`, the page stays as it is.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

PAGE = Path(__file__).resolve().parents[1] / "docs" / "hacking.md"
JUDGES, RUNS = "judge tables", "sweep tables"
MODELS = (("before", "first judge"), ("after", "J1"), ("control", "supervised control"))
ROWS = (
    ("pairwise/accuracy", "two responses: right"),
    ("pairwise/both_right", "two responses: right in both orders"),
    ("pairwise/both_right_alike_in_length", "the same, responses alike in length"),
    ("pairwise/flips", "two responses: the order changes the answer"),
    ("pairwise/ties", "two responses: tie"),
    ("pointwise/accept_true", "one response: true ones accepted"),
    ("pointwise/recall_false", "one response: false ones seen"),
    ("pointwise/ties", "one response: both of a pair judged alike"),
    ("pairwise/fooled", "two responses: the false one preferred"),
    ("pointwise/fooled", "one response: the false one accepted"),
)


def interval(cell: dict[str, Any] | None) -> str:
    """A value with its 95% interval, or a dash."""
    if not cell or cell.get("value") is None:
        return "–"
    return f"{cell['value']:.3f} [{cell['low']:.3f}, {cell['high']:.3f}]"


def judge_table(evaluation: dict[str, Any]) -> str:
    """Each benchmark's scores by pair, and the paired changes of the first."""
    parts = []
    for name in evaluation["order"]:
        measured = evaluation["benchmarks"][name]
        shown = [(key, label) for key, label in MODELS if key in measured]
        lines = [f"`{name}`, T=1, {measured['n']} questions", ""]
        lines += [
            "| | " + " | ".join(label for _, label in shown) + " |",
            "|---|" + "---|" * len(shown),
        ]
        for key, label in ROWS:
            cells = [interval(measured[model]["scores"].get(key)) for model, _ in shown]
            if any(cell != "–" for cell in cells):
                lines.append(f"| {label} | " + " | ".join(cells) + " |")
        parts.append("\n".join(lines))
        told = measured.get("judge", {})
        rows = [
            f"| {what}: {name} | {change['value']:+.3f} [{change['low']:+.3f}, {change['high']:+.3f}] | {change['n']} |"
            for what, named in told.items()
            for name, change in named.items()
            if name in ("flips", "accuracy", "fooled")
        ]
        if rows:
            parts.append("\n".join(["| change, paired | 95% interval | pairs |", "|---|---|---|", *rows]))
    return "\n\n".join(parts)


def put(page: str, mark: str, text: str) -> str:
    """The page with what stands between a mark and its end replaced."""
    head, start, rest = page.partition(f"<!-- {mark} -->\n")
    _, end, tail = rest.partition(f"<!-- end of {mark} -->")
    if not start or not end:
        raise SystemExit(f"{PAGE}: the mark {mark!r} or its end is missing")
    return f"{head}{start}{text.rstrip()}\n{end}{tail}"


def main(arguments: list[str]) -> None:
    """Write or show what the named reports hold."""
    show, paths = "--show" in arguments, [Path(a) for a in arguments if not a.startswith("--")]
    judges = [judge_table(json.loads(p.read_text("utf-8"))) for p in paths if p.suffix == ".json"]
    runs = [p.read_text("utf-8") for p in paths if p.suffix == ".md"]
    page = PAGE.read_text("utf-8")
    for mark, texts in ((JUDGES, judges), (RUNS, runs)):
        if texts:
            page = put(page, mark, "\n\n".join(texts))
            if show:
                print("\n\n".join(texts))
    if not show:
        PAGE.write_text(page, "utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
