"""Builds of the local world through a real end point: proven rows that `prepare` takes, whatever goes wrong on the way."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import orjson
import pytest

from benchmarks.build_standin import BuildStandin, serving
from benchmarks.build_world import wish_of, world_pairs
from verif import verify_many
from verif.cli.build import build
from verif.core.instruction_files import write_instructions
from verif.core.row_files import read_rows
from verif.core.text import Doc
from verif.data.builder.calls import BudgetSpentError, EndPointError
from verif.data.builder.hard import passes
from verif.data.verinstruct import prepare_verinstruct
from verif.data.world.oracle import seen
from verif.errors import InputError, RecipeError, SetupError
from verif.pipeline.building import BuildOutcome, build_rows, expected
from verif.recipe import BuildRecipe, RowsData, load_build
from verif.system.tables import read_table
from verif.types import Item, Response, RuleConstraint, SoftConstraint

ROOT = Path(__file__).resolve().parents[2]
RECIPE = ROOT / "recipes" / "builds" / "world.yaml"


def pairs_file(folder: Path, count: int, seed: int = 1) -> Path:
    path = folder / "pairs.jsonl"
    path.write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in world_pairs(count, seed)[0]))
    return path


def built(folder: Path, pairs: Path, url: str, budget: float | None = None, **changes: Any) -> BuildOutcome:
    raw = load_build(RECIPE).model_dump()
    for name, value in changes.items():
        raw[name] = {**raw[name], **value} if isinstance(value, dict) else value
    recipe = BuildRecipe.model_validate(raw)
    return build_rows(pairs, folder / "rows.jsonl", recipe, lambda *_: None, (url,), budget)


def test_a_conversation_is_built_read_trained_on_and_judged(tmp_path: Path) -> None:
    """Of Multi-IF's and SysBench's shape: turns before and a system message stay with the row to the policy's prompt."""
    system = {"role": "system", "content": "You know the harbour."}
    talks = [
        [
            system,
            {"role": "user", "content": f"Who are you, number {n}?"},
            {"role": "assistant", "content": "A guide."},
            {"role": "user", "content": f"Tell me more, part {n}."},
            {"role": "assistant", "content": row["response"]},
        ]
        for n, row in enumerate(world_pairs(60, 3, copies=0)[0])
    ]
    pairs = tmp_path / "pairs.jsonl"
    pairs.write_bytes(b"".join(orjson.dumps({"messages": talk}) + b"\n" for talk in talks))
    section = {
        "pairs": {"licence": "MIT", "languages": []},
        "hard": {"rules": ["local:*"]},
        "combine": {"words_each": 4},
    }
    build_rows(pairs, tmp_path / "rows.jsonl", BuildRecipe.model_validate(section), lambda *_: None)
    rows = list(read_rows(tmp_path / "rows.jsonl"))
    assert len(rows) > 20
    items = [row.instruction for row in rows if row.instruction is not None]
    said = [Response(text=row.response or "") for row in rows]
    asked = [
        Item(id=item.id, instruction=item, response=response)
        for item, response in zip(items, said, strict=True)
    ]
    assert {answer.reward.value for answer in verify_many(asked, formula="all")} == {1.0}
    short = [item.model_copy(update={"response": Response(text="No")}) for item in asked]
    followed = [answer.reward.value for answer in verify_many(short, formula="all")]
    assert followed.count(0.0) > len(followed) / 2, "a few rows ask for nothing that so short a text lacks"
    made = prepare_verinstruct(tmp_path / "rows.jsonl", RowsData(validation=2, test=2, golden=2), 1)
    write_instructions(tmp_path / "train.parquet", made.train, source="rows", split="train")
    for table, item in zip(read_table(tmp_path / "train.parquet"), made.train, strict=True):
        turns = table["prompt"]
        assert turns[:3] in [talk[:3] for talk in talks], "what veRL hands to the chat template"
        assert turns[3] == {"role": "user", "content": item.prompt}
        assert all(constraint.text in item.prompt for constraint in item.constraints)


def test_rules_alone_need_no_model_and_prepare_takes_their_rows(tmp_path: Path) -> None:
    recipe = BuildRecipe.model_validate(
        {
            "pairs": {"licence": "MIT", "languages": []},
            "hard": {"rules": ["local:*"]},
            "combine": {"words_each": 4},
        }
    )
    out = tmp_path / "rows.jsonl"
    outcome = build_rows(pairs_file(tmp_path, 40), out, recipe, lambda *_: None)
    rows = list(read_rows(out))
    assert outcome.card["rows"] == len(rows) > 25
    for row in rows:
        assert row.instruction is not None
        assert row.response
        for constraint in row.instruction.constraints:
            assert isinstance(constraint, RuleConstraint)
            assert constraint.text in row.prompt
            assert passes(constraint.rule, constraint.params, Doc(row.response))
    splits = prepare_verinstruct(out, RowsData(validation=2, test=4, golden=4, require_checker=True), 1)
    assert len(splits.train) + len(splits.validation) + len(splits.test) + 4 >= len(rows) - 3
    assert not splits.quarantine


def test_a_number_that_the_question_names_is_not_contradicted(tmp_path: Path) -> None:
    """The question asks for two bullets, and the answer has three."""
    answer = "* one thing here\n* another thing there\n* a third thing of the same kind"
    rows = [{"prompt": "Describe the harbour in 2 bullets.", "response": answer}]
    (tmp_path / "pairs.jsonl").write_bytes(orjson.dumps(rows[0]))
    names = ["detectable_format:number_bullet_lists", "punctuation:no_comma"]
    raw = {"pairs": {"licence": "MIT"}, "hard": {"rules": names}, "combine": {"words_each": 4}}
    recipe = BuildRecipe.model_validate(raw)
    outcome = build_rows(tmp_path / "pairs.jsonl", tmp_path / "rows.jsonl", recipe, lambda *_: None)
    assert (outcome.card["rows"], outcome.card["refused"]["combine"]) == (0, {"too few constraints": 1})


@pytest.mark.slow
def test_models_propose_and_write_and_only_what_is_proven_comes_out(tmp_path: Path) -> None:
    with serving(BuildStandin(defects=0.2)) as standin:
        outcome = built(tmp_path, pairs_file(tmp_path, 8), standin.url)
        sent = sum(standin.sent.values())
        before = (tmp_path / "rows.jsonl").read_bytes(), (tmp_path / "rows.card.json").read_bytes()
        again = built(tmp_path, tmp_path / "pairs.jsonl", standin.url)
        assert (again.spending.calls, again.spared) == (0, outcome.spending.calls)
        assert sum(standin.sent.values()) == sent == outcome.spending.calls
    assert before == ((tmp_path / "rows.jsonl").read_bytes(), (tmp_path / "rows.card.json").read_bytes())
    card = outcome.card
    assert card["complete"]
    assert card["cost"]["all"]["calls"] == outcome.spending.calls
    assert card["proof"]["translated"] > 0
    for row in read_rows(tmp_path / "rows.jsonl"):
        assert row.instruction is not None
        for constraint in row.instruction.constraints:
            if isinstance(constraint, SoftConstraint):
                wish = wish_of(constraint.text)
                assert wish is not None
                assert seen(row.response or "", wish[0]) == (wish[1],)


@pytest.mark.slow
@pytest.mark.parametrize("fault", ["schema", "refuses", "repeats"])
def test_a_reply_of_no_schema_is_refused_and_rules_still_make_a_row(tmp_path: Path, fault: str) -> None:
    with serving(BuildStandin(fault=fault, share=1.0)) as standin:
        outcome = built(tmp_path, pairs_file(tmp_path, 3), standin.url)
    assert outcome.card["refused"]["soft"] == {
        "no reply of the schema": len(read_all(tmp_path / "pairs.jsonl"))
    }
    assert (outcome.card["rows"] > 0, outcome.card["left"]) == (True, 0)


@pytest.mark.slow
@pytest.mark.parametrize(
    "faulty",
    [
        BuildStandin(fault="500", share=1.0),
        BuildStandin(fault="broken", share=1.0),
        BuildStandin(seconds=1.0),
    ],
)
def test_what_a_server_fails_at_is_left_and_taken_up_again(tmp_path: Path, faulty: BuildStandin) -> None:
    pairs, quick = pairs_file(tmp_path, 4), {"deadline_s": 0.4}
    with serving(faulty) as standin:
        outcome = built(tmp_path, pairs, standin.url, first=quick, second=quick)
    assert (outcome.card["rows"], outcome.card["complete"], outcome.spending.calls) == (0, False, 0)
    assert "judge" in outcome.why
    with serving(BuildStandin(fault="429", share=0.2)) as standin:
        outcome = built(tmp_path, pairs, standin.url)
    assert (outcome.card["left"], outcome.card["rows"] > 0) == (0, True)


@pytest.mark.slow
def test_a_server_that_is_down_ends_the_build_soon(tmp_path: Path) -> None:
    quick = {"deadline_s": 0.3}
    outcome = built(tmp_path, pairs_file(tmp_path, 40), "http://127.0.0.1:9/v1", first=quick, second=quick)
    assert isinstance(outcome.ended, EndPointError)
    assert outcome.card["left"] >= 30


@pytest.mark.slow
def test_a_budget_that_runs_out_keeps_what_is_made_and_a_larger_one_goes_on(tmp_path: Path) -> None:
    pairs = pairs_file(tmp_path, 10)
    with serving(BuildStandin()) as standin:
        short = built(tmp_path, pairs, standin.url, 0.03, at_once=1)
        assert isinstance(short.ended, BudgetSpentError)
        assert short.spending.price <= 0.03
        assert 0 < short.card["left"] < 10
        whole = built(tmp_path, pairs, standin.url, 10.0)
        assert whole.card["left"] == 0
        assert max(standin.sent.values()) == 1


def test_models_without_an_end_point_are_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VERIF_BUILD_URL", raising=False)
    with pytest.raises(SetupError, match="--url"):
        build_rows(pairs_file(tmp_path, 2), tmp_path / "rows.jsonl", load_build(RECIPE), lambda *_: None)
    assert "at most 16 calls" in expected(pairs_file(tmp_path, 2), load_build(RECIPE))


@pytest.mark.slow
def test_no_answered_call_is_paid_twice_after_a_kill(tmp_path: Path) -> None:
    """What the ledger holds is never asked again; only calls under way at a kill are."""
    pairs, ledger = pairs_file(tmp_path, 10), tmp_path / "rows.calls.jsonl"
    with serving(BuildStandin(seconds=0.05)) as standin:
        line = [
            sys.executable, "-m", "verif", "build", "--pairs", str(pairs), "--out", str(tmp_path / "rows.jsonl"),
            "--recipe", str(RECIPE), "--url", standin.url,
        ]  # fmt: skip
        process = subprocess.Popen(
            line, env={**os.environ, "PYTHONPATH": str(ROOT)}, stderr=subprocess.DEVNULL
        )
        while process.poll() is None and lines(ledger) < 12:
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        process.wait()
        kept, asked = json_keys(ledger), Counter(standin.asked)
        assert len(kept) >= 12
        done = subprocess.run(
            line, env={**os.environ, "PYTHONPATH": str(ROOT)}, check=False, capture_output=True
        )
        assert done.returncode == 0, done.stderr
        again = standin.asked - asked
        assert not kept & set(again), "an answered call was asked again"
        assert len(json_keys(ledger)) == lines(ledger) > len(kept)


def json_keys(ledger: Path) -> set[str]:
    return {json.loads(text)["key"] for text in ledger.read_bytes().split(b"\n")[:-1]}


def lines(path: Path) -> int:
    return path.read_bytes().count(b"\n") if path.exists() else 0


def read_all(path: Path) -> list[bytes]:
    return path.read_bytes().splitlines()


def test_the_command_wants_pairs_or_rows_and_not_both(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="--judgements"):
        build(out=tmp_path / "rows.jsonl")
    with pytest.raises(InputError, match="--judgements"):
        build(out=tmp_path / "rows.jsonl", pairs=tmp_path / "a", judgements=tmp_path / "b")


def test_a_build_recipe_at_fault_is_named_with_its_key(tmp_path: Path) -> None:
    path = tmp_path / "build.yaml"
    path.write_text("first: {name: a}\nsecond: {name: b, tempreature: 1}\n")
    with pytest.raises(RecipeError, match=r"build\.yaml: second\.tempreature"):
        load_build(path)
    path.write_text("first: {name: a}\n")
    with pytest.raises(RecipeError, match="belong together"):
        load_build(path)
