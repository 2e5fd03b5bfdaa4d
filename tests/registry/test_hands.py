"""What people do in MLflow's own page is noticed, written down with the gate's state, and said by who serves it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from verif.cli import serve
from verif.registry import hands
from verif.registry.promotion import at_desk, settle
from verif.registry.reconcile import register
from verif.registry.store import CHAMPION, open_registry

pytestmark = pytest.mark.slow


def kept(stage):
    section = stage.recipe.register_.model_copy(update={"alias_moved": "keep"})
    return replace(stage, recipe=stage.recipe.model_copy(update={"register_": section}))


def test_an_alias_moved_by_hand_stays_where_the_setting_says_so_and_serve_says_it(
    stage, refill, monkeypatch, capsys
) -> None:
    first = register(stage).version
    refill(stage.root, before=0.6, after=0.4, weights=b"worse")
    worse = register(stage).version
    registry = open_registry(stage)
    assert registry.aliases()[CHAMPION] == first
    registry.set_alias(CHAMPION, worse)
    with at_desk(kept(stage)) as desk:
        (said,) = settle(desk)
        assert settle(desk) == []
        last = desk.entries[-1]
    assert "moved by hand to 2; it does not pass the gate (gain" in said
    assert (last.action, last.source, last.to, last.evidence["passed"]) == (
        hands.BY_HAND,
        first,
        worse,
        False,
    )
    assert registry.aliases()[CHAMPION] == worse
    monkeypatch.setattr(serve, "load_stage", lambda: kept(stage))
    serve.weights("champion")
    assert "Not promoted by the gate: version 2 was made champion by hand" in capsys.readouterr().out


def test_a_version_copied_into_another_model_is_in_the_ledger_once(stage) -> None:
    register(stage)
    mlflow = open_registry(stage).mlflow
    mlflow.copy_model_version("models:/m/1", "production")
    with at_desk(stage) as desk:
        (said,) = settle(desk)
        assert settle(desk) == []
        last = desk.entries[-1]
    assert said.startswith(
        "By hand: version 1 was copied to production/1 in MLflow; the gate would let it pass"
    )
    assert (last.action, last.to, last.evidence["copy"]) == (hands.BY_HAND, "1", "production/1")
    assert hands.unchecked([last]) == ""


def test_a_version_shows_at_most_ten_tags_and_keeps_its_lineage_in_a_file(stage) -> None:
    number = register(stage).version
    registry = open_registry(stage)
    version = registry.resolve(number)
    assert len(version.tags) <= 10
    files = {found.path for found in registry.mlflow.list_artifacts(version.run_id, "lineage")}
    assert "lineage/lineage.json" in files
    made = registry.mlflow.get_model_version("m", number)
    assert made.description.startswith("**Better: 40.0% of prompts followed before, 60.0% after")
