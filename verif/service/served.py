"""Whether a judge that somebody else serves is the one that the recipe pins, as far as its server tells.

Verdicts are kept, and rewards compared, under the pinned model's name. vLLM says at `/v1/models` from where it loaded
its model (`root`): a folder here can be read, a folder of the hub's cache names the revision, a repository's name
alone does not say which revision it is. What stays unknown is said, not guessed.
"""

from __future__ import annotations

import os
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import orjson

from verif.core.judge.client import KEY_VARIABLE, SMALL_KEY_VARIABLE
from verif.recipe import Recipe
from verif.service.identity import model_digest
from verif.system.files import digest_tree
from verif.system.web import opener

NAME = "judge"
SMALL_VARIABLE = "VERIF_SMALL_JUDGE_URL"
MOST = 1 << 20
SECONDS = 10.0


class DifferentJudgeError(Exception):
    """The server says that it serves another model."""


@dataclass(frozen=True)
class Pin:
    """What a recipe says of one of its judges; `digest` is of its files, read when it is asked for."""

    who: str
    repo: str
    revision: str
    digest: Callable[[], str]
    shown: str


def elsewhere(judge_urls: str, recipe: Recipe, model: Path | None) -> str:
    """What is not known about the judges that others serve: those at `judge_urls` ("": none), and a cascade's small one.

    Raises `DifferentJudgeError` for another one, and `OSError` for a server that does not answer yet.
    """
    if recipe.judge.kind == "none":
        return ""
    notes = [unknown(judge_urls, recipe, model)] if judge_urls else []
    small_urls = os.environ.get(SMALL_VARIABLE, "")
    if recipe.verifier.cascade is not None and small_urls:
        digest = recipe.verifier.cascade.digest
        pin = Pin("small judge", "", "", lambda: digest, f"the one of digest {digest[:12]}")
        notes.append(_unknown(small_urls, pin, small_key_variable(judge_urls, small_urls)))
    return "; ".join(filter(None, notes))


def unknown(urls: str, recipe: Recipe, model: Path | None) -> str:
    """What is not known about the judges at these base URLs; "" if each is the pinned one. Raises as `elsewhere`."""
    repo, revision = getattr(recipe.judge, "repo", ""), getattr(recipe.judge, "revision", "")
    shown = f"{repo} at {revision}" if repo and revision else repo or f"the one in {model}"
    return _unknown(
        urls, Pin("judge", repo, revision, lambda: model_digest(recipe, model), shown), KEY_VARIABLE
    )


def small_key_variable(urls: str, small_urls: str) -> str:
    """The variable with the small judge's key: nobody else's server sees the judge's."""
    at_home = _origins(small_urls) <= _origins(urls) and SMALL_KEY_VARIABLE not in os.environ
    return KEY_VARIABLE if at_home else SMALL_KEY_VARIABLE


def _origins(urls: str) -> set[tuple[str, str]]:
    """Scheme, and host with port, of base URLs separated by commas."""
    return {(parts.scheme, parts.netloc) for parts in map(urlsplit, urls.split(","))}


def _unknown(urls: str, pin: Pin, key_variable: str) -> str:
    notes = []
    for url in urls.split(","):
        base = url.rstrip("/")
        if note := _compare(base, _root(base, os.environ.get(key_variable, "")), pin):
            notes.append(f"the {pin.who} at {base} is taken for the recipe's: {note}")
    return "; ".join(dict.fromkeys(notes))


def _root(base: str, key: str) -> str:
    """Where the server says that its model came from; "" if it does not say."""
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    request = urllib.request.Request(f"{base}/models", headers=headers)  # noqa: S310
    try:
        with opener().open(request, timeout=SECONDS) as answer:
            listing: Any = orjson.loads(answer.read(MOST))
        models = [entry for entry in listing["data"] if entry["id"] == NAME]
        root = models[0].get("root")
    except urllib.error.HTTPError as refusal:
        refusal.close()
        if refusal.code >= 500:
            raise
        return ""
    except (ValueError, KeyError, TypeError, AttributeError, IndexError):
        return ""
    return root if isinstance(root, str) and root != NAME else ""


def _compare(base: str, root: str, pin: Pin) -> str:
    if not root:
        return "its server does not say which model that is"
    place = Path(root)
    cached = "snapshots" in place.parts[1:-1]
    if pin.repo and cached:
        at = place.parts.index("snapshots")
        name, commit = place.parts[at - 1].removeprefix("models--").replace("--", "/"), place.parts[at + 1]
        if name != pin.repo or (pin.revision and commit != pin.revision):
            raise DifferentJudgeError(_different(base, f"{name} at {commit}", pin))
        return "" if pin.revision else "the recipe pins no revision"
    if place.is_absolute():
        if not place.is_dir():
            return f"its server loaded it from {root}, which is not on this machine"
        if digest_tree(place) == pin.digest():
            return ""
        if (
            pin.repo or cached
        ):  # the pin is about the files that a stage takes, of which a folder may hold more
            return f"its server loaded it from {root}, whose files are not just the pinned ones"
        raise DifferentJudgeError(_different(base, f"the model in {root}", pin))
    if root == pin.repo:
        return f"its server says {root}, and not which revision"
    if pin.who == "small judge":
        return f"its server says {root}, and the recipe pins a digest alone"
    raise DifferentJudgeError(_different(base, root, pin))


def _different(base: str, serves: str, pin: Pin) -> str:
    return f"the {pin.who} at {base} is {serves[:200]}, and the recipe's is {pin.shown}."
