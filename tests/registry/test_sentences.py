"""The record of a run's headline, and the five lines that a newcomer reads."""

from __future__ import annotations

from dataclasses import replace

import orjson
import pytest
from support.headlines import REFUSED

from verif.cli.run import require_passed
from verif.errors import GateError, InputError
from verif.registry import headline, sentences
from verif.registry.evidence import local_places, read_evidence
from verif.registry.gate import decide
from verif.registry.runs.mlflow import client
from verif.registry.runs.pipeline_run import end_run, start_run
from verif.system.files import write_json

LOOK = {"step": 36, "checked": 24, "contradicted": 6}


@pytest.fixture
def made(stage, refill):
    """The headline of a directory whose reports the test chooses."""

    def of(alarms: int = 0, looks: int = 1, training=None, **numbers) -> headline.Headline:
        refill(stage.root, **numbers)
        write_json(stage.reports / "train.json", {"steps": 70, "seconds": 512.0, **(training or {})})
        raised = [
            {"step": 41 + n, "message": "the oracle calls 25% of accepted rollouts false"}
            for n in range(alarms)
        ]
        write_json(stage.reports / "train" / "alarms.json", {"alarms": raised, "steps": [LOOK] * looks})
        write_json(
            stage.reports / "verifier.json",
            {"attacks": {"verifier": 0.01}, "verifier": {"recall_false": 0.875}},
        )
        decision = decide(read_evidence(local_places(stage.root)), stage.recipe.register_.gate)
        return headline.of_run(stage, decision)

    return of


def test_its_numbers_are_at_most_twenty_and_come_back_from_the_file(made, stage):
    found = made(alarms=2)
    numbers = found.numbers()
    assert (numbers["before"], numbers["after"], numbers["gain"]) == (0.4, 0.6, 0.2)
    assert numbers["low"] < numbers["gain"] < numbers["high"]
    assert (numbers["steps"], numbers["minutes"], numbers["alarms"], numbers["gate"]) == (70, 8.5, 2, 1)
    assert (numbers["false"], numbers["recall"]) == (0.25, 0.875)
    assert len(numbers) <= 20
    headline.write(stage, found)
    assert headline.read(stage.root) == found


def test_what_was_not_measured_is_not_zero(made, stage):
    found = made(looks=0)
    assert found.false is None
    assert not {"false", "unseen", "control"} & set(found.numbers())
    assert "nobody checked" in sentences.fooled(found)
    headline.write(stage, found)
    assert headline.read(stage.root) == found


def test_every_verifier_that_took_over_is_a_repair_and_is_said(made, stage):
    """As `verif.training.launch.publish` writes them; the alarm of a repaired divergence is forgotten with its steps."""
    first, *others = ({"identity": name, "after": after} for name, after in (("a", 0), ("b", 15), ("c", 20)))
    assert made(training={"teachers": [first]}).repairs == 0
    assert sentences.fooled(made(training={"teachers": [first, others[0]]})).startswith(
        "Fooled and repaired once while it trained. 25% of what it accepted"
    )
    found = made(training={"teachers": [first, *others]})
    assert found.repairs == 2
    assert "repaired 2 times" in sentences.fooled(found)
    assert "No alarm" not in sentences.fooled(found)
    headline.write(stage, found)
    assert headline.read(stage.root) == found


def test_a_training_that_ended_early_says_so_and_why(made, stage):
    found = made(alarms=1, training={"ended": "the recipe's repairs (3) are used up", "teachers": [{}]})
    assert "Training ended early: the recipe's repairs (3) are used up." in sentences.fooled(found)
    assert "1 alarm. Training ended early." in sentences.summary(found)
    headline.write(stage, found)
    assert headline.read(stage.root) == found


@pytest.mark.parametrize(
    ("before", "after", "word"),
    [(0.4, 0.6, "Better: 40.0%"), (0.6, 0.4, "Worse: 60.0%"), (0.5, 0.5, "No clear change")],
)
def test_better_or_worse_is_said_by_the_interval(made, before, after, word):
    assert sentences.verdict(made(before=before, after=after)).startswith(word)


def test_a_run_ends_with_five_lines_that_say_all_of_it(made, stage):
    found = made(before=0.6, after=0.4, alarms=3)
    headline.write(stage, found)
    write_json(stage.reports / "registration.json", {"version": "4", "alias": "candidate"})
    lines = sentences.last_lines(stage.root)
    assert len(lines) == 5
    assert lines[0].startswith("Worse:")
    assert lines[1].startswith(
        "3 alarms, the first at step 41: the oracle calls 25% of accepted rollouts false."
    )
    assert "25% of what it accepted at the end was false" in lines[1]
    assert lines[2].startswith("May not go out: gain: world-test: -0.200")
    assert lines[3].endswith("reports/index.html")
    assert lines[4].startswith("Next: read what fooled the verifier")
    assert all(len(line) < 240 for line in lines)


@pytest.mark.slow
def test_what_to_do_next_follows_the_alias(made):
    found = made()
    assert "serve champion" in sentences.next_step(found, "4", "champion")
    assert "verif promote 4" in sentences.next_step(found, "4", "challenger")
    assert "verif gate 4" in sentences.next_step(made(before=0.6, after=0.4), "4", "candidate")


@pytest.mark.slow
def test_a_refusal_is_an_exit_code_where_it_is_asked_for(made, stage):
    with pytest.raises(GateError, match="has not decided"):
        require_passed(stage.root)
    headline.write(stage, made())
    require_passed(stage.root)
    headline.write(stage, replace(made(), gate=0, reasons=("gain: too small",)))
    with pytest.raises(GateError, match="refuses the model: gain: too small"):
        require_passed(stage.root)


@pytest.mark.parametrize("content", [b"{", b"[]", b"null", b"{}", b'{"interval": [1]}', b'{"interval": 3}'])
def test_a_spoilt_file_is_one_line_that_names_it(stage, content):
    stage.reports.mkdir(exist_ok=True)
    (stage.reports / headline.FILE).write_bytes(content)
    with pytest.raises(InputError, match=r"headline\.json: is not what `register` writes"):
        headline.read(stage.root)


def test_dvc_sees_twelve_columns_of_it(made):
    kept = orjson.loads(orjson.dumps(made().as_json()))
    shown = [name for name, value in kept.items() if not isinstance(value, list)]
    assert len(shown) <= 12
    assert all(isinstance(kept[name], int | float) for name in shown)


def test_a_list_of_runs_shows_the_gain_and_the_gates_word() -> None:
    assert sentences.title(REFUSED) == "-10.0 points, refused"
    assert sentences.title(replace(REFUSED, gain=None, gate=1)) == "no gain measured, passed"


@pytest.mark.slow
def test_the_run_is_called_by_it(stage, made) -> None:
    mlflow, parent = client(stage.root), start_run(stage)
    assert mlflow.get_run(parent).info.run_name == "t-pipeline"
    said = made(alarms=1)
    headline.write(stage, said)
    end_run(stage)
    ended = mlflow.get_run(parent)
    assert ended.info.run_name == sentences.title(said)
    assert ended.data.metrics == pytest.approx(said.numbers())
