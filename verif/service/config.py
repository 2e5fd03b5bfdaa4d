"""What a service process is started with: one JSON file, written by the lease."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from verif.recipe import Recipe
from verif.service.limits import MAX_BODY, MAX_READING
from verif.types import Item

TOKEN_VARIABLE = "VERIF_VERIFIER_TOKEN"  # noqa: S105
URL_VARIABLE = "VERIF_VERIFIER_URL"
"""A service that somebody else keeps, as on a cluster; stages then start none."""


class ServiceConfig(BaseModel):
    """Configuration of `python -m verif.service CONFIG.json`.

    Without `judge_url` the service starts the judge itself (if the recipe has one) and ends it with itself.
    `folder` holds lease, users and logs; the token comes from the environment only.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    recipe: Recipe
    folder: Path
    state: Path
    judge_model: Path | None = None
    judge_url: str = ""
    judge_gpus: int = 0
    host: str = "127.0.0.1"
    port: int = 0
    idle_s: float = Field(default=120.0, gt=0)
    max_pending: int = Field(default=8192, ge=1)
    max_body: int = Field(default=MAX_BODY, ge=1024, le=MAX_READING)
    grace_s: float = Field(default=20.0, ge=0)
    sandbox_workers: int = Field(default=2, ge=1)
    cache: bool = True
    probes: tuple[Item, ...] = ()
