"""SysBench (Qin et al., arXiv 2408.10943) and CFBench (Zhang et al., arXiv 2408.01122): criteria for a judge.

SysBench: conversations of five turns under a system message, criteria per turn. CSR: the mean share of criteria
met per turn; ISR: the share of turns with all criteria met; SSR: turns met from the first on without a gap, as a
share of the conversation (sec. 3.3).
CFBench: one turn, criteria of primary or secondary priority. CSR and ISR as above; PSR: 1 if every primary criterion
is met and 0.5 + 0.5 x (share of secondary ones met) exceeds 0.8 (sec. 3.4; without primary ones, the share itself).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import orjson

from verif.errors import InputError
from verif.evaluation.benchmarks.rows import distinct, need, read_rows
from verif.evaluation.case import Benchmark, Case, Scores, VerdictRow
from verif.evaluation.scores import PromptResult, common, mean_of, outcomes
from verif.stats import bootstrap_mean
from verif.types import Instruction, SoftConstraint

PRIMARY, SECONDARY = "主需", "次需"
PSR_ABOVE = 0.8


def load_sysbench(path: Path) -> list[Case]:
    """Rows `{system_id, messages, prompt_infos: {user text: {criteria: {n: {criteria_content}}}}}`."""
    cases = []
    for number, row in read_rows(path):
        key = _id(row, "system_id", path, number)
        infos = need(row, "prompt_infos", dict, path, number)
        said = [_message(m, path, number) for m in need(row, "messages", list, path, number)]
        system = "".join(text for role, text in said if role == "system")
        asked = [text for role, text in said if role == "user"]
        if not asked:
            raise InputError("no message of a user", file=path, row=number, field="messages")
        before = ""
        for turn, prompt in enumerate(asked, 1):
            place = f"prompt_infos, turn {turn}"
            item = Instruction(
                id=f"{key}/{turn}", prompt=prompt, system=system,
                constraints=_criteria(infos.get(prompt), place, path, number),
            )  # fmt: skip
            cases.append(Case(item, cluster=key, follows=before, labels={"turn": turn, "turns": len(asked)}))
            before = item.id
    return distinct(cases, path)


def _id(row: dict[str, Any], name: str, path: Path, number: int) -> str:
    value = need(row, name, object, path, number)
    if not isinstance(value, str | int) or isinstance(value, bool):
        raise InputError("must be a number or text", file=path, row=number, field=name)
    return str(value)


def _message(value: Any, path: Path, number: int) -> tuple[str, str]:
    """(role, content) of a chat message."""
    if not isinstance(value, dict):
        raise InputError("a message must be an object", file=path, row=number, field="messages")
    return need(value, "role", str, path, number), need(value, "content", str, path, number)


def _criteria(info: Any, place: str, path: Path, number: int) -> tuple[SoftConstraint, ...]:
    """A turn's criteria in the order of their numbers."""
    criteria = info.get("criteria") if isinstance(info, dict) else None
    if not isinstance(criteria, dict) or not criteria:
        raise InputError("the turn has no criteria", file=path, row=number, field=place)
    if wrong := [key for key in criteria if not str(key).isdecimal()]:
        raise InputError(
            f"a criterion's key must be a number, is {wrong[0]!r}", file=path, row=number, field=place
        )
    soft = []
    for key in sorted(criteria, key=int):
        if not isinstance(criteria[key], dict):
            raise InputError("a criterion must be an object", file=path, row=number, field=place)
        text = need(criteria[key], "criteria_content", str, path, number)
        kind = str(criteria[key].get("criteria_type") or "sysbench")
        soft.append(SoftConstraint(text=text, dimension=kind))
    return tuple(soft)


def score_sysbench(cases: Sequence[Case], rows: Sequence[VerdictRow], samples: int, seed: int) -> Scores:
    """CSR, ISR and SSR, the conversation being the cluster."""
    results = outcomes(rows)
    turns: dict[str, list[tuple[dict[str, Any], PromptResult]]] = defaultdict(list)
    for outcome in results:
        turns[outcome.cluster].append((orjson.loads(outcome.labels), outcome))
    stability = {}
    for key, group in turns.items():
        if all(outcome.known for _, outcome in group):
            run = 0
            for labels, outcome in sorted(group, key=lambda pair: pair[0]["turn"]):
                if not outcome.followed:
                    break
                run = labels["turn"]
            stability[key] = run / group[0][0]["turns"]
    return {
        "csr": mean_of(results, lambda o: o.share, samples, seed),
        "isr": mean_of(results, lambda o: o.followed, samples, seed),
        "ssr": bootstrap_mean(list(stability.values()), list(stability), samples, seed),
        **common(cases, rows, samples, seed),
    }


def load_cfbench(path: Path) -> list[Case]:
    """Rows `{idx, prompt, criteria: [[text, priority, ...]], split}`; priorities are the two words of the data."""
    cases = []
    for number, row in read_rows(path):
        criteria = need(row, "criteria", list, path, number)
        if not criteria:
            raise InputError("the row has no criteria", file=path, row=number, field="criteria")
        priorities, soft = [], []
        for criterion in criteria:
            if (
                not isinstance(criterion, list)
                or len(criterion) < 2
                or not isinstance(criterion[0], str)
                or criterion[1] not in (PRIMARY, SECONDARY)
            ):
                raise InputError(
                    f"a criterion must be [text, {PRIMARY} or {SECONDARY}, ...]",
                    file=path,
                    row=number,
                    field="criteria",
                )
            kind = str(criterion[2]) if len(criterion) > 2 else "cfbench"
            soft.append(SoftConstraint(text=criterion[0], dimension=kind))
            priorities.append(criterion[1] == PRIMARY)
        id = _id(row, "idx", path, number)
        item = Instruction(id=id, prompt=need(row, "prompt", str, path, number), constraints=tuple(soft))
        cases.append(Case(item, labels={"primary": priorities, "split": str(row.get("split", ""))}))
    return distinct(cases, path)


def psr(outcome: PromptResult) -> float:
    """Priority satisfaction of one response, 0 or 1."""
    primary = orjson.loads(outcome.labels)["primary"]
    first = [ok for ok, is_primary in zip(outcome.passed, primary, strict=True) if is_primary]
    second = [ok for ok, is_primary in zip(outcome.passed, primary, strict=True) if not is_primary]
    if not all(first):
        return 0.0
    if not second:
        return 1.0
    share = sum(second) / len(second)
    return float((0.5 + 0.5 * share if first else share) > PSR_ABOVE)


def score_cfbench(cases: Sequence[Case], rows: Sequence[VerdictRow], samples: int, seed: int) -> Scores:
    """CSR, ISR and PSR, over all and by split."""
    results = outcomes(rows)
    scores: Scores = {}
    splits = sorted({str(orjson.loads(o.labels)["split"]) for o in results} - {""})
    for split in ("", *splits):
        own = [o for o in results if not split or orjson.loads(o.labels)["split"] == split]
        end = f"_{split}" if split else ""
        scores[f"csr{end}"] = mean_of(own, lambda o: o.share, samples, seed)
        scores[f"isr{end}"] = mean_of(own, lambda o: o.followed, samples, seed)
        scores[f"psr{end}"] = mean_of(own, psr, samples, seed)
    return {**scores, **common(cases, rows, samples, seed)}


SYSBENCH = Benchmark(
    name="sysbench", title="SysBench: system messages over five turns", paper="arXiv 2408.10943",
    judging="verifier", load=load_sysbench, score=score_sysbench,
)  # fmt: skip
CFBENCH = Benchmark(
    name="cfbench", title="CFBench: comprehensive constraints with priorities", paper="arXiv 2408.01122",
    judging="verifier", load=load_cfbench, score=score_cfbench,
)  # fmt: skip
