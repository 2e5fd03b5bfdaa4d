"""Whether a judge that somebody else serves is the one that the recipe pins, as far as its server tells.

Verdicts are kept, and rewards compared, under the pinned model's name. vLLM says at `/v1/models` from where it loaded
its model (`root`): a folder here can be read, a folder of the hub's cache names the revision, a repository's name
alone does not say which revision it is. What stays unknown is said, not guessed.
"""

from __future__ import annotations

import os
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import orjson

from verif.recipe import Recipe
from verif.service.identity import model_digest
from verif.system.files import digest_tree
from verif.system.web import opener

NAME = "judge"
KEY_VARIABLE = "VERIF_JUDGE_API_KEY"
MOST = 1 << 20
SECONDS = 10.0


class DifferentJudgeError(Exception):
    """The server says that it serves another model."""


def unknown(urls: str, recipe: Recipe, model: Path | None) -> str:
    """What is not known about the judges at these base URLs; "" if each is the pinned one.

    Raises `DifferentJudgeError` for another one, and `OSError` for a server that does not answer yet.
    """
    notes = []
    for url in urls.split(","):
        base = url.rstrip("/")
        if note := _compare(base, _root(base), recipe, model):
            notes.append(f"the judge at {base} is taken for the recipe's: {note}")
    return "; ".join(dict.fromkeys(notes))


def _root(base: str) -> str:
    """Where the server says that its model came from; "" if it does not say."""
    key = os.environ.get(KEY_VARIABLE, "")
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    request = urllib.request.Request(f"{base}/models", headers=headers)  # noqa: S310
    try:
        with opener().open(request, timeout=SECONDS) as answer:
            found: Any = orjson.loads(answer.read(MOST))
        models = [entry for entry in found["data"] if entry["id"] == NAME]
        root = models[0].get("root")
    except urllib.error.HTTPError as refusal:
        refusal.close()
        if refusal.code >= 500:
            raise
        return ""
    except (ValueError, KeyError, TypeError, AttributeError, IndexError):
        return ""
    return root if isinstance(root, str) and root != NAME else ""


def _compare(base: str, root: str, recipe: Recipe, model: Path | None) -> str:
    repo, revision = getattr(recipe.judge, "repo", ""), getattr(recipe.judge, "revision", "")
    if not root:
        return "its server does not say which model that is"
    place = Path(root)
    parts = place.parts
    if repo and "snapshots" in parts[1:-1]:
        at = parts.index("snapshots")
        name, commit = parts[at - 1].removeprefix("models--").replace("--", "/"), parts[at + 1]
        if name != repo or (revision and commit != revision):
            raise DifferentJudgeError(_different(base, f"{name} at {commit}", f"{repo} at {revision}"))
        return "" if revision else "the recipe pins no revision"
    if place.is_absolute():
        if not place.is_dir():
            return f"its server loaded it from {root}, which is not on this machine"
        if digest_tree(place) == model_digest(recipe, model):
            return ""
        if repo:  # the pin is about the files that a stage takes, of which a folder may hold more
            return f"its server loaded it from {root}, whose files are not just the pinned ones"
        raise DifferentJudgeError(_different(base, f"the model in {root}", f"the one in {model}"))
    if root != repo:
        raise DifferentJudgeError(_different(base, root, repo or f"the model in {model}"))
    return f"its server says {root}, and not which revision"


def _different(base: str, serves: str, pinned: str) -> str:
    return f"the judge at {base} is {serves[:200]}, and the recipe's is {pinned}."
