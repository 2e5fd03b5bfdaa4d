"""Judgements for a small judge: asked of a real end point, without benchmarks and copies, split by instruction."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest

from benchmarks.build_standin import BuildStandin, serving
from verif.data.builder.judgements import is_held_out
from verif.data.splits import JudgePair
from verif.data.tables import read_judge_pairs, write_judge_pairs
from verif.errors import InputError, RecipeError
from verif.pipeline.judging import build_judgements, read_answers
from verif.pipeline.stages.prepare import prepare
from verif.project import Stage
from verif.recipe import BuildRecipe, parse_recipe
from verif.types import Instruction, SoftConstraint

WORDS = "harbour boat gull wall light net rope pier sail buoy anchor storm".split()  # noqa: SIM905


def row(number: int) -> dict[str, Any]:
    first, second, third = (WORDS[(number * step + number // 12) % 12] for step in (1, 5, 7))
    prompt = f"Town {number}: {first} and {second}, {third} or {second} {number}. Keep a sad tone."
    item = Instruction(
        id=str(number),
        prompt=prompt,
        constraints=(SoftConstraint(text="Keep a sad tone.", dimension="style"),),
    )
    return item.model_dump(mode="json")


def written(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_bytes(b"".join(orjson.dumps(each) + b"\n" for each in rows))
    return path


def recipe(**changes: Any) -> BuildRecipe:
    return BuildRecipe.model_validate({"judge": {"name": "large", "deadline_s": 5}, **changes})


@pytest.mark.slow
def test_answers_of_several_models_become_judgements_split_by_instruction(tmp_path: Path) -> None:
    rows = written(tmp_path / "rows.jsonl", [row(n) for n in range(24)])
    answers = []
    for model in ("small", "large"):
        said = [
            {
                "prompt": row(n)["prompt"],
                "response": f"The {WORDS[(n + len(model)) % 12]} of {model} is grey, says {n}.",
            }
            for n in range(24)
        ]
        answers.append(written(tmp_path / f"{model}.jsonl", said))
    copied = {"prompt": row(0)["prompt"], "response": "The anchor of small is grey, says 0!"}
    first = orjson.loads(answers[0].read_bytes().splitlines()[0])["response"]
    answers.append(
        written(
            tmp_path / "copies.jsonl",
            [{**copied, "response": first.upper()}, {"prompt": "?", "response": "!"}],
        )
    )
    held = written(tmp_path / "benchmark.jsonl", [{"prompt": row(1)["prompt"], "response": "x"}])
    with serving(BuildStandin()) as standin:
        section = recipe(pairs={"benchmarks": [str(held)]})
        outcome = build_judgements(rows, answers, tmp_path / "out", section, lambda *_: None, (standin.url,))
        again = build_judgements(rows, answers, tmp_path / "out", section, lambda *_: None, (standin.url,))
        assert max(standin.sent.values()) == 1
    assert (again.card, again.spending.calls) == (outcome.card, 0)
    train = read_judge_pairs(tmp_path / "out" / "judge_pairs.parquet")
    held_out = read_judge_pairs(tmp_path / "out" / "held_out.parquet")
    assert outcome.card["refused"] == {"judgements": {"benchmark": 2, "near-duplicate": 1, "no row": 1}}
    assert outcome.card["models"] == {"large": 23, "small": 23}
    assert len(train) + len(held_out) == 46 + outcome.card["attacks"]
    assert outcome.card["attacks"] > 0
    assert not any(pair.followed for pair in train), "the stand-in refuses everything"
    assert all(is_held_out(pair.instruction, 1) for pair in held_out)
    assert not any(is_held_out(pair.instruction, 1) for pair in train)


@pytest.mark.slow
def test_a_judge_that_answers_no_verdict_is_refused_and_one_that_is_down_is_left(tmp_path: Path) -> None:
    rows = written(tmp_path / "rows.jsonl", [{**row(n), "response": f"It is {WORDS[n]}."} for n in range(3)])
    with serving(BuildStandin(fault="refuses", share=1.0)) as standin:
        outcome = build_judgements(rows, (), tmp_path / "a", recipe(), lambda *_: None, (standin.url,))
    assert outcome.card["refused"] == {"judgements": {"no verdict": 3}}
    quick = recipe(judge={"name": "large", "deadline_s": 0.3})
    outcome = build_judgements(rows, (), tmp_path / "b", quick, lambda *_: None, ("http://127.0.0.1:9/v1",))
    assert (outcome.card["left"], outcome.card["complete"], bool(outcome.why)) == (3, False, True)


def test_what_is_missing_is_said(tmp_path: Path) -> None:
    rows = written(tmp_path / "rows.jsonl", [row(1)])
    with pytest.raises(RecipeError, match="names no judge"):
        build_judgements(rows, (), tmp_path / "a", BuildRecipe(), lambda *_: None, ("http://127.0.0.1:9/v1",))
    with pytest.raises(InputError, match="no answer belongs to a row"):
        build_judgements(rows, (), tmp_path / "a", recipe(), lambda *_: None, ("http://127.0.0.1:9/v1",))


def test_they_are_what_the_judge_of_a_recipe_learns_from(tmp_path: Path) -> None:
    rule = {"kind": "rule", "text": "No commas.", "rule": "punctuation:no_comma"}
    rows = [
        {"id": str(n), "prompt": f"{row(n)['prompt']} No commas.", "constraints": [rule]} for n in range(24)
    ]
    source = written(tmp_path / "rows.jsonl", rows)
    sizes = {"validation": 2, "test": 2, "golden": 2}
    section = {"kind": "rows", "judged": "recipes/labelled/judged.parquet", **sizes}
    asked = {"name": "t", "data": section, "policy": {"kind": "scratch"}, "judge": {"kind": "scratch"}}
    stage = Stage(tmp_path, parse_recipe(asked, "test"), source)
    with pytest.raises(InputError, match="build --judgements"):
        prepare(stage)
    known = [
        JudgePair(Instruction.model_validate(row(n)), f"The gull {n}.", n % 2 == 0, "tone") for n in range(4)
    ]
    (tmp_path / "recipes" / "labelled").mkdir(parents=True)
    write_judge_pairs(tmp_path / "recipes" / "labelled" / "judged.parquet", known)
    assert prepare(stage).judge_pairs == known


def test_two_files_of_one_name_are_not_one_model(tmp_path: Path) -> None:
    rows = written(tmp_path / "rows.jsonl", [row(1)])
    said = [{"prompt": row(1)["prompt"], "response": "It is grey."}]
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
    files = [
        written(tmp_path / name, said) for name in ("a/qwen2.5.jsonl", "a/qwen2.7.jsonl", "b/qwen2.5.jsonl")
    ]
    answers, _ = read_answers(rows, files[:2])
    assert [answer.model for answer in answers] == ["qwen2.5", "qwen2.7"]
    with pytest.raises(InputError, match=r"b/qwen2\.5\.jsonl: is named like .*a/qwen2\.5\.jsonl"):
        build_judgements(rows, files, tmp_path / "out", recipe(), lambda *_: None, ("http://127.0.0.1:9/v1",))
