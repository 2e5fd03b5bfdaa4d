"""`make conformance`: verif and its peers against the public verdicts at hand, into docs/conformance.md.

Each is asked through `verif conform`'s own code: verif as a function, if-verifiable and lm-eval as commands. They need the
public reference data (`VERIF_REFERENCE_DATA`) and the environment of peers that `.ci/setup` makes.
"""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from benchmarks.peer import PEERS, PYTHON
from verif.audit.conform.compare import Tally, cases
from verif.audit.conform.published import questions
from verif.audit.conform.targets import opened
from verif.errors import InputError

ROOT = Path(__file__).resolve().parents[1]
DATA = Path(os.environ.get("VERIF_REFERENCE_DATA") or ROOT.parent / "shared" / "data")
PAGE = ROOT / "docs" / "conformance.md"
BEGIN, END = "<!-- made by `make conformance` -->", "<!-- end -->"
TIMEOUT_S = 60.0
RULES = Path(__file__).with_name("peer_rules.py")
OWN = "verif.audit.conform.own:check"


def targets() -> dict[str, str]:
    """Name in the table to target; the libraries that cannot be asked here are left out and said."""
    if not PYTHON.is_file():
        print(f"conformance: no environment with other libraries at {PEERS}; .ci/setup makes it")
        return {"verif": OWN}
    packages = next(PEERS.glob("lib/python3*/site-packages"))
    corpora = packages / "llama_index" / "core" / "_static" / "nltk_cache"
    where = f"env -u PYTHONPATH NLTK_DATA={shlex.quote(str(corpora))}"
    rules, python = shlex.quote(str(RULES)), shlex.quote(sys.executable)
    return {
        "verif": OWN,
        "if-verifiable 0.1.2": f"{where} {shlex.quote(str(PYTHON))} {rules} 'if-verifiable, ifeval'",
        "lm-evaluation-harness 0.4": f"{where} PYTHONPATH={shlex.quote(str(packages))} {python} {rules} lm-eval",
    }


def published() -> Iterator[tuple[str, list[str], str, bool]]:
    """Name in the table, files, instructions, whether loose."""
    for loose, kind in ((False, "strict"), (True, "loose")):
        folder = DATA / "ifeval"
        yield (f"IFEval, GPT-4, {kind}", [str(folder / f"eval_results_{kind}.jsonl")],
               str(folder / "input_data.jsonl"), loose)  # fmt: skip
        for tongue, name in (("es", "Spanish"), ("fr", "French"), ("ja", "Japanese")):
            folder = DATA / "m_ifeval"
            files = sorted(map(str, folder.glob(f"{tongue}_verdicts_{kind}_*.jsonl")))
            yield (
                f"M-IFEval, {name}, three models, {kind}",
                files,
                str(folder / f"{tongue}_input_data.jsonl"),
                loose,
            )


def measured(target: str, files: list[str], instructions: str, loose: bool) -> dict[str, Tally]:
    """Tallies by rule; the rows that cannot be joined are those of a prompt that differs between the files."""
    by_rule: dict[str, Tally] = {}
    skipped: list[InputError] = []
    asked = questions(files, instructions, loose=loose, on_bad=skipped.append)
    with closing(opened(target, TIMEOUT_S)) as checker:
        for case in cases(asked, checker, loose=loose):
            by_rule.setdefault(case.question.rule, Tally()).add(case)
    if skipped:
        print(f"conformance: {len(skipped)} rows skipped, the first: {skipped[0]}")
    return by_rule


def total(by_rule: dict[str, Tally]) -> Tally:
    """All rules together."""
    everything = Tally(sum((tally.kinds for tally in by_rule.values()), start=Tally().kinds))
    everything.wrong = sum(tally.wrong for tally in by_rule.values())
    return everything


def row(name: str, verdicts: str, by_rule: dict[str, Tally]) -> str:
    """A line of the table; a peer that knows none of the rules has none."""
    everything = total(by_rule)
    share = everything.share
    failed = sum(everything.kinds[kind] for kind in ("raised", "hung", "ended", "not asked"))
    worst = sorted(by_rule, key=lambda rule: (-by_rule[rule].wrong, rule))[:4]
    told = ", ".join(f"`{rule}` {by_rule[rule].wrong}" for rule in worst if by_rule[rule].wrong)
    return (
        f"| {verdicts} | {name} | {everything.decided} | {everything.wrong} | {100 * share.value:.2f}% "
        f"[{100 * share.low:.2f}, {100 * share.high:.2f}] | {failed} | {everything.kinds['unknown']} | {told} |"
    )


def main() -> None:
    """Measure and write the page's table."""
    lines = [
        "| published verdicts | checker | decided | unlike | share, 95% interval | failed | unknown | most of them |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for verdicts, files, instructions, loose in published():
        for name, target in targets().items():
            try:
                by_rule = measured(target, files, instructions, loose)
            except InputError as error:
                print(f"conformance: {name}: {error}")
                continue
            if total(by_rule).decided:
                lines.append(row(name, verdicts, by_rule))
                print(lines[-1], flush=True)
    before, _, rest = PAGE.read_text("utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    PAGE.write_text(f"{before}{BEGIN}\n\n" + "\n".join(lines) + f"\n\n{END}{after}", "utf-8")


if __name__ == "__main__":
    main()
