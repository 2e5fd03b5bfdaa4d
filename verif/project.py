"""The project that a command works in: its files, params.yaml, and what was overridden for one run.

params.yaml says which recipe runs on which data; it is checked before it is written and written only when it
changes. A commit does not hold parameters overridden for one run (`{"train.learning_rate": 0.0005}`), so they
travel to a pod as JSON beside their digest and stand in the lineage. Applying them writes the recipe file of a
*clone*, where DVC sees them as what they are: changed parameters.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from verif.errors import InputError, RecipeError
from verif.recipe import BENCHMARK_FILES, FileData, Recipe, load_recipe, parse_recipe
from verif.system.files import digest, digest_path, write_bytes, write_json

WORLD, SUMS = "verif/data/world", "verif/data/sums"
"""Where the code lies that draws data; it stands in params.yaml in the place of a file."""
CODE = {"world": WORLD, "sums": SUMS, "composed": "verif/data/composed"}
"""The same by the kind of data."""
HUB = "verif/data/hub.py"
"""The same for rows that a recipe takes from a hub."""
HEADER = "# Which recipe the pipeline runs, and where its instructions come from: the local world (code) or a file.\n"
STAGES = ("prepare", "policy", "judge", "verifier", "train", "evaluate", "register")
"""In the order of dvc.yaml."""
Overrides = Mapping[str, Any]


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
    chosen = read_parameters(root)
    return Stage(root, load_recipe(chosen["recipe"], root / "recipes"), root / chosen["data"])


def read_parameters(root: Path) -> dict[str, str]:
    """The two keys of params.yaml."""
    path = root / "params.yaml"
    try:
        raw = yaml.safe_load(path.read_text("utf-8"))
    except FileNotFoundError:
        raise RecipeError(f"{path} does not exist.", "Run verif from the project's root.") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise RecipeError(f"{path} is not valid YAML: {error}") from None
    if not isinstance(raw, dict) or set(raw) != {"recipe", "data"}:
        raise RecipeError(f"{path} must hold exactly the keys `recipe` and `data`.")
    return {key: str(value) for key, value in raw.items()}


def reads_file(recipe: Recipe) -> bool:
    """Whether the recipe's data come from a file that params.yaml names; else code draws them, or a hub holds them."""
    if isinstance(recipe.data, FileData):
        return not recipe.data.repo
    return recipe.data.kind == "judgements" and recipe.data.source == "rules"


def set_parameters(root: Path, recipe: str = "", data: str = "") -> dict[str, str]:
    """Point params.yaml at a recipe and its data; empty means as it stands. Returns what now holds.

    A recipe that makes its instructions itself, or takes them from a hub, depends on the code that does so; any other needs
    a file that exists.
    """
    now = read_parameters(root)
    name = recipe or now["recipe"]
    wanted = load_recipe(name, root / "recipes")
    source = data or now["data"]
    if not reads_file(wanted):
        hub = wanted.data.repo if isinstance(wanted.data, FileData) else ""
        own = HUB if hub else CODE.get(wanted.data.kind, WORLD)
        if data and data != own:
            does = f"takes its rows from {hub}" if hub else "makes its own instructions"
            raise RecipeError(
                f"recipe {name!r} {does} and reads no file.", "Leave DATA out, or choose another recipe."
            )
        source = own
    elif source in (*CODE.values(), HUB):
        raise RecipeError(
            f"recipe {name!r} needs a file of instructions.", "Name it: make run RECIPE=... DATA=file.jsonl"
        )
    elif not (root / source).is_file():
        raise InputError("the data file does not exist.", file=root / source)
    new = {"recipe": name, "data": source}
    if new != now:
        write_bytes(root / "params.yaml", (HEADER + yaml.safe_dump(new, sort_keys=False)).encode())
    return new


def record_overrides(root: Path, overrides: Mapping[str, Any]) -> None:
    """Keep this run's overrides, with their digest, for the lineage and for pods (a commit does not hold them)."""
    write_json(
        root / ".verif" / "overrides.json", {"overrides": dict(overrides), "digest": digest(dict(overrides))}
    )


def recorded_overrides(root: Path) -> dict[str, Any]:
    """The overrides of the run that works here; none if nothing was recorded."""
    path = root / ".verif" / "overrides.json"
    return dict(json.loads(path.read_text("utf-8"))["overrides"]) if path.is_file() else {}


def parse_overrides(pairs: list[str]) -> dict[str, Any]:
    """`["train.steps=20"]` as a mapping; values are YAML scalars."""
    out: dict[str, Any] = {}
    for pair in pairs:
        key, sign, value = pair.partition("=")
        if not sign or not key.strip():
            raise RecipeError(f"override {pair!r} is not of the form section.key=value.")
        try:
            out[key.strip()] = yaml.safe_load(value)
        except yaml.YAMLError as error:
            raise RecipeError(f"override {pair!r}: the value is not YAML: {error}") from None
    return out


def overrides_digest(overrides: Overrides) -> str:
    """The digest that travels beside the overrides; the empty set has one too."""
    return digest(dict(overrides))


def merged(raw: dict[str, Any], overrides: Overrides) -> dict[str, Any]:
    """The recipe's raw mapping with each dotted key set; unknown keys are caught by the recipe's own validation."""
    out: dict[str, Any] = yaml.safe_load(yaml.safe_dump(raw))
    for key, value in overrides.items():
        node = out
        *path, last = key.split(".")
        for part in path:
            child = node.setdefault(part, {})
            if not isinstance(child, dict):
                raise RecipeError(f"override {key!r}: {part!r} is a value, not a section.")
            node = child
        node[last] = value
    return out


def with_digests(root: Path, raw: dict[str, Any]) -> dict[str, Any]:
    """The recipe with the digest of every local benchmark file that DVC does not look at: a changed one is then seen."""
    raw = copy.deepcopy(raw)  # it holds the caller's overrides
    benchmarks = (raw.get("evaluate") or {}).get("benchmarks")
    for benchmark in benchmarks if isinstance(benchmarks, list) else ():
        if (
            not isinstance(benchmark, dict)
            or not benchmark.get("path")
            or benchmark.get("repo")
            or benchmark.get("digest")
        ):
            continue
        path = root / str(benchmark["path"])
        if path.exists() and not path.resolve().is_relative_to((root / BENCHMARK_FILES).resolve()):
            benchmark["digest"] = digest_path(path)
    return raw


def apply_overrides(root: Path, recipe: str, overrides: Overrides) -> None:
    """Write the overridden recipe into `root` (a clone made for this run); validated before anything is written."""
    if not overrides:
        return
    path = root / "recipes" / f"{recipe}.yaml"
    if not path.is_file():
        raise RecipeError(f"{path} does not exist.")
    new = with_digests(root, merged(yaml.safe_load(path.read_text("utf-8")), overrides))
    parse_recipe(new, f"{path} with overrides")
    write_bytes(path, yaml.safe_dump(new, sort_keys=False, allow_unicode=True).encode("utf-8"))
