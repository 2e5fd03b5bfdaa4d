"""The promotion ledger: who made what champion, when, from what, why and on which evidence.

Append-only and hash-chained: each entry holds the digest of the one before. It lives in the registry itself, one tag
of the registered model per entry, so that everyone who shares the registry shares the ledger; a copy stays beside
the local state, against which the registry's is compared (a chain cut short is a valid chain, but not ours).

The entry is written before the alias is moved, `applied` after it: an entry beyond `applied` is a promotion
that was interrupted, and can be finished.
"""

from __future__ import annotations

import getpass
import socket
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from verif.errors import RegistryError
from verif.registry.store import TAG, Registry, cut
from verif.system.files import digest, write_bytes

PREFIX, APPLIED, START = "verif.ledger.", "verif.ledger-applied", "0" * 32


@dataclass(frozen=True)
class Entry:
    """One line of the ledger. `to` None means no champion.

    `action` is promote, rollback, adopt, put-back, by-hand (in MLflow's page), lost (the champion was deleted) or
    restarted (the model was).
    """

    seq: int
    at: str
    who: str
    action: str
    source: str | None
    to: str | None
    why: str
    evidence: dict[str, Any] = field(default_factory=dict)
    previous: str = START
    hash: str = ""

    def sealed(self) -> Entry:
        """The entry with the digest of its content."""
        content = asdict(self)
        content.pop("hash")
        return Entry(**{**content, "hash": digest(content)})


def read(registry: Registry, mirror: Path) -> list[Entry]:
    """The ledger, verified; `RegistryError` says which entry was altered or is missing."""
    tags = registry.tags()
    keys = sorted(key for key in tags if key.startswith(PREFIX))
    entries: list[Entry] = []
    for key in keys:
        try:
            entries.append(Entry(**orjson.loads(tags[key])))
        except (orjson.JSONDecodeError, TypeError):
            raise RegistryError(f"ledger entry {key} of {registry.name} cannot be read.", _HINT) from None
    verify(entries)
    kept = copied(mirror)
    if kept and not entries and not registry.versions():
        return []  # the registered model was deleted: the caller begins a new ledger, or only looks
    first = entries[0] if entries else None
    if kept and first and first.action == "restarted" and first.evidence.get("hash") == kept[-1].hash:
        set_aside(mirror, kept[-1].hash)
        kept = []
    if [e.hash for e in entries[: len(kept)]] != [e.hash for e in kept]:
        raise RegistryError(
            f"the ledger of {registry.name} lacks or contradicts entries that were seen before (copy: {mirror}).",
            _HINT,
        )
    if len(entries) > len(kept):
        write_bytes(
            mirror, b"".join(orjson.dumps(asdict(e), option=orjson.OPT_APPEND_NEWLINE) for e in entries)
        )
    return entries


_HINT = "Nothing is promoted until it is restored; compare the registry's tags with the copy."


def verify(entries: list[Entry]) -> None:
    """Check numbers, digests and links."""
    before = START
    for number, entry in enumerate(entries, 1):
        if entry.seq != number or entry.previous != before or entry.sealed().hash != entry.hash:
            raise RegistryError(f"the promotion ledger is broken at entry {number}.", _HINT)
        before = entry.hash


def set_aside(mirror: Path, last: str) -> Path:
    """Keep the copy of a ledger that ended in entry `last` under a name of its own; nothing is written over."""
    kept = mirror.with_name(f"{mirror.stem}-until-{last[:12]}.jsonl")
    if not kept.exists():
        mirror.replace(kept)
    return kept


def copied(path: Path) -> list[Entry]:
    """The local copy's entries; none if there is no copy."""
    try:
        return [Entry(**orjson.loads(line)) for line in path.read_bytes().splitlines()]
    except FileNotFoundError:
        return []
    except (orjson.JSONDecodeError, TypeError):
        raise RegistryError(f"the ledger's copy {path} cannot be read.", _HINT) from None


def append(
    registry: Registry, entries: list[Entry], *, action: str, source: str | None, to: str | None, why: str,
    evidence: dict[str, Any] | None = None,
) -> Entry:  # fmt: skip
    """Write the next entry. The caller holds the promotion lock and has just read `entries`."""
    whole = Entry(
        seq=len(entries) + 1, at=datetime.now(UTC).isoformat(timespec="seconds"), who=who(), action=action,
        source=source, to=to, why=why, evidence=evidence or {}, previous=entries[-1].hash if entries else START,
    )  # fmt: skip
    entry = _fitting(whole)
    key = f"{PREFIX}{entry.seq:06d}"
    if key in registry.tags():
        raise RegistryError(
            f"ledger entry {entry.seq} of {registry.name} was written by somebody else meanwhile.",
            "Nothing was promoted. Run the same command again.",
        )
    registry.set_tag(key, _line(entry))
    entries.append(entry)
    return entry


def _fitting(entry: Entry) -> Entry:
    """The sealed entry, its texts cut until it fits into a tag; each says that it was."""
    for most in (TAG, 2000, 1000, 500, 250, 120, 60, 30):
        evidence = _shorter(entry.evidence, most)
        sealed = replace(entry, why=cut(entry.why, most), evidence=evidence).sealed()
        if len(_line(sealed)) <= TAG:
            return sealed
    return replace(sealed, evidence={"left out": "larger than a tag of the registry"}).sealed()


def _shorter(value: Any, most: int) -> Any:
    if isinstance(value, dict):
        return {key: _shorter(item, most) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_shorter(item, most) for item in value]
    return cut(value, most) if isinstance(value, str) else value


def _line(entry: Entry) -> str:
    return orjson.dumps(asdict(entry)).decode()


def applied(registry: Registry) -> int:
    """The number of the last entry whose alias move is known to be done."""
    value = registry.tags().get(APPLIED, "0")
    return int(value) if value.isdigit() else 0


def mark_applied(registry: Registry, seq: int) -> None:
    """Say that the alias stands where entry `seq` put it."""
    registry.set_tag(APPLIED, str(seq))


def who() -> str:
    """The person or service, and the machine."""
    try:
        user = getpass.getuser()
    except (OSError, KeyError):
        user = "unknown"
    return f"{user}@{socket.gethostname()}"
