"""Registered versions: a pointer and a digest manifest always, the weights themselves below the recipe's size."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from verif.errors import RegistryError
from verif.registry import flavour
from verif.registry.evidence import FOLDER, downloaded, local_places
from verif.registry.runs.lineage import lineage
from verif.registry.runs.stage_run import StageRun
from verif.registry.store import MODEL_DIGEST, Registry, Version
from verif.system.disclosure.content import decoded, find_secret
from verif.system.disclosure.masking import mask_values
from verif.system.disclosure.patch import changes
from verif.system.files import digest, digest_tree, new_directory, write_bytes, write_json

if TYPE_CHECKING:
    from verif.project import Stage

KEY, LOCATION = "verif.key", "verif.model.location"
MANIFEST = "manifest.json"
SHOWN = (
    "verif.git.commit",
    "verif.git.dirty",
    "verif.git.left_out",
    "verif.git.withheld",
    "verif.recipe.name",
)
"""What of the lineage is a tag of the version: what `verif models` and `verif reproduce` need. All is in its file."""


def manifest(folder: Path) -> dict[str, Any]:
    """Size and SHA-256 of every file of a model, and the digest of it all."""
    files = {}
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        with path.open("rb") as stream:
            sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
        files[path.relative_to(folder).as_posix()] = {"bytes": path.stat().st_size, "sha256": sha256}
    return {"digest": digest_tree(folder), "bytes": sum(f["bytes"] for f in files.values()), "files": files}


def version_key(model_digest: str, evidence_digest: str) -> str:
    """One version per model and evidence; registering the same again finds it."""
    return digest([model_digest, evidence_digest])


def find(registry: Registry, key: str) -> Version | None:
    """The version registered under a key."""
    return next((v for v in registry.versions() if v.tags.get(KEY) == key), None)


@dataclass(frozen=True)
class Draft:
    """A version whose files are in MLflow already: one call makes it."""

    source: str
    run_id: str
    tags: dict[str, str]
    card: str


def upload(stage: Stage, record: StageRun, evidence_digest: str, card: str) -> Draft:
    """Everything to the stage's run. It takes as long as it takes, so nobody holds the promotion lock meanwhile."""
    model = stage.models / "trained"
    contents, made = manifest(model), lineage(stage)
    whole = contents["bytes"] <= stage.recipe.register_.upload_below_mb * 1e6
    with tempfile.TemporaryDirectory(prefix="verif-") as name:
        folder = Path(name)
        write_json(folder / MANIFEST, contents)
        write_bytes(folder / "README.md", card.encode())
        _lineage_files(stage, folder / "lineage")
        write_json(folder / "lineage" / "lineage.json", made | {"verif.evidence.digest": evidence_digest})
        record.artifact(folder / MANIFEST)
        record.artifact(folder / "README.md")
        record.artifact(folder / "lineage", "lineage")
    for path in local_places(stage.root).values():
        record.artifact(path, FOLDER)
    if whole:
        _upload_model(model, stage.recipe.register_.model_name, record)
    tags = {
        **{name: made[name] for name in SHOWN if name in made},
        KEY: version_key(contents["digest"], evidence_digest), MODEL_DIGEST: contents["digest"],
        "verif.model.uploaded": str(whole).lower(), "verif.model.bytes": str(contents["bytes"]),
        **({} if whole else {LOCATION: str(model)}),
    }  # fmt: skip
    source = f"runs:/{record.run_id}/{'model' if whole else MANIFEST}"
    return Draft(source, record.run_id, tags, card)


def _upload_model(model: Path, name: str, record: StageRun) -> None:
    """The model as MLflow describes one, where it can be; the weights go up from where they lie."""
    if not flavour.can_describe(model):
        record.artifact(model, "model")
        return
    with tempfile.TemporaryDirectory(prefix="verif-") as place:
        described = flavour.describe(model, name, Path(place))
        record.artifact(described, "model")
    inner = f"model/{flavour.INNER}"
    for path in sorted(p for p in model.rglob("*") if p.is_file()):
        below = path.relative_to(model).parent.as_posix()
        if below != "." or flavour.is_weights(path):
            record.artifact(path, inner if below == "." else f"{inner}/{below}")


def create(registry: Registry, draft: Draft) -> Version:
    """The version in one call: it is complete or it is not there. Of two (a request sent twice) the first counts."""
    registry.make()
    made = registry.create_version(draft.source, draft.run_id, draft.tags, draft.card)
    return find(registry, draft.tags[KEY]) or made


def _lineage_files(stage: Stage, folder: Path) -> None:
    """The recipe, the parameters, dvc.lock, and what the working tree changed: what `verif reproduce` needs.

    Says in one line what travels. A file that holds a secret does not: `verif.system.disclosure` looks through all of them.
    """
    folder.mkdir()
    recipe = mask_values(stage.recipe.model_dump(mode="json", by_alias=True))
    write_json(folder / "recipe.json", recipe)
    changed = changes(stage.root)
    for name in ("params.yaml", "dvc.lock"):
        if (stage.root / name).is_file():
            data = (stage.root / name).read_bytes()
            if reason := find_secret(decoded(data), name):
                changed = replace(changed, withheld=(*changed.withheld, (name, f"content: {reason}")))
            else:
                (folder / name).write_bytes(data)
    if changed.patch:
        (folder / "changes.patch").write_text(changed.patch, "utf-8", "surrogateescape", newline="")
    print(changed.line)


def fetch(registry: Registry, version: Version, state: Path) -> Path:
    """A local folder with the version's weights, checked against its manifest."""
    wanted = version.tags.get(MODEL_DIGEST, "")
    cached = state / "served" / wanted[:16]
    if wanted and cached.is_dir() and digest_tree(cached) == wanted:
        return cached
    if version.tags.get("verif.model.uploaded") == "true":
        with downloaded(registry, version, "model") as folder, new_directory(cached) as out:
            described = (folder / "MLmodel").is_file()  # a version of an older verif is the model itself
            shutil.copytree(folder / flavour.INNER if described else folder, out, dirs_exist_ok=True)
        place = cached
    else:
        place = Path(version.tags.get(LOCATION, ""))
        if not place.is_dir():
            raise RegistryError(
                f"version {version.number} of {registry.name} is registered by pointer and {place} is not here.",
                f"In a clone at commit {version.tags.get('verif.git.commit', '?')[:12]}: `dvc pull models/trained`.",
            )
    if digest_tree(place) != wanted:
        raise RegistryError(
            f"the files in {place} are not those of version {version.number} (digest {digest_tree(place)[:12]}).",
            f"`verif reproduce {version.number}` says how to make them again.",
        )
    return place
