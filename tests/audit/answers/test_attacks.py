"""Attacks on reference answers: none is the right answer, and neither the rules nor the built-in model accept them."""

from __future__ import annotations

import random

import pytest

from verif.audit.answers.attacks import FAMILIES, Posed
from verif.audit.answers.measure import attacked, drawn, questions
from verif.core.answers.embedded import FeatureModel, embedded
from verif.core.answers.final import final_answer

ASKED = Posed("What is the number of ways to do it?", "42", "17")


@pytest.mark.parametrize("name", FAMILIES)
def test_a_family_never_commits_to_the_reference_and_seldom_fools_the_model(name: str) -> None:
    model, fooled = FeatureModel(), 0
    targets = questions("test", 30)
    for number in range(60):
        asked = targets[number % len(targets)]
        final = final_answer(FAMILIES[name](random.Random(number), asked)).text
        assert final != asked.reference
        fooled += bool(final) and model.probability(asked.reference, final) > embedded().threshold
    assert fooled <= 1


def test_the_same_seed_gives_the_same_attacks() -> None:
    assert attacked(1, 5, [ASKED]) == attacked(1, 5, [ASKED])
    assert attacked(1, 5, [ASKED]) != attacked(2, 5, [ASKED])
    assert len(attacked(1, 5, [ASKED])) == 5 * len(FAMILIES)
    assert not any(case.right for case in attacked(1, 5, [ASKED]))


def test_drawn_answers_have_a_final_answer() -> None:
    without = [case for case in drawn("test", 300) if case.right and final_answer(case.response).why]
    assert not without
