"""What `verif rules show` and the page of rules tell is so: every example has the verdicts it claims, every text its names."""

from __future__ import annotations

import string

import pytest
from typer.testing import CliRunner

from verif.cli.app import app
from verif.core import rules
from verif.core.describing import about
from verif.core.text import Doc
from verif.errors import InputError

EVERY = sorted(rules.rules())


@pytest.mark.parametrize("name", EVERY)
def test_the_example_follows_and_its_counterpart_does_not(name: str) -> None:
    spec = rules.get(name)
    assert spec.example is not None
    params = rules.validate(name, spec.example.params)
    assert rules.check(spec, Doc(spec.example.follows), params).ok
    assert not rules.check(spec, Doc(spec.example.fails), params).ok


@pytest.mark.parametrize("name", EVERY)
def test_the_text_for_prompts_names_parameters_only(name: str) -> None:
    spec = rules.get(name)
    named = {field for _, field, _, _ in string.Formatter().parse(spec.asks) if field}
    assert spec.asks
    assert named <= set(spec.params.model_fields)
    assert spec.asks.format(**rules.validate(name, spec.example.params).model_dump())  # type: ignore[union-attr]


@pytest.mark.parametrize("name", EVERY)
def test_a_rule_says_what_counts_and_what_its_parameters_are(name: str) -> None:
    told = about(rules.get(name))
    assert told.counts.endswith((".", '."')) or told.counts.endswith(":")
    assert [row[0] for row in told.parameters] == list(rules.get(name).params.model_fields)
    assert all(kind != "any" for _, kind, _ in told.parameters)


def test_the_benchmarks_are_complete() -> None:
    told = [about(rule) for rule in rules.rules().values()]
    counts = {source: sum(a.source == source for a in told) for source in {a.source for a in told}}
    assert {key: counts[key] for key in ("IFEval", "IFBench", "IF-RLVR", "M-IFEval", "Multi-IF", "RLVR-IFeval")} == {
        "IFEval": 25, "IFBench": 58, "IF-RLVR": 29, "M-IFEval": 93, "Multi-IF": 3, "RLVR-IFeval": 25,
    }  # fmt: skip


def test_show_tells_range_edge_cases_and_both_verdicts() -> None:
    shown = CliRunner().invoke(app("rules"), ["show", "ratio:overlap"])
    assert shown.exit_code == 0, shown.output
    for part in (
        "percentage: whole number (≥ 0, ≤ 100)",
        "Edge cases: Characters, not words",
        "does not follow: ",
    ):
        assert part in shown.output


def test_list_can_be_narrowed_and_says_when_nothing_is_left() -> None:
    shown = CliRunner().invoke(app("rules"), ["list", "IF-RLVR"])
    assert "29 rules." in shown.output
    with pytest.raises(InputError, match="no rule has 'nosuch'"):
        CliRunner().invoke(app("rules"), ["list", "nosuch"], catch_exceptions=False)


def test_show_of_an_unknown_rule_suggests_near_ones() -> None:
    with pytest.raises(InputError, match="count:numbers"):
        CliRunner().invoke(app("rules"), ["show", "count:number"], catch_exceptions=False)
