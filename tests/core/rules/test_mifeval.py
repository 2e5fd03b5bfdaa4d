"""M-IFEval's types against the published verdicts of three models, and what stands in the place of its libraries."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from verif.core import rules
from verif.core.rules.mifeval import japanese, scripts_ja, spanish
from verif.core.text import Doc

STAND_INS = {
    "es:length_constraints:number_sentences", "es:length_constraints:number_words", "ja:detectable_format:nominal_ending",
    "ja:keywords:existence", "ja:keywords:forbidden_words", "ja:keywords:frequency",
}  # fmt: skip
"""Rules for which upstream asks spaCy's model or janome's dictionary."""
DIFFERENT = {"es": 17, "fr": 0, "ja": 25}


@pytest.mark.slow
@pytest.mark.parametrize("tongue", DIFFERENT)
def test_published_verdicts(reference_data: Path, tongue: str) -> None:
    folder = reference_data / "m_ifeval"
    asked = {
        row["prompt"]: row
        for row in map(json.loads, (folder / f"{tongue}_input_data.jsonl").open(encoding="utf-8"))
    }
    wrong: Counter[str] = Counter()
    for file in sorted(folder.glob(f"{tongue}_verdicts_*")):
        for line in file.open(encoding="utf-8"):
            row = json.loads(line)
            given = asked[row["prompt"]]
            doc = Doc(row["response"])
            for rule, params, verdict in zip(
                given["instruction_id_list"], given["kwargs"], row["follow_instruction_list"], strict=True
            ):
                loose = "_loose_" in file.name
                wrong[rule] += (
                    rules.check(rules.get(rule), doc, rules.validate(rule, params), loose=loose).ok != verdict
                )
    assert {rule for rule, count in wrong.items() if count} <= STAND_INS
    assert sum(wrong.values()) <= DIFFERENT[tongue]


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("El mar, azul.", ["El", "mar", "azul"]),
        ("bien-estar y 3,5 €", ["bien-estar", "y", "3,5", "€"]),  # a symbol is no punctuation
        ("uno\n\ndos", ["uno", "\n\n", "dos"]),  # white space that is no single blank is a token
        ("hola:adiós", ["hola", "adiós"]),
        ("https://a.es/b", ["https://a.es/b"]),
        ("...", []),
    ],
)
def test_spanish_tokens(text: str, tokens: list[str]) -> None:
    assert spanish.words(text) == tokens


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("海だ。青い！", 2),
        ("「海だ。青い。」と言う", 1),
        ("海の\n青さ。", 1),
        ("一\n\n二", 2),
        ("（海。）空", 1),
        ("なに？！", 2),
    ],
)
def test_japanese_sentences(text: str, count: int) -> None:
    assert japanese.sentences(text) == count


@pytest.mark.parametrize(
    ("text", "keyword", "count"),
    [
        ("ラテン語", "ラテ", 0),
        ("ラテ、ラテ", "ラテ", 2),
        ("海外と海", "海", 1),
        ("健康管理", "健康", 1),
        ("AIとAIR", "AI", 1),
    ],
)
def test_japanese_keywords_do_not_stand_inside_longer_runs(text: str, keyword: str, count: int) -> None:
    assert japanese.times(text, keyword) == count


def test_quotations_are_taken_out_within_lines() -> None:
    assert scripts_ja.unquoted("a「b」c『d』e「f\ng」") == "ace「f\ng」"
