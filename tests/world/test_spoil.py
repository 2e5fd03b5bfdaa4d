"""Spoilers make false what was true, and the judge's lessons say why."""

from __future__ import annotations

import random

import pytest

from verif.data.world import (
    ATTACKS,
    FAMILIES,
    UNSEEN_ATTACKS,
    attack,
    draw,
    reasoning,
    reference,
    soft_truth,
    spoil,
    truth,
)
from verif.data.world.prepare import judge_pairs, policy_pairs


@pytest.mark.parametrize("family", ["salad", "planted"])
def test_salad_and_attacks_are_never_true(family: str) -> None:
    rng = random.Random(1)
    for _ in range(200):
        item = draw(rng, "train")
        text, name = spoil(item, reference(item, rng), rng, family)
        assert name == family
        assert not truth(item, text).followed, text


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_each_family_spoils_most_of_what_it_touches(family: str) -> None:
    rng = random.Random(2)
    false = 0
    for _ in range(100):
        item = draw(rng, "train")
        text, _ = spoil(item, reference(item, rng), rng, family)
        false += not soft_truth(item, text)
    assert false >= (20 if family in ("foreign_word", "other_address") else 60)


def test_unseen_attacks_are_false_too_and_not_trained() -> None:
    rng = random.Random(3)
    assert not set(ATTACKS) & set(UNSEEN_ATTACKS)
    for _ in range(200):
        item = draw(rng, "test")
        assert not truth(item, attack(reference(item, rng), rng, UNSEEN_ATTACKS)).followed


def test_lessons_of_the_judge_are_balanced_and_consistent() -> None:
    pairs = judge_pairs(300, random.Random(4))
    assert 0.35 < sum(p.followed for p in pairs) / len(pairs) < 0.65
    for pair in pairs:
        assert pair.followed == (" no" not in pair.reason)
        assert pair.reason == reasoning(pair.instruction, pair.response)
        assert pair.reason.split(", ")[-1].startswith("grammar ")


def test_policy_lessons_hold_plain_text() -> None:
    pairs = policy_pairs(300, random.Random(5))
    assert 5 < sum(not p.prompt for p in pairs) < 60
