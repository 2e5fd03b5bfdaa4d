"""dvc.yaml says what each stage uses: everything it imports, nothing it does not, and only sections that exist."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from verif.project import STAGES
from verif.recipe import BENCHMARK_FILES, Recipe

# Carries files, errors and settings; decides no result. The recipe's values are tracked as parameters, its defaults too.
PLUMBING = (
    "verif/errors.py", "verif/recipe", "verif/types.py", "verif/system/files.py", "verif/project.py",
    "verif/system/kept_lines.py",
    "verif/training/__init__.py", "verif/training/tiny/bars.py", "verif/training/data_only.py",
    "verif/registry/runs/lineage.py", "verif/registry/runs/mlflow.py", "verif/registry/runs/pipeline_run.py",
    "verif/registry/runs/stage_run.py", "verif/registry/runs/recording.py", "verif/registry/runs/numbers.py",
    "verif/system/processes.py", "verif/system/record.py", "verif/system/tables.py", "verif/system/bounded.py",
    "verif/system/console.py", "verif/system/disclosure", "verif/system/git.py", "verif/system/local_services.py",
    "verif/system/private.py", "verif/system/processor.py", "verif/system/web.py", "verif/system/serving.py",
    "verif/system/weights.py",
    "verif/core/verifies.py", "verif/core/arriving.py", "verif/core/deciding.py", "verif/core/activate.py",
    "verif/system/plugins.py", "verif/system/check.py",
    "verif/core/failures.py",  # what a screen says about errors
)  # fmt: skip
# The worlds' code reaches these stages only as rows that `prepare` has written.
ROWS = (
    "verif/core/language", "verif/core/rules", "verif/core/segment.py", "verif/core/text.py", "verif/data/splits.py",
    "verif/data/world", "verif/data/sums", "verif/data/truths.py",
)  # fmt: skip
# Left out where the stage depends on models/verifier/identity.json: its digest is made of this code
# (`tests/service/test_identity_code.py`). The service and its client bring answers; who gives them is the identity.
# Of the rules it holds those that the training data can ask (`tests/audit/test_teacher.py`); benchmarks ask others.
VERIFIER = (
    "verif/core/answer.py", "verif/core/cache.py", "verif/core/cache_key.py", "verif/core/cache_store.py",
    "verif/core/answers", "verif/core/starting.py", "verif/core/reasoning.py",
    "verif/core/finishing.py", "verif/core/sandbox", "verif/core/checks.py", "verif/core/parts.py",
    "verif/core/deciding.py",
    "verif/core/verifier.py", "verif/core/judge", "verif/core/plan.py", "verif/core/reward.py", "verif/service",
)  # fmt: skip
# Files are read by the audit for preference pairs; training reads what `prepare` has written.
READERS = ("verif/core/containers", "verif/core/forms", "verif/core/row_files.py", "verif/core/rows.py")
# A registered model is the bytes that its manifest names, whoever fetches them.
REGISTRY = ("verif/registry", "verif/evaluation")
LEFT_OUT: dict[str, tuple[str, ...]] = {
    # the audit's edits and attacks make pairs; of the cases around them only the nouns are used
    "prepare": (
        "verif/audit/cases.py",
        "verif/core/answer.py",
        "verif/core/reasoning.py",
        "verif/core/reward.py",
    ),
    # the first look at a new model is a figure to read; `evaluate` and the audit measure
    "policy": (*ROWS, *VERIFIER, *REGISTRY, "verif/core/instruction_files.py", "verif/stats.py"),
    # it is hardened in this process, without a cache and without checkers; a large policy is asked as
    # `evaluate` asks it; a rule that the world asks changes the rows that `prepare` writes, and a rule's edits only dress the
    # lessons of a judge of relevance
    "judge": (
        *ROWS[:4],
        "verif/core/answers",  # the world has no reference answers
        "verif/core/sandbox",
        "verif/core/cache.py",
        "verif/core/cache_key.py",
        "verif/core/cache_store.py",
        "verif/audit/attacks",
        "verif/audit/rows.py",
        "verif/system/drawing.py",
        *REGISTRY,
    ),
    "verifier": ("verif/evaluation",),
    # the world's truth reaches a run through looks and lessons; a change of it changes the rows, and so the run
    "train": (
        *VERIFIER,
        *ROWS,
        *READERS,
        "verif/data/rollouts.py",
        "verif/core/instruction_files.py",
        "verif/evaluation",
    ),
    "evaluate": VERIFIER,
    "register": (*VERIFIER, *ROWS, "verif/core/instruction_files.py"),
}
#: Folders that hold no module: prompts.
DATA = ("verif/core/judge/prompts", "verif/core/judge/pair_prompts")


@cache
def direct(path: Path) -> tuple[Path, ...] | None:
    """The project's modules that a file imports, anywhere in it; None for a package that holds a docstring only."""
    tree = ast.parse(path.read_text())
    if path.name == "__init__.py" and len(tree.body) <= 1:
        return None
    places: list[Path] = []
    for node in ast.walk(tree):
        names: list[str] = []
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("verif"):
            names = [str(node.module), *(f"{node.module}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names if alias.name.startswith("verif")]
        for name in names:
            if name != "verif":  # `verif/__init__` is a facade
                base = Path(*name.split("."))
                places += [base.with_suffix(".py"), base / "__init__.py"]
    return tuple(places)


def imported(start: Path, root: Path) -> set[Path]:
    """The project's modules that a module reaches, imports inside functions included."""
    seen: set[Path] = set()
    todo = [start]
    while todo:
        path = todo.pop()
        if path in seen or not (root / path).is_file():
            continue
        further = direct(root / path)
        if further is not None:
            seen.add(path)
            todo += further
    return seen


@pytest.fixture(scope="module")
def stages(root: Path) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((root / "dvc.yaml").read_text())["stages"]
    return found


def under(path: Path, places: tuple[str, ...] | list[str]) -> bool:
    return any(path == Path(place) or Path(place) in path.parents for place in places)


def test_the_stages_are_the_seven(stages: dict[str, Any]) -> None:
    assert tuple(stages) == STAGES
    assert all(stage["cmd"] == f"verif stage {name}" for name, stage in stages.items())


@pytest.mark.slow
@pytest.mark.parametrize("name", STAGES)
def test_a_stage_depends_on_the_code_it_imports(stages: dict[str, Any], root: Path, name: str) -> None:
    code = [dep for dep in stages[name]["deps"] if dep.startswith("verif/")]
    for dep in code:
        assert (root / dep).exists(), dep
    reached = imported(Path("verif/pipeline/stages") / f"{name}.py", root)
    missing = [str(p) for p in sorted(reached) if not under(p, [*code, *PLUMBING, *LEFT_OUT.get(name, ())])]
    assert not missing, f"dvc.yaml: stage {name} imports {missing} and does not depend on it"


@pytest.mark.parametrize("name", STAGES)
def test_a_stage_depends_on_no_code_that_it_does_not_reach(
    stages: dict[str, Any], root: Path, name: str
) -> None:
    """A comment in a file that decides nothing must not train anew."""
    reached = imported(Path("verif/pipeline/stages") / f"{name}.py", root)
    deps = [dep for dep in stages[name]["deps"] if dep.startswith("verif/") and dep not in DATA]
    needless = [dep for dep in deps if dep in PLUMBING[:2] or not any(under(path, [dep]) for path in reached)]
    assert not needless, f"dvc.yaml: stage {name} depends on {needless}"
    twice = [dep for dep in deps if under(Path(dep).parent, deps)]
    assert not twice, f"dvc.yaml: stage {name} names {twice} and a folder that holds it"


def test_the_gates_statistics_and_the_benchmarks_files_are_seen(stages: dict[str, Any]) -> None:
    assert {"verif/stats.py", "verif/evaluation", "verif/registry"} <= set(stages["register"]["deps"])
    assert str(BENCHMARK_FILES) in stages["evaluate"]["deps"]


@pytest.mark.parametrize("name", STAGES)
def test_a_changed_default_is_seen_where_its_section_is(
    stages: dict[str, Any], root: Path, name: str
) -> None:
    """A recipe that leaves a key out means the default; DVC reads files only."""
    raw, made = stages[name]["params"]
    ((_, sections),), ((path, defaults),) = raw.items(), made.items()
    wanted = {section.split(".")[0] for section in sections if not section.endswith(".kind")} - {"seed"}
    assert wanted == set(defaults)
    assert wanted <= set(yaml.safe_load((root / path).read_text()))


@pytest.mark.parametrize("name", STAGES)
def test_a_stage_depends_on_sections_that_exist(stages: dict[str, Any], root: Path, name: str) -> None:
    known = {field.alias or key for key, field in Recipe.model_fields.items()}
    ((_, sections),) = stages[name]["params"][0].items()
    assert {section.split(".")[0] for section in sections} <= known


def test_every_recipe_writes_every_tracked_section(stages: dict[str, Any], root: Path) -> None:
    """DVC refuses a parameter file without a section that a stage names."""
    for path in sorted((root / "recipes").glob("*.yaml")):
        raw = yaml.safe_load(path.read_text())
        for name, stage in stages.items():
            for entry in stage["params"][:1]:
                for section in next(iter(entry.values())):
                    node: Any = raw
                    for part in section.split("."):
                        assert part in node, f"{path.name} lacks {section}, which stage {name} tracks"
                        node = node[part]


def test_rules_reach_training_through_rows_and_the_teachers_identity_alone(stages: dict[str, Any]) -> None:
    """A new version of a rule that the world does not ask: `prepare` writes the same rows, and the teacher is the same."""
    for name in ("policy", "judge", "train"):
        assert not [
            dep for dep in stages[name]["deps"] if under(Path(dep), ROWS[:4]) or dep == "verif/core"
        ], name
    for name in ("prepare", "verifier", "evaluate"):
        assert set(ROWS[:4]) <= set(stages[name]["deps"]), name


def test_nothing_but_register_depends_on_a_report(stages: dict[str, Any]) -> None:
    for name, stage in stages.items():
        if name != "register":
            assert not [dep for dep in stage["deps"] if dep.startswith("reports/")], name
