"""Parameters are taken from a constraint's own words, and rules are tried, never guessed."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from verif.core.text import Doc
from verif.data.builder.hard import passes
from verif.data.builder.translate import candidates, equal, quoted, said
from verif.types import RuleConstraint

ANSWER = Doc("Good day. The boat and the rope lie by the pier, and nobody is there to see them. That is all.")


@pytest.mark.parametrize(
    ("text", "rule", "params"),
    [
        ("Use exactly three sentences.", "local:sentences", {"n": 3}),
        ("Write fewer than 25 words.", "local:max_words", {"n": 24}),
        ("Mention the words boat and rope.", "local:keywords", {"words": ["boat", "rope"]}),
        ("End with the words 'That is all'.", "local:end", {"phrase": "That is all"}),
        ("Do not use the word anchor.", "local:forbidden", {"words": ["anchor"]}),
        ("Begin with “Good day”.", "local:start", {"phrase": "Good day"}),
    ],
)
def test_the_rule_that_a_text_means_is_among_the_candidates(
    text: str, rule: str, params: dict[str, object]
) -> None:
    assert any((c.rule, c.params, c.text) == (rule, params, text) for c in candidates(text, (rule,), ANSWER))


def test_a_rule_is_equal_only_where_both_verdicts_are_seen() -> None:
    rule = RuleConstraint(text="t", rule="local:no_comma", params={})
    docs = [Doc(text) for text in ("a", "b", "a, b", "b, a")]
    assert equal(rule, docs, [True, True, False, False])
    assert not equal(rule, docs, [True, True, False, True])
    assert not equal(rule, docs[:3], [True, True, False]), "one text that fails is not enough"


@settings(max_examples=30)
@given(st.text(max_size=600))
def test_no_text_is_too_odd(text: str) -> None:
    values = said(text)
    assert len(values.numbers) <= 4
    assert all(phrase.strip() for phrase in quoted(text))
    for constraint in candidates(text, ("local:keyword", "local:max_words"), ANSWER):
        assert passes(constraint.rule, constraint.params, ANSWER)
