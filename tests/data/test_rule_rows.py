"""Rule rows are screened as checkers are; on IFEval's prompts every accusation stands in docs/screening-rules.md."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from verif import read_rows
from verif.cli.app import app
from verif.data.screening.rule_rows import counted, screened
from verif.types import Instruction, RuleConstraint

WORDS, COMMA = "length_constraints:number_words", "punctuation:no_comma"


def kinds(prompt: str, *rules: tuple[str, dict[str, Any]]) -> list[tuple[int, str]]:
    constraints = tuple(RuleConstraint(text=rule, rule=rule, params=params) for rule, params in rules)
    return [found[:2] for found in screened(Instruction(id="1", prompt=prompt, constraints=constraints))]


def words(number: int, relation: str = "at least") -> tuple[str, dict[str, Any]]:
    return WORDS, {"num_words": number, "relation": relation}


@pytest.mark.parametrize(
    ("prompt", "rules", "due"),
    [
        ("Write at least 400 words.", [words(336)], [(0, "contradicts its text")]),
        ("Write at least 400 words.", [words(400)], []),
        ("Write at most 400 words.", [words(401, "less than")], []),
        ("Write 300 to 400 words.", [words(300)], []),
        ("Write between 300 and 400 words.", [words(400, "less than")], []),
        ("Write three hundred good words.", [words(7)], [(0, "contradicts its text")]),
        ("Write much.", [words(336)], []),
        (
            "Say boat.",
            [("keywords:existence", {"keywords": ["boat", "gull"]})],
            [(0, "contradicts its text")],
        ),
        ("Say “boat”.", [("keywords:existence", {"keywords": ["boat"]})], []),
        ("No commas.", [(COMMA, {}), (COMMA, {})], [(1, "repeats its sibling")]),
        ("Write.", [words(9, "less than"), words(10)], [(1, "contradicts its sibling")]),
        ("Write.", [words(11, "less than"), words(10)], []),
        ("Write.", [words(1, "less than")], [(0, "unsatisfiable")]),
        (
            "Say a, b. Start with it.",
            [(COMMA, {}), ("startend:end_checker", {"end_phrase": "a, b."})],
            [(1, "contradicts its sibling")],
        ),
        (
            "One paragraph, two of them.",
            [
                (
                    "length_constraints:nth_paragraph_first_word",
                    {"num_paragraphs": 2, "nth_paragraph": 3, "first_word": "of"},
                )
            ],
            [(0, "unsatisfiable")],
        ),
        (
            "Write.",
            [("open-instruct:validate_response_language", {"language": "tlh"})],
            [(0, "unsatisfiable")],
        ),
        (
            "Write.",
            [("change_case:english_capital", {}), ("change_case:english_lowercase", {})],
            [(1, "contradicts its sibling")],
        ),
    ],
)
def test_what_is_beyond_doubt_is_said(prompt: str, rules: list[Any], due: list[tuple[int, str]]) -> None:
    assert kinds(prompt, *rules) == due


def test_numbers_before_a_unit() -> None:
    assert counted(["at", "least", "3", "long", "and", "detailed", "sections"], "section") == {3}
    assert (
        counted(["10", "boats", "lie", "in", "the", "old", "harbour", "near", "many", "sections"], "section")
        == set()
    )


DOCUMENTED = {
    ("1627", "contradicts its sibling"), ("30", "repeats its sibling"), ("337", "contradicts its text"),
    ("3718", "contradicts its sibling"), ("374", "contradicts its sibling"),
}  # fmt: skip


def test_the_accusations_on_ifevals_prompts_are_those_checked_by_hand(
    reference_data: Path, root: Path
) -> None:
    rows = read_rows(reference_data / "ifeval" / "input_data.jsonl")
    found = {(row.id, kind) for row in rows if row.instruction for _, kind, _, _ in screened(row.instruction)}
    assert found == DOCUMENTED
    page = (root / "docs" / "screening-rules.md").read_text("utf-8")
    assert all(f"| {key} |" in page for key, _ in DOCUMENTED)


def test_the_command_drops_what_cannot_be_kept(tmp_path: Path) -> None:
    path, out = tmp_path / "rows.jsonl", tmp_path / "out.jsonl"
    row = {"key": 1, "prompt": "No commas.", "instruction_id_list": [COMMA, COMMA], "kwargs": [{}, {}]}
    path.write_text(json.dumps(row) + "\n")
    done = CliRunner().invoke(app("screen"), [str(path), "--out", str(out)])
    assert done.exit_code == 0, done.output
    assert "1 checkers and rules have a defect" in done.output
    assert [c["rule"] for c in json.loads(out.read_text())["constraints"]] == [COMMA]
