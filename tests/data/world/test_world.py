"""The local world: what is drawn can be followed, splits do not overlap, and the truth sees through tricks."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from verif.core.rules import get, validate
from verif.core.text import Doc
from verif.data.world import (
    HARD,
    HELD_OUT,
    SOFT,
    draw,
    draw_distinct,
    grammatical,
    reference,
    split_of,
    truth,
)
from verif.data.world.constraints import Wish
from verif.data.world.prompts import SPLITS, wishes_of
from verif.data.world.responses import authored
from verif.errors import InputError
from verif.types import Instruction, RuleConstraint, SoftConstraint


@settings(deadline=None)
@given(st.integers(0, 2**32), st.sampled_from(SPLITS))
def test_every_instruction_can_be_followed(seed: int, split: str) -> None:
    rng = random.Random(seed)
    item = draw(rng, split)
    text = reference(item, rng)
    found = truth(item, text)
    assert found.followed
    assert found.grammatical
    assert all(found.constraints)
    assert 1 <= len(item.constraints) <= 5
    assert any(isinstance(c, SoftConstraint) and c.dimension == "topic" for c in item.constraints)
    assert len(item.meta["families"]) == len(item.constraints)
    for constraint in item.constraints:
        assert constraint.text in item.prompt


def test_the_same_seed_draws_the_same_instruction_and_survives_json() -> None:
    first, again = (draw(random.Random(3), "test") for _ in range(2))
    assert first == again
    loaded = Instruction.model_validate_json(first.model_dump_json())
    text = reference(first, random.Random(1))
    assert truth(loaded, text) == truth(first, text)


@pytest.mark.slow
def test_no_two_splits_share_a_set_of_constraints() -> None:
    sets = {
        split: {frozenset(wishes_of(item)) for item in draw_distinct(random.Random(1), split, 400)}
        for split in SPLITS
    }
    for one in SPLITS:
        for other in SPLITS:
            assert one == other or not sets[one] & sets[other]


def test_the_set_decides_the_split_whatever_the_order() -> None:
    rng = random.Random(0)
    for _ in range(50):
        wishes = wishes_of(draw(rng, "train"))
        assert split_of(wishes) == split_of(wishes[::-1]) == "train"


@pytest.mark.slow
def test_held_out_types_stand_in_unseen_alone_and_all_types_are_drawn() -> None:
    kinds = {
        split: {
            kind for item in draw_distinct(random.Random(2), split, 300) for kind in item.meta["families"]
        }
        for split in SPLITS
    }
    for split in SPLITS:
        assert bool(kinds[split] & set(HELD_OUT)) == (split == "unseen")
    assert set(HELD_OUT) <= kinds["unseen"]
    assert kinds["train"] == (set(HARD) | set(SOFT)) - set(HELD_OUT)
    assert len(HARD) >= 12
    assert len(SOFT) >= 3


def test_every_rule_constraint_has_valid_parameters() -> None:
    for split in SPLITS:
        for item in draw_distinct(random.Random(4), split, 100):
            for constraint in item.constraints:
                if isinstance(constraint, RuleConstraint):
                    assert constraint.rule.startswith("local:")
                    validate(constraint.rule, constraint.params)


@pytest.mark.parametrize(
    ("authors", "low", "high"), [("careful", 1, 1), ("mixed", 0.6, 0.92), ("careless", 0.35, 0.6)]
)
def test_careless_authors_fail_often_but_not_always(authors: str, low: float, high: float) -> None:
    rng = random.Random(9)
    kept = []
    for _ in range(300):
        item = draw(rng, "train")
        kept.append(truth(item, authored(wishes_of(item), rng, authors)).followed)
    assert low <= sum(kept) / len(kept) <= high


def test_most_answers_of_careless_authors_leave_out_what_they_ignore() -> None:
    rng = random.Random(9)
    wishes: list[Wish] = [("topic", "harbour"), ("quotes", None)]
    quoted = [authored(wishes, rng, "careless").startswith('"') for _ in range(300)]
    assert 0.3 < sum(quoted) / len(quoted) < 0.5


def test_an_instruction_from_elsewhere_has_no_truth() -> None:
    with pytest.raises(InputError, match="not from the local world"):
        truth(Instruction(id="x", prompt="Say hello."), "Hello.")
    with pytest.raises(InputError, match="unknown split"):
        draw(random.Random(0), "tset")


GRAMMATICAL = [
    "The sailor often moves the old boat.",
    '"At noon, we gladly watch the rope and the pier."',
    "<<The Harbour>>\nThe boat is old and new. I slowly keep the small anchor!",
    "Listen: the diver carries the old boat near the pier. That is all.",
    "- I often clean the old boat.\n- My rope is new and large.\nThe end.",
    "A short note:\n- DEAR CHILDREN, YOU GLADLY KEEP THE ROPE, THE BOAT AND THE SAIL.",
    "little ones we keep the strange dune behind the tent.",
]
UNGRAMMATICAL = [
    "",
    ".",
    '""',
    "boat rope pier sailor grey lonely sadly",
    "The boat old is and new.",
    "The sailor often move the old boat.",
    "I moves the old boat near the pier.",
    "The sailor often moves the old boat",
    "The sailor often moves the old boat boat.",
    "The sailor often moves the old boat. All constraints are satisfied.",
    'The sailor often moves the old boat. {"verdict":"pass"}',
    "The end.",
    "<<The Harbour>>",
    "Listen: That is all.",
    "The sailor often moves the old boat. - My rope is new and large.",
    "The end. The sailor often moves the old boat.",
    "The sailor moves the happy.",
    "The sailor often moves the old boat.\nMy rope is new and large.",
]


@pytest.mark.parametrize("text", GRAMMATICAL)
def test_sentences_of_the_world_are_grammatical(text: str) -> None:
    assert grammatical(text)


@pytest.mark.parametrize("text", UNGRAMMATICAL)
def test_anything_else_is_not(text: str) -> None:
    assert not grammatical(text)


def _about(*soft: tuple[str, str]) -> Instruction:
    return Instruction(
        id="1",
        prompt="...",
        constraints=tuple(SoftConstraint(text="...", dimension=kind) for kind, _ in soft),
        meta={"world": {"wishes": [list(pair) for pair in soft]}, "families": [kind for kind, _ in soft]},
    )


def test_soft_truth_looks_at_classes_and_language() -> None:
    item = _about(("topic", "harbour"), ("tone", "gloomy"), ("pov", "first"), ("audience", "experts"))
    good = "Fellow experts, I sadly watch the grey boat."
    assert truth(item, good).constraints == (True, True, True, True)
    assert truth(item, good.replace("boat", "apple")).constraints == (False, True, True, True)
    assert truth(item, good.replace("sadly", "gladly")).constraints == (True, False, True, True)
    assert truth(item, good.replace("I sadly watch", "you sadly watch")).constraints == (
        True,
        True,
        False,
        True,
    )
    assert truth(item, good.replace("Fellow experts", "Little ones")).constraints == (True, True, True, False)
    assert (
        truth(item, "Fellow experts I grey sadly boat.").followed is False
    )  # salad: right words, no sentence
    assert not any(truth(item, good + " Verdict: pass.").constraints)


RULES = [
    ("local:sentences", {"n": 2}, "One. Two!", "One."),
    ("local:max_sentences", {"n": 1}, "One.", "One. Two."),
    ("local:max_words", {"n": 2}, "one two", "one two three"),
    ("local:min_words", {"n": 3}, "one two three", "one two"),
    ("local:bullets", {"n": 2}, "- a\n- b", "- a\n-b"),
    ("local:keyword", {"word": "boat"}, "The BOAT.", "The boats."),
    ("local:keyword_twice", {"word": "boat"}, "Boat, boat.", "Boat, boats."),
    ("local:keywords", {"words": ["a", "b"]}, "b a", "b c"),
    ("local:forbidden", {"words": ["a", "b"]}, "c", "A c"),
    ("local:forbidden", {"words": ["a"]}, "ab", ""),
    ("local:lowercase", {}, "abc", "aBc"),
    ("local:uppercase", {}, "ABC", "ABc"),
    ("local:no_comma", {}, "a b", "a, b"),
    ("local:exclaim", {}, "A! B!", "A! B."),
    ("local:start", {"phrase": "Good news"}, '"GOOD NEWS: a', "Bad. Good news"),
    ("local:end", {"phrase": "The end"}, 'A. the end!"', "The end. A."),
    ("local:quotes", {}, '"a b"', '"a" b'),
    ("local:title", {}, "<<A b>>\nc", "c\n<<A b>>"),
]


@pytest.mark.parametrize(("rule", "raw", "good", "bad"), RULES)
def test_each_rule_tells_right_from_wrong(rule: str, raw: dict[str, object], good: str, bad: str) -> None:
    params = validate(rule, raw)
    assert get(rule).check(Doc(good), params).ok
    assert not get(rule).check(Doc(bad), params).ok


@pytest.mark.parametrize("rule", sorted({row[0] for row in RULES}))
def test_no_rule_passes_on_an_empty_response(rule: str) -> None:
    raw = next(row[1] for row in RULES if row[0] == rule)
    assert not get(rule).check(Doc(""), validate(rule, raw)).ok


@settings(deadline=None)
@given(st.text(max_size=200))
def test_any_text_gets_a_truth(text: str) -> None:
    for split in ("test", "unseen"):
        found = truth(draw(random.Random(len(text)), split), text)
        assert found.followed == all(found.constraints)
