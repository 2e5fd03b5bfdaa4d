"""lm-evaluation-harness: `process_results` for a task whose documents carry rules, with IFEval's four metrics.

A task of your own is a YAML that points here (`examples/lm_eval/`). The harness has no word for an error: it raises, and
`--use_cache` keeps the responses. Checkers and soft constraints need `verif bench`, which has a sandbox and a judge.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from verif.core.asked import item_of
from verif.core.rows import Row, Where, validated
from verif.core.score import score
from verif.errors import NoRewardError
from verif.integrations.host import written_for
from verif.types import Status

Followed = dict[str, bool | list[bool]]
check_version = cache(written_for)


def process_results(doc: Mapping[str, Any], results: Sequence[str]) -> Followed:
    """Whether the first response follows all constraints of its document, and which, strictly and loosely."""
    check_version("lm-eval", "0.4")
    item = item_of(doc, results[0], Where("the task's document", 1))
    where = Where(f"document {item.instruction.id[:80]}", 1)
    params = validated(item.instruction, where)
    row = Row(where, item.id, item.instruction.prompt, item.instruction, params, item.response.text)
    strict, loose = _followed(row, loose=False), _followed(row, loose=True)
    return {
        "prompt_level_strict_acc": all(strict),
        "inst_level_strict_acc": strict,
        "prompt_level_loose_acc": all(loose),
        "inst_level_loose_acc": loose,
    }


def agg_inst_level_acc(items: Sequence[Sequence[bool]]) -> float:
    """The share of all constraints, whatever document they belong to."""
    every = [followed for item in items for followed in item]
    return sum(every) / len(every)


def _followed(row: Row, *, loose: bool) -> list[bool]:
    [scored] = score([row], loose=loose)
    for verdict in scored.verdicts:
        if verdict.status not in (Status.PASS, Status.FAIL, Status.UNSCORABLE):
            raise NoRewardError(
                f"{row.where.file}: constraint {verdict.covers[0] + 1} was not decided: {verdict.reason}.",
                "`verif bench` decides checkers and soft constraints as well.",
            )
    return [verdict.status is Status.PASS for verdict in scored.verdicts]
