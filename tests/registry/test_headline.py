"""The gate and every page look at the recipe's first benchmark, not at the first by name."""

from dataclasses import replace
from pathlib import Path

import pytest

from verif.evaluation import verdicts
from verif.evaluation.benchmarks.world import TEST
from verif.evaluation.case import Case
from verif.evaluation.summary import ORDER, in_order, summarise
from verif.pipeline.stages.evaluate import headline
from verif.recipe import PromotionGate
from verif.registry.evidence import Evidence, local_places, read_evidence
from verif.registry.gate import decide
from verif.registry.headline import of_run
from verif.registry.report.collect import read_json
from verif.system.files import write_json
from verif.types import Instruction


@pytest.fixture
def evidence(tmp_path: Path, refill, rows_of):
    """A run whose headline `ifeval` goes one way and `cfbench`, first by name, the other."""

    def made(ifeval: tuple[float, float], cfbench: tuple[float, float]) -> Evidence:
        refill(tmp_path)
        path, rows, numbers = tmp_path / "reports" / "evaluation.json", [], {}
        for name, (before, after) in {"ifeval": ifeval, "cfbench": cfbench}.items():
            own = [replace(row, benchmark=name) for row in rows_of(before, after, 200)]
            cases = [Case(Instruction(id=f"p{i}", prompt=f"Write {i}.")) for i in range(200)]
            numbers[name] = summarise(TEST, cases, own, 400, 7)
            rows += own
        write_json(path, {**read_json(path), "benchmarks": numbers, ORDER: list(numbers)})
        verdicts.write(tmp_path / "reports" / "evaluation" / "verdicts.parquet", rows)
        return read_evidence(local_places(tmp_path))

    return made


def gain(found: Evidence):
    return next(check for check in decide(found, PromotionGate(), samples=100).checks if check.name == "gain")


@pytest.mark.slow
def test_a_headline_that_falls_stops_the_promotion_whatever_else_rises(evidence):
    fell = gain(evidence(ifeval=(0.6, 0.3), cfbench=(0.3, 0.63)))
    assert not fell.passed
    assert fell.note.startswith("ifeval: -0.300")
    assert gain(evidence(ifeval=(0.3, 0.6), cfbench=(0.4, 0.4))).passed


def test_the_first_benchmark_is_the_recipes_first(evidence):
    found = evidence(ifeval=(0.6, 0.3), cfbench=(0.3, 0.63))
    assert list(found.evaluation["benchmarks"]) == ["cfbench", "ifeval"]  # as JSON keeps them
    assert list(in_order(found.evaluation)) == ["ifeval", "cfbench"]
    assert headline(found.evaluation) == pytest.approx(-30)


def test_the_card_and_the_report_begin_with_it(evidence, stage):
    from verif.registry.card import card
    from verif.registry.report.page import content

    found = evidence(ifeval=(0.6, 0.3), cfbench=(0.3, 0.63))
    decision = decide(found, PromotionGate(), samples=100)
    text = card(stage, found, decision, of_run(stage, decision))
    assert text.startswith("**Worse: 60.0% of prompts followed before, 30.0% after")
    assert text.index("| ifeval |") < text.index("| cfbench |")
    shown = content(stage)
    assert next(iter(shown["benchmarks"])) == "ifeval"
    assert shown["first"]["gain"]["value"] == pytest.approx(-0.3)


def test_a_headline_without_a_gain_is_not_replaced_by_another(evidence):
    found = evidence(ifeval=(0.3, 0.6), cfbench=(0.3, 0.6))
    del found.evaluation["benchmarks"]["ifeval"]["gain"]
    check = gain(found)
    assert not check.passed
    assert "ifeval" in check.note


def test_a_gain_that_chance_explains_is_not_enough(evidence):
    """The estimate is above the limit, the lower end of its interval is not."""
    check = gain(evidence(ifeval=(0.5, 0.51), cfbench=(0.3, 0.6)))
    assert check.note.startswith("ifeval: +0.010 [+0.000,")
    assert not check.passed
