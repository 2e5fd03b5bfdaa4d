"""Composed instructions: the same for a seed, without contradictions, said in words, and apart from each other."""

from __future__ import annotations

import random

import pytest

from verif import verify
from verif.core.rules import get, validate
from verif.core.text import Doc
from verif.data.composed import kinds, styles
from verif.data.composed.prepare import composed, divided, prepare_composed
from verif.data.composed.tasks import FORMS, SUBJECTS
from verif.data.screening.rule_rows import screened
from verif.data.splits import Splits
from verif.errors import RecipeError
from verif.recipe import ComposedData
from verif.types import type_name

SIZES = ComposedData(train=300, validation=20, test=120, unseen=80)


@pytest.fixture(scope="module")
def splits() -> Splits:
    return prepare_composed(SIZES, 1)


def test_the_same_seed_gives_the_same_rows_and_another_gives_others(splits: Splits) -> None:
    subjects = divided(1)["test"]
    assert composed("test", 120, subjects, 4, 1) == splits.test
    assert composed("test", 120, subjects, 4, 2) != splits.test


def test_there_are_thousands_of_tasks_and_none_twice() -> None:
    assert len(FORMS) * len(SUBJECTS) > 3000
    assert len({one.phrase for one in SUBJECTS}) == len(SUBJECTS)
    assert all(form.count("{}") == 1 for form in FORMS)


def test_splits_share_no_subject_no_prompt_and_no_wording(splits: Splits) -> None:
    names = ("train", "validation", "test", "unseen")
    subjects = [{item.meta["source"] for item in getattr(splits, name)} for name in names]
    assert all(not a & b for i, a in enumerate(subjects) for b in subjects[i + 1 :])
    prompts = [item.prompt for name in names for item in getattr(splits, name)]
    assert len(prompts) == len(set(prompts))
    for one in (*kinds.TRAINED, *kinds.UNSEEN):
        assert one.held_out
        assert not {get(one.rule).asks, *one.wordings} & set(one.held_out), one.rule
    assert not set(styles.TRAINED) & set(styles.HELD_OUT)


def test_unseen_types_are_never_trained_on(splits: Splits) -> None:
    trained = {
        type_name(c) for item in (*splits.train, *splits.validation, *splits.test) for c in item.constraints
    }
    unseen = {type_name(c) for item in splits.unseen for c in item.constraints}
    assert trained == {one.rule for one in kinds.TRAINED}
    assert unseen == {one.rule for one in kinds.UNSEEN}


def test_the_screen_of_rows_has_nothing_to_say(splits: Splits) -> None:
    for item in (*splits.train, *splits.test, *splits.unseen):
        assert 1 <= len(item.constraints) <= 4
        assert not list(screened(item)), item.prompt


@pytest.mark.parametrize("one", [*kinds.TRAINED, *kinds.UNSEEN], ids=lambda one: one.rule)
def test_every_wording_says_every_parameter(one: kinds.Asked) -> None:
    rng = random.Random(3)
    for wording in (get(one.rule).asks, *one.wordings, *one.held_out):
        for _ in range(10):
            params = one.draw(rng, "boat")
            validate(one.rule, params)
            said = styles.worded(wording, params)
            assert "{" not in said
            for value in params.values():
                for part in value if isinstance(value, list) else [value]:
                    assert str(part) in said


def test_no_ending_holds_what_may_be_forbidden() -> None:
    forbidden = get("keywords:forbidden_words")
    params = validate(forbidden.id, {"forbidden_words": list(kinds.COMMON)})
    for ending in (*kinds.ENDINGS, *kinds.WORDS, *(one.word for one in SUBJECTS)):
        assert forbidden.check(Doc(ending), params).ok, ending
    assert not any("," in ending for ending in kinds.ENDINGS)


def test_the_golden_set_is_what_the_rules_say(splits: Splits) -> None:
    assert {type_name(c) for g in splits.golden for c in g.instruction.constraints} == {
        one.rule for one in (*kinds.TRAINED, *kinds.UNSEEN)
    }
    for item in splits.golden:
        checked = verify(item.instruction.prompt, item.response, list(item.instruction.constraints))
        assert [checked.followed(1)] == item.truth, item


def test_more_rows_than_tasks_is_one_line() -> None:
    with pytest.raises(RecipeError, match=r"data\.validation: 5000 instructions are asked for"):
        prepare_composed(ComposedData(train=16, validation=5000, test=8, unseen=8), 1)
