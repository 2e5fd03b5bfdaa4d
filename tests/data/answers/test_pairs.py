"""Constructed pairs: what is called the same is the same for the rules too, where they can tell; a seed, the same pairs."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from verif.core.answers.features import NAMES, features
from verif.core.answers.number import other_number, read_number, same_number
from verif.data.answers.pairs import FORMS, draws, pairs
from verif.data.answers.slips import slipped
from verif.data.answers.threshold import threshold_for


@pytest.mark.slow
def test_a_seed_gives_the_same_pairs_and_another_seed_others() -> None:
    assert pairs(1, 300) == pairs(1, 300)
    assert pairs(1, 300) != pairs(2, 300)


@pytest.mark.slow
def test_every_form_is_drawn_and_half_of_each_is_the_same() -> None:
    drawn = pairs(3, 3000)
    assert {pair.form for pair in drawn} == set(FORMS)
    for form, n in Counter(pair.form for pair in drawn).items():
        same = sum(pair.same for pair in drawn if pair.form == form)
        assert 0.4 < same / n < 0.6, form


@pytest.mark.slow
def test_no_pair_that_is_called_the_same_is_two_other_numbers() -> None:
    for pair in pairs(4, 3000):
        if pair.same and pair.form in ("number", "fraction", "decimal"):
            assert not other_number(pair.reference, pair.answer), pair


@pytest.mark.slow
def test_no_near_miss_is_the_same_number() -> None:
    for pair in pairs(5, 3000):
        right, given = read_number(pair.reference), read_number(pair.answer)
        if not pair.same and right and given and right.unit == given.unit and pair.form != "unit":
            assert not same_number(right, given), pair


@pytest.mark.slow
def test_a_slip_is_made_of_a_right_text_and_is_none_of_them() -> None:
    rng = random.Random(1)
    for draw in draws().values():
        for _ in range(20):
            drawn = draw(rng)
            assert slipped(rng, drawn) not in drawn.equal, drawn


@pytest.mark.slow
def test_what_is_called_the_same_has_the_same_values_where_both_are_known() -> None:
    known = [NAMES.index(name) for name in ("values_unknown", "values_missing", "values_extra")]
    for pair in pairs(8, 1500):
        if pair.same and pair.form == "interval":
            unknown, missing, extra = (features(pair.reference, pair.answer)[place] for place in known)
            assert unknown or missing + extra <= 2, pair  # infinite ends are no values of an inequality


@pytest.mark.slow
def test_a_generator_can_be_left_out() -> None:
    assert "interval" not in {
        pair.form for pair in pairs(6, 500, leave_out=frozenset({"interval", "union", "ends"}))
    }
    assert {"integer", "interval", "union", "polynomial"} <= set(draws())


def test_the_threshold_keeps_the_precision_and_takes_ties_together() -> None:
    scored = [(0.9, True)] * 98 + [(0.8, False)] * 2 + [(0.7, True)] * 10 + [(0.1, False)] * 50
    assert threshold_for(scored, 0.98) == 0.1
    assert threshold_for(scored, 0.99) == 0.8
    assert threshold_for([(0.5, False)], 0.9) == 1.0
    assert threshold_for([], 0.9) == 1.0
