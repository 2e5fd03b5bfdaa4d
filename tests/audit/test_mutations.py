"""Minimal edits: every rule notices them, in both directions, and a rule that is off by one is found."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from verif.audit.cases import AuditCase, ask
from verif.audit.mutations import score as scoring
from verif.audit.mutations.base import mutators
from verif.audit.mutations.generate import Mutation, generate
from verif.audit.second_process import RulesOnly
from verif.core.rules import Outcome, registry, rules


async def judged(mutations: list[Mutation]) -> list[scoring.RuleResult]:
    opinions = await ask(RulesOnly(), [m.case for m in mutations], "average", soft=False)
    return scoring.score(mutations, opinions)


@pytest.mark.slow
async def test_every_registered_rule_notices_every_minimal_edit() -> None:
    made, without = generate(random.Random(5), sorted(rules()), [], 6)
    assert not without
    results = await judged(made)
    assert {r.rule for r in results} == set(rules())
    assert [r for r in results if r.wrong or r.errors] == []
    assert {m.direction for m in made} == {"true", "broken", "repaired"}


@pytest.fixture
def off_by_one() -> Iterator[None]:
    """`length_constraints:number_words` counts one word too many."""
    real = registry._RULES["length_constraints:number_words"]

    def wrong(doc, params) -> Outcome:
        more = type(doc)(doc.text + " word")
        return real.check(more, params)

    registry._RULES[real.id] = type(real)(real.id, real.params, wrong)
    yield
    registry._RULES[real.id] = real


@pytest.mark.usefixtures("off_by_one")
async def test_a_rule_that_is_off_by_one_is_found() -> None:
    made, _ = generate(random.Random(0), ["length_constraints:number_words"], [], 10)
    (result,) = await judged(made)
    assert result.missed
    assert result.refused


async def test_a_rule_that_always_passes_misses_every_broken_response(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real = registry._RULES["punctuation:no_comma"]
    lax = type(real)(real.id, real.params, lambda doc, params: Outcome(True))
    monkeypatch.setitem(registry._RULES, real.id, lax)
    (result,) = await judged(generate(random.Random(0), [real.id], [], 5)[0])
    assert (result.n, result.missed, result.refused) == (15, 5, 0)


async def test_golden_responses_and_their_parameters_are_used(world_cases: list[AuditCase]) -> None:
    made, _ = generate(random.Random(0), ["local:keyword"], world_cases, 6)
    known = {c.text for c in world_cases}
    assert any(m.case.text in known for m in made if m.direction == "true")
    (result,) = await judged(made)
    assert result.wrong == 0


def test_a_broken_response_differs_little_from_the_true_one() -> None:
    made, _ = generate(random.Random(3), ["length_constraints:number_words", "local:lowercase"], [], 10)
    for true, broken, _ in zip(made[::3], made[1::3], made[2::3], strict=True):
        assert true.case.instruction == broken.case.instruction
        assert abs(len(true.case.text.split()) - len(broken.case.text.split())) <= 1


def test_a_rule_without_a_mutator_is_named() -> None:
    assert generate(random.Random(0), ["new:rule"], [], 2) == ([], ["new:rule"])
    assert "local:title" in mutators()


def test_a_new_rule_brings_its_edits_in_its_own_file() -> None:
    """The folder of edits is closed (docs/decisions/0006-the-house.md): it knows IFEval's families and the world's."""
    ifeval = ("change_case", "combination", "detectable_content", "detectable_format", "keywords", "language",
              "length_constraints", "punctuation", "startend")  # fmt: skip
    assert {rule.partition(":")[0] for rule in mutators()} <= {*ifeval, "local"}
