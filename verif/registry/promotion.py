"""Making a version champion, and putting things right first.

The ledger says who should be champion; the alias says who is. They differ when a promotion was interrupted (then it
is finished) or when somebody moved the alias by hand (then the gate decides, or it is put back, by recipe). Every
function here holds the promotion lock while it works, and every command calls `settle` first.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from verif.errors import GateError, RegistryError
from verif.registry import hands, ledger
from verif.registry.criteria import Decision
from verif.registry.evidence import Evidence, of_version
from verif.registry.gate import decide, same_verifier
from verif.registry.ledger import Entry
from verif.registry.lock import promotion_lock
from verif.registry.store import (
    CANDIDATE,
    CHALLENGER,
    CHAMPION,
    MODEL_DIGEST,
    Registry,
    Version,
    open_registry,
)
from verif.system.files import digest

if TYPE_CHECKING:
    from verif.project import Stage
    from verif.recipe import Register


@dataclass
class Desk:
    """What a promotion works with: the registry, the ledger as read under the lock, the recipe's section.

    `lost` holds the local copy's entries when the registered model that had them is gone.
    """

    registry: Registry
    section: Register
    mirror: Path
    entries: list[Entry]
    lost: list[Entry] = field(default_factory=list)

    @property
    def champion(self) -> str | None:
        """The champion by the ledger."""
        return self.entries[-1].to if self.entries else None

    def exists(self, number: str | None) -> bool:
        """Whether a version is still there."""
        return number is not None and any(v.number == number for v in self.registry.versions())

    def record(self, action: str, to: str | None, why: str, evidence: dict[str, Any] | None = None) -> None:
        """Write the ledger, move the alias, mark it done: in this order, so that a kill leaves a way forward."""
        ledger.append(
            self.registry,
            self.entries,
            action=action,
            source=self.champion,
            to=to,
            why=why,
            evidence=evidence,
        )
        self.apply()

    def apply(self) -> None:
        """Bring the alias to where the last entry says, and mark the entry as applied."""
        to = self.champion
        if to is None:
            self.registry.drop_alias(CHAMPION)
        else:
            self.registry.set_alias(CHAMPION, to)
            for alias in (CANDIDATE, CHALLENGER):
                if self.registry.aliases().get(alias) == to:
                    self.registry.drop_alias(alias)
        ledger.mark_applied(self.registry, self.entries[-1].seq)
        ledger.read(self.registry, self.mirror)


def mirror_path(stage: Stage, registry: Registry) -> Path:
    """The ledger's local copy."""
    return stage.state / "mlflow" / f"ledger-{digest([registry.uri, registry.name])[:12]}.jsonl"


@contextmanager
def at_desk(stage: Stage) -> Iterator[Desk]:
    """Hold the promotion lock, with the ledger read and verified."""
    registry = open_registry(stage)
    with promotion_lock(registry, stage.state):
        mirror = mirror_path(stage, registry)
        entries = ledger.read(registry, mirror)
        lost = [] if entries else ledger.copied(mirror)
        yield Desk(registry, stage.recipe.register_, mirror, entries, lost)


def gate(desk: Desk, number: str) -> Decision:
    """The gate's word on a version, against the champion by the ledger or, without one, its own starting policy."""
    evidence = of_version(desk.registry, desk.registry.resolve(number))
    if desk.champion is None or desk.champion == number:
        return decide(evidence, desk.section.gate)
    champion = _comparable(desk, desk.registry.resolve(desk.champion), evidence)
    return decide(evidence, desk.section.gate, champion, against=f"champion, version {desk.champion}")


def _comparable(desk: Desk, champion: Version, evidence: Evidence) -> Evidence:
    """The champion's evidence, or where another verifier judged it, that of its weights registered again since."""
    theirs = of_version(desk.registry, champion)
    if same_verifier(evidence, theirs):
        return theirs
    for version in reversed(desk.registry.versions()):
        twin = version.tags.get(MODEL_DIGEST) == champion.tags.get(MODEL_DIGEST)
        if twin and version.number != champion.number:
            again = of_version(desk.registry, version)
            if same_verifier(evidence, again):
                return again
    return theirs


def settle(desk: Desk) -> list[str]:
    """Finish what was interrupted, then deal with what hands did: an alias moved, a champion deleted, a version copied."""
    return [*_settle_alias(desk), *_note_copies(desk)]


def _note_copies(desk: Desk) -> list[str]:
    """Write down each copy once, with the gate's word on what was copied; the champion stays who it is."""
    messages = []
    for copy in hands.unknown(desk.registry, desk.entries):
        state = hands.gate_state(copy.source, lambda number: gate(desk, number))
        said = "the gate would let it pass" if state.get("passed") else "the gate does not let it pass"
        why = f"by hand: version {copy.source} was copied to {copy.key} in MLflow; {said}"
        desk.record(hands.BY_HAND, desk.champion, why, {"copy": copy.key, **state})
        messages.append(f"{why[0].upper()}{why[1:]}.")
    return messages


def _settle_alias(desk: Desk) -> list[str]:
    if desk.lost:
        return [_restart(desk)]
    if not desk.entries:
        return _unknown_champion(desk)
    last, messages = desk.entries[-1], []
    if ledger.applied(desk.registry) < last.seq and (last.to is None or desk.exists(last.to)):
        desk.apply()
        messages.append(
            f"Finished the interrupted {last.action} of version {last.to} (ledger entry {last.seq})."
        )
    actual = desk.registry.aliases().get(CHAMPION)
    if actual == desk.champion:
        return messages
    if not desk.exists(desk.champion):
        gone = desk.champion
        desk.record("lost", None, f"version {gone} was deleted outside of verif")
        messages.append(
            f"Champion version {gone} was deleted by hand; there is no champion until one is promoted."
        )
        return messages + (_moved(desk, actual) if actual is not None else [])
    return messages + _moved(desk, actual)


def _restart(desk: Desk) -> str:
    """The registered model was deleted, its ledger with it: the new ledger's first entry says so."""
    last = desk.lost[-1]
    desk.registry.make()
    why = f"the registered model was deleted outside of verif, with a ledger of {last.seq} entries"
    desk.record("restarted", None, why, {"entries": last.seq, "hash": last.hash, "champion": last.to})
    kept = ledger.set_aside(desk.mirror, last.hash)
    return (
        f"The registered model {desk.registry.name} was deleted, with a ledger of {last.seq} entries and champion "
        f"{last.to} (copy: {kept}). A new ledger begins; nothing is champion until `verif promote` makes it so."
    )


def _unknown_champion(desk: Desk) -> list[str]:
    actual = desk.registry.aliases().get(CHAMPION)
    return _moved(desk, actual) if actual is not None else []


def _moved(desk: Desk, actual: str | None) -> list[str]:
    """The alias points to `actual` although the ledger says otherwise: written down as by hand, with the gate's state.

    `register.alias_moved` says what becomes of it: `gate` keeps what passes, `put-back` nothing, `keep` all of it.
    """
    expected, rule = desk.champion, desk.section.alias_moved
    moved = f"alias champion was moved by hand to {actual or 'nothing'}"
    said = f"{moved[0].upper()}{moved[1:]}"
    if actual is None:
        desk.record("put-back", expected, moved)
        return [f"{said}: put back to {_place(expected)}."]
    state = hands.gate_state(actual, lambda number: gate(desk, number))
    failed = [f"{check['name']}: {check['note']}" for check in state.get("checks", ()) if not check["passed"]]
    why = "; ".join(failed) or str(state.get("why", ""))
    if rule == "keep":
        word = "it passes the gate" if state["passed"] else f"it does not pass the gate ({why})"
        desk.record(hands.BY_HAND, actual, f"{moved}; {word}", state)
        return [f"{said}; {word}. It stays (register.alias_moved: keep)."]
    if rule == "gate" and state["passed"]:
        desk.record("adopt", actual, f"{moved}; it passes the gate", state)
        return [f"{said}; it passes the gate and is in the ledger now."]
    if rule == "gate":
        desk.record("put-back", expected, f"{moved}; {why}", state)
        return [f"{said}; it does not pass the gate ({why}): put back to {_place(expected)}."]
    desk.record("put-back", expected, moved, state)
    return [f"{said}: put back to {_place(expected)}."]


def _place(number: str | None) -> str:
    return f"version {number}" if number else "no version"


def promote(stage: Stage, which: str, why: str) -> list[str]:
    """Make a version champion; `GateError` with the reasons if the gate does not allow it."""
    with at_desk(stage) as desk:
        messages = settle(desk)
        number = desk.registry.resolve(which).number
        if number == desk.champion:
            return [*messages, f"Version {number} is champion already."]
        decision = gate(desk, number)
        if not decision.passed:
            raise GateError(
                f"version {number} of {desk.registry.name} was not promoted: {'; '.join(decision.reasons)}.",
                f"`verif gate {number}` shows every check.",
            )
        before = desk.champion
        desk.record("promote", number, why, decision.as_dict())
        return [
            *messages,
            f"Version {number} is champion{f' in place of version {before}' if before else ''}.",
        ]


def rollback(stage: Stage, why: str) -> list[str]:
    """Put the champion before this one back; it has passed the gate in its time. Versions deleted since are passed over."""
    with at_desk(stage) as desk:
        messages = settle(desk)
        target = previous_champion(desk)
        if target is None:
            raise RegistryError(
                f"{desk.registry.name} has no earlier champion to go back to.", "See `verif history`."
            )
        before = desk.champion
        desk.record("rollback", target, why)
        return [
            *messages,
            f"Version {target} is champion again{f', in place of version {before}' if before else ''}.",
        ]


def previous_champion(desk: Desk) -> str | None:
    """The champion that the present one replaced, going back over rollbacks, as far as versions still exist."""
    stack: list[str] = []
    for entry in desk.entries:
        if entry.to is None or (stack and stack[-1] == entry.to):
            continue
        if entry.action == "rollback" and entry.to in stack:
            del stack[stack.index(entry.to) + 1 :]
        else:
            stack.append(entry.to)
    if stack and stack[-1] == desk.champion:
        stack.pop()
    return next(
        (number for number in reversed(stack) if number != desk.champion and desk.exists(number)), None
    )
