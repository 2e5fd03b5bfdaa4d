"""Registration, gate, promotion, rollback, hands in the registry: what a team would notice."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest

from verif.errors import BusyError, GateError, InputError, RegistryError
from verif.registry import ledger, promotion
from verif.registry.promotion import at_desk
from verif.registry.reconcile import reconcile, register
from verif.registry.store import open_registry
from verif.system.files import write_json

pytestmark = pytest.mark.slow


def entries(stage):
    with at_desk(stage) as desk:
        return list(desk.entries)


def champion(stage) -> str | None:
    return open_registry(stage).aliases().get("champion")


def test_first_version_that_passes_is_champion_and_registering_again_adds_nothing(stage) -> None:
    assert register(stage).alias == "champion"
    assert champion(stage) == "1"
    assert reconcile(stage) == []
    assert len(open_registry(stage).versions()) == 1
    assert [(e.action, e.source, e.to) for e in entries(stage)] == [("promote", None, "1")]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"after": 0.42, "weights": b"w2"}, "gain"),
        ({"fit": False}, "audit"),
        ({"attacks": 0.4}, "attacks"),
        ({"canary": 0.3}, "canary"),
    ],
)
def test_what_is_not_proven_is_candidate_only(stage, refill, change, reason) -> None:
    refill(stage.root, **change)
    found = register(stage)
    assert found.alias == "candidate"
    assert champion(stage) is None
    assert any(line.startswith(reason) for line in found.decision.reasons)
    with pytest.raises(GateError, match=reason):
        promotion.promote(stage, "candidate", "please")
    assert entries(stage) == []


def test_better_version_challenges_is_promoted_and_rolled_back(stage, refill) -> None:
    register(stage)
    refill(stage.root, after=0.85, weights=b"w2")
    found = register(stage)
    assert (found.alias, champion(stage)) == ("challenger", "1")
    assert found.champion["version"] == "1"
    promotion.promote(stage, "challenger", "better")
    assert champion(stage) == "2"
    promotion.rollback(stage, "it is rude")
    assert champion(stage) == "1"
    found = entries(stage)
    assert [(e.action, e.source, e.to) for e in found] == [
        ("promote", None, "1"), ("promote", "1", "2"), ("rollback", "2", "1"),
    ]  # fmt: skip
    assert found[1].why == "better"
    assert found[1].evidence["passed"]
    assert "@" in found[1].who


def test_worse_version_is_refused_against_the_champion(stage, refill) -> None:
    refill(stage.root, after=0.8)
    register(stage)
    refill(stage.root, after=0.6, weights=b"w2")
    assert register(stage).alias == "candidate"
    with pytest.raises(GateError, match="constraint types"):
        promotion.promote(stage, "2", "politics")
    assert champion(stage) == "1"


def test_models_measured_on_other_prompts_cannot_be_compared(stage, refill) -> None:
    register(stage)
    refill(stage.root, after=0.9, weights=b"w2", n=300)
    found = register(stage)  # 120 of its 300 prompts are the champion's
    assert not found.decision.passed
    assert "cannot be compared" in found.decision.reasons[0]


def test_alias_moved_by_hand_is_gated_or_put_back(stage, refill) -> None:
    register(stage)
    refill(stage.root, after=0.42, weights=b"w2")
    register(stage)
    open_registry(stage).set_alias("champion", "2")  # as on MLflow's page
    messages = reconcile(stage)
    assert any("put back to version 1" in line for line in messages)
    assert champion(stage) == "1"
    refill(stage.root, after=0.9, weights=b"w3")
    register(stage)
    open_registry(stage).set_alias("champion", "3")
    assert any("passes the gate" in line for line in reconcile(stage))
    assert champion(stage) == "3"
    assert [e.action for e in entries(stage)] == ["promote", "put-back", "adopt"]


def test_recipe_may_forbid_moving_by_hand(stage, refill) -> None:
    register(stage)
    refill(stage.root, after=0.9, weights=b"w2")
    register(stage)
    section = stage.recipe.register_.model_copy(update={"alias_moved": "put-back"})
    strict = replace(stage, recipe=stage.recipe.model_copy(update={"register_": section}))
    open_registry(stage).set_alias("champion", "2")
    reconcile(strict)
    assert champion(stage) == "1"


def test_alias_given_by_hand_before_any_promotion(stage, refill) -> None:
    refill(stage.root, after=0.41)
    register(stage)
    open_registry(stage).set_alias("champion", "1")
    assert any("put back to no version" in line for line in reconcile(stage))
    assert champion(stage) is None


def test_champion_deleted_by_hand(stage, refill) -> None:
    register(stage)
    refill(stage.root, after=0.42, weights=b"w2")
    register(stage)
    registry = open_registry(stage)
    registry.mlflow.delete_model_version("m", "1")
    messages = reconcile(stage)
    assert any("deleted by hand" in line for line in messages)
    assert champion(stage) is None
    assert entries(stage)[-1].action == "lost"
    with pytest.raises(RegistryError, match="no earlier champion"):
        promotion.rollback(stage, "back")


def test_interrupted_promotion_is_finished_by_the_next_command(stage, monkeypatch) -> None:
    def dies(self) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(promotion.Desk, "apply", dies)
    with pytest.raises(KeyboardInterrupt):
        register(stage)
    monkeypatch.undo()
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    assert champion(stage) is None
    assert any("Finished the interrupted promote" in line for line in reconcile(stage))
    assert champion(stage) == "1"
    assert len(entries(stage)) == 1


def test_altered_or_shortened_ledger_stops_everything(stage, refill) -> None:
    register(stage)
    registry = open_registry(stage)
    key = f"{ledger.PREFIX}000001"
    good = registry.tags()[key]
    registry.set_tag(key, good.replace("the first version", "the best version"))
    with pytest.raises(RegistryError, match="broken at entry 1"):
        promotion.promote(stage, "1", "x")
    registry.mlflow.delete_registered_model_tag("m", key)
    with pytest.raises(RegistryError, match="lacks or contradicts"):
        reconcile(stage)
    registry.set_tag(key, good)
    assert reconcile(stage) == []


def test_empty_registry_and_cached_stage_end_registered(stage) -> None:
    assert any("Registered version 1" in line for line in reconcile(stage))
    assert champion(stage) == "1"


def test_a_deleted_model_begins_a_new_ledger_and_promotes_nothing(stage) -> None:
    for _ in range(2):
        register(stage)
        if champion(stage) is None:
            promotion.promote(stage, "1", "looked at it")
        old = entries(stage)
        open_registry(stage).mlflow.delete_registered_model("m")
        assert entries(stage) == [], "looking changes nothing"
        messages = reconcile(stage)
        assert any(f"a ledger of {len(old)} entries and champion 1" in line for line in messages)
        assert any("Registered version 1" in line for line in messages)
        assert champion(stage) is None
        (first,) = entries(stage)
        assert (first.action, first.to, first.evidence["hash"]) == ("restarted", None, old[-1].hash)
    assert len(list((stage.state / "mlflow").glob("ledger-*-until-*"))) == 2, "no copy is written over"
    assert reconcile(stage) == []
    promotion.promote(stage, "challenger", "looked at it")
    assert champion(stage) == "1"


def test_a_deletion_that_was_half_dealt_with_is_finished(stage, monkeypatch) -> None:
    register(stage)
    open_registry(stage).mlflow.delete_registered_model("m")

    def dies(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    for name in ("append", "mark_applied"):
        with monkeypatch.context() as patched:
            patched.setattr(ledger, name, dies)
            with pytest.raises(KeyboardInterrupt):
                reconcile(stage)
    reconcile(stage)
    assert champion(stage) is None
    assert [e.action for e in entries(stage)] == ["restarted"]


def test_weights_that_were_never_measured_are_not_registered(stage) -> None:
    (stage.models / "trained" / "model.safetensors").write_bytes(b"trained again")
    with pytest.raises(InputError, match=r"other weights.*dvc repro evaluate"):
        register(stage)
    assert any("Nothing was registered" in line for line in reconcile(stage))
    assert open_registry(stage).versions() == []


def test_what_the_gate_refused_does_not_inherit_from_a_deleted_champion(stage, refill) -> None:
    refill(stage.root, after=0.8)
    register(stage)
    refill(stage.root, after=0.6, weights=b"w2")
    assert register(stage).alias == "candidate"
    open_registry(stage).mlflow.delete_model_version("m", "1")
    reconcile(stage)
    assert champion(stage) is None
    assert [e.action for e in entries(stage)] == ["promote", "lost"]
    promotion.promote(stage, "2", "better than nothing")
    assert champion(stage) == "2"


@pytest.mark.parametrize("letter", ["x", '"', "验"])
def test_a_long_reason_is_cut_to_what_every_database_takes(stage, refill, letter) -> None:
    refill(stage.root)
    register(stage)
    refill(stage.root, after=0.9, weights=b"w2")
    register(stage)
    promotion.promote(stage, "2", letter * 20_000)
    tag = open_registry(stage).tags()[f"{ledger.PREFIX}000002"]
    assert len(tag) <= 5000
    last = entries(stage)[-1]
    assert last.why.endswith(f"{letter} (cut)")
    assert last.evidence["passed"]


def test_long_audit_reasons_fit_into_the_card(stage) -> None:
    fitness = {"identity": "v", "fit": False, "reasons": ["too many words " * 1000]}
    write_json(stage.models / "verifier" / "identity.json", fitness)
    assert not register(stage).decision.passed
    (version,) = open_registry(stage).mlflow.search_model_versions("name='m'")
    assert len(version.description) <= 5000
    assert version.description.endswith("(cut)")


def test_two_promotions_at_once_are_one_after_the_other(stage, refill) -> None:
    register(stage)
    for number in (2, 3):
        refill(stage.root, after=0.6 + 0.15 * (number - 1), weights=b"w%d" % number)
        register(stage)
    failed: list[Exception] = []

    def go(which: str) -> None:
        try:
            promotion.promote(stage, which, "race")
        except GateError as error:
            failed.append(error)  # 2 after 3 is a step back

    threads = [threading.Thread(target=go, args=(which,)) for which in ("2", "3")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = entries(stage)
    ledger.verify(found)
    assert champion(stage) == found[-1].to == "3"
    assert len(found) + len(failed) == 3


def test_a_promotion_waits_its_turn_and_says_who_is_there(stage) -> None:
    from verif.registry.lock import promotion_lock

    registry = open_registry(stage)
    with (
        promotion_lock(registry, stage.state),
        pytest.raises(BusyError, match="another process"),
        promotion_lock(registry, stage.state, wait_s=0.1),
    ):
        raise AssertionError("not reached")
