"""IFEval (Zhou et al., arXiv 2311.07911) and its multi-turn, multilingual child Multi-IF (He et al., arXiv 2410.15553).

IFEval: a prompt counts if all its instructions are followed, strictly or after the paper's loosening; the same per
instruction. Multi-IF: three turns a conversation, each asked with the model's own earlier answers; a turn's score is
the mean of the four IFEval numbers (sec. 4.1). All constraints are rules of `verif.core.rules` under the upstream ids;
the three types that Multi-IF decides by the response's language have rules of their own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import orjson

from verif.core.forms.multi_if import MULTILINGUAL
from verif.errors import InputError
from verif.evaluation.benchmarks.rows import distinct, maybe_json, need, read_rows
from verif.evaluation.case import Benchmark, Case, Scores, VerdictRow
from verif.evaluation.scores import common
from verif.stats import bootstrap_mean
from verif.types import Instruction, RuleConstraint, Status

TURNS = (1, 2, 3)
NOTE = (
    "words, sentences and quotation marks are counted by the language of the response, as Multi-IF's own code does; "
    "a response in Thai, which its prompts never ask for, is counted by IFEval's rules."
)


def constraints(
    ids: Sequence[Any],
    arguments: Sequence[Any],
    path: Path,
    number: int,
    variants: Mapping[str, str] = MappingProxyType({}),
) -> tuple[RuleConstraint, ...]:
    """Typed constraints of a row; `null` arguments mean "not given" (the hub's parquet form writes all of them).

    `variants`: the rule that decides a type, where it is not the rule of that name.
    """
    from verif.core.rules import validate

    if len(ids) != len(arguments):
        raise InputError(
            f"{len(ids)} instructions but {len(arguments)} kwargs", file=path, row=number, field="kwargs"
        )
    if not ids:
        raise InputError(
            "there is no instruction to follow", file=path, row=number, field="instruction_id_list"
        )
    out = []
    for id, raw in zip(ids, arguments, strict=True):
        given = maybe_json(raw, "kwargs", path, number) or {}
        if not isinstance(id, str) or not isinstance(given, dict):
            raise InputError(
                "an instruction id must be text, its kwargs an object", file=path, row=number, field="kwargs"
            )
        params = {name: value for name, value in given.items() if value is not None}
        rule = variants.get(id, id)
        validate(rule, params, file=path, row=number)
        shown = ", ".join(f"{name}={value}" for name, value in params.items())
        out.append(RuleConstraint(text=f"{id}({shown})", rule=rule, params=params))
    return tuple(out)


def load(path: Path) -> list[Case]:
    """Rows `{key, prompt, instruction_id_list, kwargs}`."""
    cases = []
    for number, row in read_rows(path):
        prompt = need(row, "prompt", str, path, number)
        ids, kwargs = (need(row, name, list, path, number) for name in ("instruction_id_list", "kwargs"))
        item = Instruction(
            id=str(need(row, "key", object, path, number)), prompt=prompt,
            constraints=constraints(ids, kwargs, path, number),
        )  # fmt: skip
        cases.append(Case(item))
    return distinct(cases, path)


def load_multi_if(path: Path) -> list[Case]:
    """Rows `{key, language, turn_N_prompt, turn_N_instruction_id_list, turn_N_kwargs}` for N = 1, 2, 3.

    The prompt is a chat message as JSON, the other two lists as JSON; instructions add up over the turns. A
    missing third turn ends the conversation early, as upstream.
    """
    cases = []
    for number, row in read_rows(path):
        key, before = need(row, "key", str, path, number), ""
        for turn in TURNS:
            if turn > 1 and not row.get(f"turn_{turn}_prompt"):
                break
            name = f"turn_{turn}_prompt"
            message = maybe_json(need(row, name, object, path, number), name, path, number)
            if not isinstance(message, dict) or not isinstance(message.get("content"), str):
                raise InputError("must be a chat message", file=path, row=number, field=name)
            lists = []
            for part in ("instruction_id_list", "kwargs"):
                column = f"turn_{turn}_{part}"
                value = maybe_json(need(row, column, object, path, number), column, path, number)
                if not isinstance(value, list):
                    raise InputError("must be a list", file=path, row=number, field=column)
                lists.append(value)
            item = Instruction(
                id=f"{key}/{turn}",
                prompt=message["content"],
                constraints=constraints(lists[0], lists[1], path, number, MULTILINGUAL),
            )
            labels = {"turn": turn, "language": str(row.get("language", ""))}
            cases.append(Case(item, cluster=key, follows=before, labels=labels))
            before = item.id
    return distinct(cases, path)


def score_multi_if(cases: Sequence[Case], rows: Sequence[VerdictRow], samples: int, seed: int) -> Scores:
    """Per turn: the mean of strict and loose, prompt and instruction level, clustered by conversation."""
    scores: Scores = {}
    for turn in TURNS:
        own = [row for row in rows if orjson.loads(row.labels).get("turn") == turn]
        if own:
            scores[f"turn_{turn}"] = _mean_of_four(own, samples, seed)
    return {**scores, **common(cases, rows, samples, seed)}


def _mean_of_four(rows: Sequence[VerdictRow], samples: int, seed: int) -> Any:
    """Each prompt's part of the four numbers: prompt levels weigh 1, instruction levels its share of constraints."""
    grouped: dict[str, list[VerdictRow]] = {}
    for row in rows:
        grouped.setdefault(row.id, []).append(row)
    total, prompts = sum(row.variant == "strict" for row in rows), len(grouped)
    values, clusters = [], []
    for group in grouped.values():
        parts = []
        for variant in ("strict", "loose"):
            passed = [row.status == Status.PASS for row in group if row.variant == variant]
            parts += [float(all(passed)), sum(passed) * prompts / total]
        values.append(sum(parts) / 4)
        clusters.append(group[0].cluster)
    return bootstrap_mean(values, clusters, samples, seed)


IFEVAL = Benchmark(
    name="ifeval", title="IFEval: verifiable instructions", paper="arXiv 2311.07911",
    judging="rules", load=load, score=common,
)  # fmt: skip
IFBENCH = Benchmark(
    name="ifbench", title="IFBench: constraints that nobody trains on", paper="arXiv 2507.02833",
    judging="rules", load=load, score=common,
)  # fmt: skip
MULTI_IF = Benchmark(
    name="multi-if", title="Multi-IF: three turns, eight languages", paper="arXiv 2410.15553",
    judging="rules", load=load_multi_if, score=score_multi_if, note=NOTE,
)  # fmt: skip
