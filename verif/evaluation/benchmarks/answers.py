"""Questions with one right answer: GSM8K (arXiv 2110.14168), MATH (2103.03874) and multiple choice as in MMLU (2009.03300).

The verifier decides, as in training. A response without a final answer counts as wrong, and such failures are counted
apart: a policy that cannot mark its answer is another matter than one that cannot find it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from verif.core.row_files import raw_rows
from verif.core.rows import row
from verif.data.answering import asking, reference_of
from verif.errors import InputError
from verif.evaluation.benchmarks.rows import distinct
from verif.evaluation.case import Benchmark, Case, Scores, VerdictRow
from verif.evaluation.scores import common
from verif.stats import bootstrap_mean
from verif.types import Comparison, Status

EXTRACTION = "reference:"
"""How the part begins that finds final answers; a response that is cut off or empty never comes to it."""


def loader(compare: Comparison, what: str) -> Callable[[Path], list[Case]]:
    """A reader of rows whose answers are compared in this way; any other row is an `InputError`."""

    def load(path: Path) -> list[Case]:
        if not path.exists():
            raise InputError(
                "the benchmark's file does not exist", file=path, hint="Give `path` in the recipe."
            )
        cases = []
        for where, raw in raw_rows(path):
            item = row(raw, where).instruction
            reference = None if item is None else reference_of(item)
            if item is None or reference is None or reference.compare != compare:
                raise where.error(
                    f"is no row of {what}", hint="docs/answers.md shows the rows that are read."
                )
            id = f"{Path(where.file).stem}/{item.id}" if path.is_dir() else item.id
            cases.append(Case(asking(item.model_copy(update={"id": id}))))
        return distinct(cases, path)

    return load


def score(cases: Sequence[Case], rows: Sequence[VerdictRow], samples: int, seed: int) -> Scores:
    """The common scores, the share without a final answer, and the share of right ones where there is one."""
    known = [r for r in rows if r.index >= 0 and r.status not in (Status.ERROR, Status.SKIPPED)]
    missing = [_unextracted(r) for r in known]
    answered = [r for r, lost in zip(known, missing, strict=True) if not lost]
    right = [float(r.status == Status.PASS) for r in answered]
    scores = {
        **common(cases, rows, samples, seed),
        "no_final_answer": bootstrap_mean(
            [float(lost) for lost in missing], [r.cluster for r in known], samples, seed
        ),
    }
    if answered:
        scores["right_if_answered"] = bootstrap_mean(right, [r.cluster for r in answered], samples, seed)
    return scores


def _unextracted(verdict: VerdictRow) -> bool:
    return verdict.status == Status.UNSCORABLE and verdict.part.startswith(EXTRACTION)


GSM8K = Benchmark(
    name="gsm8k", title="GSM8K: grade-school mathematics in words", paper="arXiv 2110.14168",
    judging="verifier", load=loader("number", "GSM8K (`question`, `answer` with `####`)"), score=score,
)  # fmt: skip
MATH = Benchmark(
    name="math", title="MATH: competition mathematics", paper="arXiv 2103.03874",
    judging="verifier", load=loader("math", "MATH (`problem`, `solution` or `answer`)"), score=score,
)  # fmt: skip
CHOICE = Benchmark(
    name="choice", title="Multiple choice, as MMLU, MMLU-Pro and ARC have it", paper="arXiv 2009.03300",
    judging="verifier", load=loader("choice", "multiple choice (`question`, `choices`, `answer`)"), score=score,
)  # fmt: skip
