"""The house has floors, and no import runs up or in a circle: also none inside a function or for types only."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

#: From the ground up; rooms of one floor do not know each other.
FLOORS = [
    ("verif.types", "verif.errors", "verif.stats"),
    ("verif.recipe", "verif.system"),
    ("verif.project", "verif.core"),
    ("verif.data", "verif.service"),
    ("verif.audit", "verif.training", "verif.integrations"),
    ("verif.evaluation", "verif.cluster"),
    ("verif.registry",),
    ("verif.pipeline",),
    ("flows",),
    ("verif.cli",),
]


def modules() -> dict[str, Path]:
    """Every module of the product by its dotted name."""
    found = {}
    for top in ("verif", "flows"):
        for path in sorted((ROOT / top).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imported(path: Path, known: set[str]) -> set[str]:
    """The product's modules that a file imports, wherever in it the import stands."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}: a relative import"
            names |= {f"{node.module}.{alias.name}" for alias in node.names} | {str(node.module)}
    found = set()
    for name in names:
        while name not in known and "." in name:
            name = name.rpartition(".")[0]
        if name in known:
            found.add(name)
    # `from verif.a import b` names the package only where `b` is no module of it.
    return {name for name in found if not any(other.startswith(f"{name}.") for other in found)} - {"verif"}


def floor(module: str) -> int | None:
    """The number of a module's floor; None for `verif` itself and its `__main__`, which stand above all."""
    for number, rooms in enumerate(FLOORS):
        if any(module == room or module.startswith(f"{room}.") for room in rooms):
            return number
    return None


def room(module: str) -> str:
    """The package or loose module that a module belongs to."""
    return ".".join(module.split(".")[:2]) if module.startswith("verif") else module.split(".")[0]


@pytest.fixture(scope="module")
def arrows() -> dict[str, set[str]]:
    """Module to the modules it imports."""
    known = modules()
    return {name: imported(path, set(known)) - {name} for name, path in known.items()}


def test_every_module_has_a_floor():
    homeless = [name for name in modules() if floor(name) is None]
    assert set(homeless) <= {"verif", "verif.__main__"}


def test_no_import_runs_up_or_into_the_room_beside(arrows):
    wrong = [
        f"{source} -> {target}"
        for source, targets in arrows.items()
        for target in targets
        if floor(source) is not None and room(source) != room(target) and floor(target) >= floor(source)
    ]
    assert not wrong, "\n".join(sorted(wrong))


def test_no_circle_of_files(arrows):
    assert not circle(arrows)


def circle(arrows: dict[str, set[str]]) -> list[str]:
    """The modules of one circle, or none: what is left when nothing without unresolved imports remains."""
    left = dict(arrows)
    while free := [name for name, targets in left.items() if not targets & left.keys()]:
        for name in free:
            del left[name]
    return sorted(left)
