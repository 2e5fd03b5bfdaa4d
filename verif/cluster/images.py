"""Docker images: built through the engine's API, labelled with commit and lock digest, referred to by digest."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from verif.errors import SetupError
from verif.system.files import digest
from verif.system.git import ask, git

LOCKS = {
    "verifier": ("verifier.txt", "build.txt"),
    "orchestrator": ("orchestrator.txt", "build.txt"),
    "trainer": ("orchestrator.txt", "evaluation.txt", "verifier.txt", "build.txt"),
    "cpu": ("local.txt", "uv.txt"),
}
ROLES = tuple(LOCKS)
COMMIT_LABEL, LOCK_LABEL = "org.opencontainers.image.revision", "dev.verif.lock"


@dataclass(frozen=True, slots=True)
class Image:
    """A built image. `reference` is by digest once the image has been pushed, empty before."""

    role: str
    tag: str
    id: str
    commit: str
    lock: str
    size_mb: float
    reference: str = ""


def lock_digest(root: Path, role: str) -> str:
    """Digest of the locks that an image is pinned by."""
    return digest({name: (root / "locks" / name).read_text("utf-8") for name in LOCKS[role]})[:16]


def commit_of(root: Path) -> str:
    """The commit, with `-dirty` when the tree has changes: such an image cannot be made again."""
    head = ask(root, "rev-parse", "HEAD")
    if not head.ok:
        return "unknown"
    return head.text + ("-dirty" if git(root, "status", "--porcelain") else "")


def engine(url: str = "") -> Any:
    """A client of the Docker engine; one clear line when there is none."""
    try:
        import docker
        import docker.errors
    except ImportError:
        raise SetupError("the docker package is not installed.", "pip install 'verif[cluster]'") from None
    try:
        client = docker.DockerClient(base_url=url, timeout=3600) if url else docker.from_env(timeout=3600)
        client.ping()
    except (docker.errors.DockerException, OSError) as error:
        raise SetupError(f"no Docker engine answers: {error}", "Start Docker, or set DOCKER_HOST.") from None
    return client


def build(
    client: Any,
    root: Path,
    role: str,
    *,
    repository: str = "verif",
    arguments: Mapping[str, str] | None = None,
    network: str | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> Image:
    """Build one role's image; a failed step raises with its last lines."""
    import docker.errors

    if role not in ROLES:
        raise SetupError(f"unknown image {role!r}.", f"Images: {', '.join(ROLES)}.")
    commit, lock = commit_of(root), lock_digest(root, role)
    tag = f"{repository}/{role}:{commit[:12]}{'-dirty' if commit.endswith('-dirty') else ''}"
    if role == "trainer" and "BASE" not in (arguments or {}):
        raise SetupError(
            "the trainer image needs its base.",
            "Pass --arg BASE=IMAGE@sha256:... (a public veRL + vLLM image).",
        )
    tail: list[str] = []
    try:
        stream = client.api.build(
            path=str(root),
            dockerfile=f"infra/docker/{role}.Dockerfile",
            tag=tag,
            buildargs={**(arguments or {}), "COMMIT": commit, "LOCK": lock},
            network_mode=network,
            rm=True,
            forcerm=True,
            decode=True,
        )
        for event in stream:
            text = str(event.get("stream") or event.get("error") or "").rstrip()
            if text:
                tail = [*tail[-14:], text]
                say(text)
            if "error" in event:
                raise SetupError(f"building the {role} image failed:\n" + "\n".join(tail))
    except docker.errors.APIError as error:
        raise SetupError(f"the Docker engine refused to build {role}: {error.explanation or error}") from None
    return _describe(role, tag, client.images.get(tag))


def push(client: Any, image: Image) -> Image:
    """Push to the registry in the tag and return the image with its reference by digest."""
    for event in client.api.push(image.tag, stream=True, decode=True):
        if "error" in event:
            raise SetupError(
                f"pushing {image.tag} failed: {event['error']}",
                "Is the registry reachable, and are you logged in?",
            )
    pushed = _describe(image.role, image.tag, client.images.get(image.tag))
    if not pushed.reference:
        raise SetupError(f"the registry returned no digest for {image.tag}.")
    return pushed


def built(client: Any) -> list[Image]:
    """Every image of verif that the engine holds, newest first."""
    images = []
    for image in client.images.list(filters={"label": LOCK_LABEL}):
        title = str(image.labels.get("org.opencontainers.image.title", "")).removeprefix("verif ")
        images += [_describe(title, tag, image) for tag in image.tags]
    return images


def _describe(role: str, tag: str, image: Any) -> Image:
    name = tag.rpartition(":")[0]
    digests = [d for d in image.attrs.get("RepoDigests") or [] if d.startswith(f"{name}@")]
    return Image(
        role=role,
        tag=tag,
        id=image.id,
        commit=image.labels.get(COMMIT_LABEL, ""),
        lock=image.labels.get(LOCK_LABEL, ""),
        size_mb=image.attrs["Size"] / 1e6,
        reference=digests[0] if digests else "",
    )
