"""Pairs of rules: the code labels both responses, some rules are never trained on, attacks leave the false one false."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from verif.audit.attacked_pairs import ATTACK, attacked_pairs
from verif.audit.rule_pairs import RulePairs
from verif.core.rules import check, get, validate
from verif.core.text import Doc
from verif.data.judgements.pairs import JudgementPair
from verif.errors import InputError
from verif.types import RuleConstraint

RULES = (
    ("punctuation:no_comma", {}),
    ("length_constraints:number_words", {"relation": "at least", "num_words": 12}),
    ("change_case:english_lowercase", {}),
    ("keywords:existence", {"keywords": ["river"]}),
    ("detectable_format:number_bullet_lists", {"num_bullets": 2}),
    ("startend:quotation", {}),
    ("keywords:forbidden_words", {"forbidden_words": ["walrus"]}),
    ("detectable_format:title", {}),
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "rows.jsonl"
    rows = [
        {
            "id": f"{number}-{rule}",
            "prompt": f"Write text number {number}.",
            "constraints": [{"kind": "rule", "text": rule, "rule": rule, "params": params}],
        }
        for number in range(30)
        for rule, params in RULES
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def keeps(pair: JudgementPair, text: str) -> bool:
    constraint = pair.instruction.constraints[pair.asked[0]]
    assert isinstance(constraint, RuleConstraint)
    return check(get(constraint.rule), Doc(text), validate(constraint.rule, constraint.params)).ok


def test_the_rule_itself_confirms_both_labels(file: Path) -> None:
    source, rng = RulePairs(file), random.Random(1)
    drawn = {split: [source.draw(rng, split) for _ in range(20)] for split in ("train", "test", "unseen")}
    for pairs in drawn.values():
        assert all(keeps(pair, pair.good) and not keeps(pair, pair.bad) for pair in pairs)
    rules = {split: {pair.construction for pair in pairs} for split, pairs in drawn.items()}
    assert not rules["unseen"] & rules["train"]
    prompts = {split: {pair.instruction.prompt for pair in pairs} for split, pairs in drawn.items()}
    assert not prompts["train"] & prompts["test"]


def test_an_attacked_response_is_still_false(file: Path) -> None:
    source = RulePairs(file)
    pairs = attacked_pairs(source, 1, seed=1)
    assert len({pair.construction for pair in pairs}) == len(pairs) > 10
    for pair in pairs:
        assert pair.construction.startswith(ATTACK)
        assert source.false(pair, pair.bad)


def test_a_file_in_which_nothing_can_be_broken_is_one_error(tmp_path: Path) -> None:
    path = tmp_path / "soft.jsonl"
    path.write_text(
        json.dumps({"id": "1", "prompt": "Hi.", "constraints": [{"kind": "soft", "text": "Be kind."}]})
    )
    with pytest.raises(InputError, match="no constraint of code that an edit can break is left for train"):
        RulePairs(path)
