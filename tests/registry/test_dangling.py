"""An older MLflow server leaves an alias on a version that was deleted: nothing of that may stand in anybody's way."""

from __future__ import annotations

import sqlite3

import pytest

from verif.errors import RegistryError
from verif.project import Stage
from verif.registry import promotion
from verif.registry.promotion import at_desk
from verif.registry.reconcile import reconcile, register
from verif.registry.store import open_registry

pytestmark = pytest.mark.slow


def delete_as_older_servers_do(stage: Stage, number: str) -> None:
    """The version goes, its aliases stay."""
    registry = open_registry(stage)
    kept = {alias: n for alias, n in registry.aliases().items() if n == number}
    registry.mlflow.delete_model_version(registry.name, number)
    with sqlite3.connect(stage.root / ".verif" / "mlflow" / "mlflow.db") as database:
        for alias, version in kept.items():
            database.execute(
                "INSERT OR REPLACE INTO registered_model_aliases (alias, version, name) VALUES (?, ?, ?)",
                (alias, int(version), registry.name),
            )
    assert set(registry.mlflow.get_registered_model(registry.name).aliases) >= set(kept)


@pytest.fixture
def deleted(stage: Stage, refill) -> Stage:
    """Version 1 was champion and is gone, its alias is not; version 2 passes the gate."""
    register(stage)
    refill(stage.root, after=0.9, weights=b"w2")
    register(stage)
    delete_as_older_servers_do(stage, "1")
    return stage


def test_the_champion_is_lost_and_another_can_be_promoted(deleted: Stage) -> None:
    assert any("Champion version 1 was deleted by hand" in line for line in reconcile(deleted))
    assert "champion" not in open_registry(deleted).mlflow.get_registered_model("m").aliases
    assert reconcile(deleted) == []
    promotion.promote(deleted, "2", "the next one")
    assert open_registry(deleted).aliases()["champion"] == "2"
    with at_desk(deleted) as desk:
        assert [(entry.action, entry.to) for entry in desk.entries] == [
            ("promote", "1"), ("lost", None), ("promote", "2"),
        ]  # fmt: skip


@pytest.mark.parametrize("how", ["register", "promote", "rollback"])
def test_every_way_in_is_open(deleted: Stage, refill, how: str) -> None:
    if how == "register":
        refill(deleted.root, after=0.8, weights=b"w3")
        assert register(deleted).version == "3"
    elif how == "promote":
        promotion.promote(deleted, "challenger", "the next one")
        assert open_registry(deleted).aliases()["champion"] == "2"
    else:
        with pytest.raises(RegistryError, match="no earlier champion"):
            promotion.rollback(deleted, "back")
    assert open_registry(deleted).mlflow.get_registered_model("m").aliases.get("champion") not in (1, "1")


def test_a_candidate_that_is_gone_is_no_candidate(deleted: Stage, refill) -> None:
    delete_as_older_servers_do(deleted, "2")
    assert open_registry(deleted).aliases() == {}
    with pytest.raises(RegistryError, match="no version or alias 'candidate'"):
        open_registry(deleted).resolve("candidate")
    refill(deleted.root, after=0.8, weights=b"w3")
    found = register(deleted)
    assert open_registry(deleted).resolve("candidate").number == found.version
