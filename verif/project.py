"""What every stage gets: the recipe and the layout of files. A stage is thin: recipe in, files out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import yaml

from verif.errors import RecipeError
from verif.recipe import Recipe, load_recipe


@dataclass(frozen=True)
class Stage:
    """The working directory's recipe and paths; `root` is the project's root."""

    root: Path
    recipe: Recipe
    source: Path

    @property
    def data(self) -> Path:
        """Outputs of `prepare`: {train,validation,test,unseen,golden}.parquet, corpora, quarantine.jsonl."""
        return self.root / "data"

    @property
    def models(self) -> Path:
        """Model folders in Hugging Face form: policy, judge, trained."""
        return self.root / "models"

    @property
    def reports(self) -> Path:
        """Metrics, plots, tables and pages; nothing depends on timings kept here."""
        return self.root / "reports"

    @property
    def state(self) -> Path:
        """Leases, logs, caches, checkpoints: outside DVC, safe to delete when nothing runs."""
        return self.root / ".verif"


def load_stage(root: Path | None = None) -> Stage:
    """The stage context of a working directory, from params.yaml and its recipe."""
    root = (root or Path.cwd()).resolve()
    path = root / "params.yaml"
    if not path.is_file():
        raise RecipeError(f"{path} does not exist.", "Run verif from the project's root.")
    raw = yaml.safe_load(path.read_text("utf-8"))
    if not isinstance(raw, dict) or set(raw) != {"recipe", "data"}:
        raise RecipeError(f"{path} must hold exactly the keys `recipe` and `data`.")
    return Stage(root, load_recipe(str(raw["recipe"]), root / "recipes"), root / str(raw["data"]))
