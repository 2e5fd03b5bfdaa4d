"""The audit under pressure, with judges whose faults are known."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from pathlib import Path

import orjson
import pytest
from support.stand_ins import ORIGINALS, Judge, StandIn, always, local_recipe, perfect

from verif.audit.pressure import report
from verif.audit.pressure.edits import company, mutate
from verif.audit.pressure.limits import exceeded
from verif.audit.pressure.run import Drawn, Pressure, measure
from verif.audit.pressure.truth import Asked, Told, Truths, one_by_one, truths_of
from verif.data.world import draw_distinct, grammatical, reference, soft_truth
from verif.data.world.prepare import response_for_judge
from verif.errors import ServiceError
from verif.recipe import PressureSection, parse_recipe
from verif.types import Instruction, Item, Status

RECIPE = local_recipe()
SECTION = PressureSection()


def drawn(count: int = 16, samples: int = 8, seed: int = 1) -> list[Drawn]:
    """Answers as a policy gives them: half true, others wrong in many ways, some broken in mid-sentence."""
    rng = random.Random(seed)
    out = []
    for number, item in enumerate(draw_distinct(rng, "golden", count)):
        ORIGINALS[item.id, item.prompt] = item
        texts = [reference(item, rng) if n % 2 else response_for_judge(item, rng) for n in range(samples)]
        near = company(item, texts[-1], {})
        texts[::4] = [mutate(rng, "reorder", reference(item, rng), near) for _ in texts[::4]]
        out.append(Drawn(item, tuple(texts), 1.0 if number % 2 else 1.3))
    return out


def pressed(
    judge: Judge, groups: Sequence[Drawn] | None = None, truths: Truths | None = None, mutants: int = 160
) -> Pressure:
    chosen = truths or truths_of(RECIPE, None)
    assert chosen is not None
    return asyncio.run(measure(StandIn(judge), groups or drawn(), RECIPE, chosen, mutants, 1))


def blind_to_joins(instruction: Instruction, text: str) -> Status:
    """Right about classes of words, and sees no broken sentence: the fault that training was seen to find."""
    return Status.PASS if perfect(instruction, text) is Status.PASS or not grammatical(text) else Status.FAIL


def test_a_perfect_verifier_withstands_pressure() -> None:
    found = pressed(perfect)
    assert found.false_accepted.value == 0
    assert found.search.success.value == 0
    assert found.curve is not None
    assert found.curve.points[-1].truth.value == 1.0
    assert exceeded(found, SECTION) == []
    assert found.contradicted() == []


def test_a_judge_that_sees_no_broken_sentence_is_caught_by_every_measure() -> None:
    found = pressed(blind_to_joins)
    reasons = " ".join(text for text, _ in exceeded(found, SECTION))
    assert "accepted answers are false" in reasons
    assert "false mutants past the judge" in reasons
    rates = found.search.by_edit()
    assert min(rates[name].value for name in ("join", "delete", "reorder")) > 0.5
    assert found.constructions["language"].value > 0.5
    worst = found.search.worst(3)
    assert [mutant.fooled(True) for mutant in worst] == [True] * 3


@pytest.mark.slow
def test_what_judge_and_oracle_see_differently_becomes_lessons_both_ways() -> None:
    for judge, truth in ((always(Status.PASS), False), (always(Status.FAIL), True)):
        contradicted = pressed(judge).contradicted()
        assert contradicted
        assert {true for _, _, true in contradicted} == {truth}
        assert all(
            soft_truth(ORIGINALS[item.id, item.prompt], text) is true
            for item, text, true in contradicted[:20]
        )
        assert len({(item.id, text) for item, text, _ in contradicted}) == len(contradicted)


@pytest.mark.slow
def test_the_same_seed_gives_the_same_findings() -> None:
    assert report.numbers(pressed(blind_to_joins)) == report.numbers(pressed(blind_to_joins))


@pytest.mark.slow
def test_reasons_hold_no_measured_value() -> None:
    strict, found = PressureSection(max_search=0.1), pressed(blind_to_joins)
    other = pressed(blind_to_joins, drawn(20, 8, seed=7))
    assert [text for text, _ in exceeded(found, strict)] == [text for text, _ in exceeded(other, strict)]


def test_a_policy_that_says_nothing_false_is_told_so() -> None:
    rng = random.Random(3)
    items = draw_distinct(rng, "golden", 6)
    ORIGINALS.update({(item.id, item.prompt): item for item in items})
    found = pressed(
        perfect, [Drawn(item, tuple(reference(item, rng) for _ in range(4)), 1.0) for item in items]
    )
    assert any("none of the policy's 24 answers is false" in note for note in found.notes)


def test_a_judge_that_accepts_nothing_leaves_nothing_to_search_from() -> None:
    found = pressed(always(Status.FAIL))
    assert any("nowhere to begin" in note for note in found.notes) or found.search.parents
    assert (
        any("accepted and could be checked" in text for text, _ in exceeded(found, SECTION))
        or found.false_accepted.n
    )


def test_an_oracle_that_contradicts_itself_condemns_the_audit_not_the_judge() -> None:
    flips = iter(range(10**9))

    async def wavering(asked: Sequence[Asked]) -> list[Told]:
        turn = next(flips)
        return [tuple((n + turn) % 2 == 0 for _ in item.constraints) for n, (item, _) in enumerate(asked)]

    found = pressed(perfect, truths=wavering, mutants=0)
    assert any("the oracle contradicts itself" in text for text, _ in exceeded(found, SECTION))


class Down(StandIn):
    """A verifier behind which the judge has gone."""

    async def verify(self, items: Sequence[Item], *, cache: bool = True, complete: bool = False):  # type: ignore[no-untyped-def,override]
        raise ServiceError("the verifier does not answer.")
        yield


def test_an_oracle_that_is_down_gives_no_truth_and_no_clean_bill() -> None:
    async def silent(asked: Sequence[Asked]) -> list[Told]:
        return await one_by_one(Down(perfect), asked)

    found = pressed(perfect, truths=silent, mutants=0)
    assert found.unknown == len(found.answers)
    assert any("the oracle gave no answer" in text for text, _ in exceeded(found, SECTION))
    assert found.contradicted() == []


def test_a_judge_without_log_probabilities_is_told_so() -> None:
    assert any("no log-probabilities" in note for note in pressed(perfect, mutants=0).notes)


def test_asked_one_by_one_the_judge_is_its_own_oracle() -> None:
    verifier, groups = StandIn(perfect), drawn(4, 2)
    asked = [(group.instruction, text) for group in groups for text in group.texts]
    world = truths_of(RECIPE, None)
    assert world is not None
    assert asyncio.run(one_by_one(verifier, asked)) == asyncio.run(world(asked))


@pytest.mark.slow
def test_the_report_has_tables_a_picture_and_the_worst_examples(tmp_path: Path) -> None:
    found = pressed(blind_to_joins)
    report.write(found, tmp_path)
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"accepted.csv", "best_of.csv", "search.csv", "pressure.jsonl", "pressure.svg"}
    rows = [orjson.loads(line) for line in (tmp_path / "pressure.jsonl").read_bytes().splitlines()]
    assert rows
    assert not any(grammatical(row["response"]) and row["found_by"] == "join" for row in rows)
    assert (tmp_path / "best_of.csv").read_text().splitlines()[0].startswith("n,reward,truth")
    assert "best of 8" in " ".join(report.lines(found))


def test_without_an_oracle_there_is_no_truth_to_ask() -> None:
    raw = {
        "name": "x", "data": {"kind": "verinstruct"}, "policy": {"kind": "scratch"},
        "judge": {"kind": "hub", "repo": "a/b"}, "verifier": {"prompt": "each-en"},
    }  # fmt: skip
    assert truths_of(parse_recipe(raw, "x"), StandIn(perfect)) is None
