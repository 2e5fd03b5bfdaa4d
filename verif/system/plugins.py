"""A team's own modules: rules, reward formulas, judge prompts and benchmarks without a fork.

A recipe names them under `plugins:`; they lie in the project's `plugins/` folder or are installed. An installed
package may also name a module of its own by an entry point of one of `GROUPS`. Importing a module is all that happens
here: what it registers, it registers itself. `VERIF_PLUGINS` tells a process's children what it has loaded.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

from verif.errors import RecipeError
from verif.system.files import digest

FOLDER, VARIABLE = "plugins", "VERIF_PLUGINS"
GROUPS = ("verif.rules", "verif.formulas", "verif.prompts", "verif.benchmarks")

_loaded: dict[str, str] = {}
_asked: set[str] = set()
_lock = threading.RLock()
_loading: list[str] = []


def loading() -> str:
    """The plugin whose module is being imported, or "": what registers itself now is a plugin's."""
    return _loading[-1] if _loading else ""


def load(names: Sequence[str], root: Path | None = None) -> None:
    """Import these modules, and let processes that this one starts know them.

    `root` is the project; without it, that of the process that started this one, or the working directory. Raises
    `RecipeError` that names the module and what is wrong with it.
    """
    if not names:
        return
    folder = _folder(root)
    with _lock:
        for name in names:
            _load(name, folder)
        known = dict.fromkeys((*_inherited()[1], *names)) if _inherited()[0] == folder else names
        os.environ[VARIABLE] = f"{folder}:{','.join(known)}"


def variables() -> dict[str, str]:
    """The environment by which processes on other machines know what this one has loaded."""
    return {VARIABLE: os.environ[VARIABLE]} if VARIABLE in os.environ else {}


def load_known(group: str) -> bool:
    """Import what this process should know besides: entry points of `group`, and what its parent had loaded.

    True the first time that a group is asked for, when an unknown name may have become a known one.
    """
    with _lock:
        if group in _asked:
            return False
        _asked.add(group)
        folder, names = _inherited()
        for name in names:
            _load(name, folder)
        for point in installed(group):
            with _marked(point.value):
                try:
                    point.load()
                except Exception as error:
                    raise _broken(f"{point.value} (entry point {group}: {point.name})", error) from error
        return True


@cache
def installed(group: str) -> list[EntryPoint]:
    """Entry points of a group, in the order of their names."""
    return sorted(entry_points(group=group), key=lambda point: (point.name, point.value))


def identity(names: Sequence[str], root: Path | None = None) -> str:
    """Digest of the sources of these modules and of all installed plugins; "" if there are none.

    Nothing is imported. A module in the project's folder stands for the whole folder: it may import its neighbours.
    """
    folder = _folder(root)
    digests: dict[str, str] = {}
    for name in names:
        check_name(name)
        if _in(folder, name):
            digests[FOLDER] = _digest(folder)
        else:
            digests[name] = _digest_installed(name)
    for group in GROUPS:
        for point in installed(group):
            digests[f"{group}:{point.name}={point.value}"] = _digest_installed(point.module)
    return digest(digests) if digests else ""


def check_name(name: str) -> None:
    """`RecipeError` unless the name is one that a plugin may have."""
    parts = name.split(".")
    if not all(part.isidentifier() for part in parts):
        raise RecipeError(f"plugins: {name[:80]!r} is no name of a module.", "Write it as in `import NAME`.")
    if parts[0] in sys.stdlib_module_names or parts[0] in ("verif", "flows"):
        raise RecipeError(f"plugins: {name!r} is a module of Python or of verif itself, not a plugin.")


def _load(name: str, folder: Path) -> None:
    check_name(name)
    top = name.split(".")[0]
    place = str(folder) if _in(folder, name) else ""
    if _loaded.get(name, place) != place:
        raise RecipeError(
            f"plugin {name!r} of {folder} cannot be loaded: this process has it from {_loaded[name] or 'a package'}.",
            "Give the two plugins different names, or work in another process.",
        )
    if place and place not in sys.path:
        sys.path.append(place)
        importlib.invalidate_caches()
    with _marked(name):
        try:
            module = importlib.import_module(name)
        except ModuleNotFoundError as error:
            if error.name not in (name, top):
                raise _broken(name, error) from error
            raise RecipeError(
                f"plugin {name!r} was not found.", f"Put {top}.py into {folder}, or install its package."
            ) from None
        except Exception as error:
            raise _broken(name, error) from error
    home = Path(getattr(module, "__file__", None) or folder).resolve()
    if place and not home.is_relative_to(folder):
        raise RecipeError(
            f"plugin {name!r} of {folder} has the name of another module, {home}.", "Name it otherwise."
        )
    _loaded[name] = place


def _broken(name: str, error: Exception) -> RecipeError:
    return RecipeError(
        f"plugin {name} cannot be imported: {type(error).__name__}: {error}"[:600], "Mend the plugin."
    )


@contextmanager
def _marked(name: str) -> Iterator[None]:
    _loading.append(name)
    try:
        yield
    finally:
        _loading.pop()


def _folder(root: Path | None) -> Path:
    if root is None and _inherited()[1]:
        return _inherited()[0]
    return ((root or Path.cwd()) / FOLDER).resolve()


def _inherited() -> tuple[Path, list[str]]:
    """The folder and the modules that the process which started this one had loaded."""
    folder, _, names = os.environ.get(VARIABLE, "").rpartition(":")
    return Path(folder), [name for name in names.split(",") if name]


def _in(folder: Path, name: str) -> bool:
    top = folder / name.split(".")[0]
    return top.with_suffix(".py").is_file() or top.is_dir()


def _digest_installed(name: str) -> str:
    spec = importlib.util.find_spec(name.split(".")[0])
    if spec is None:
        raise RecipeError(
            f"plugin {name!r} was not found.", f"Put it into the project's {FOLDER}/, or install it."
        )
    if spec.submodule_search_locations:
        return digest([_digest(Path(place)) for place in spec.submodule_search_locations])
    return digest(Path(spec.origin).read_bytes()) if spec.origin and Path(spec.origin).is_file() else name


def _digest(folder: Path) -> str:
    """Of a folder's files, by place and content; what the interpreter caches and what people read is left out."""
    files = []
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder)
        if path.is_file() and "__pycache__" not in inside.parts and path.suffix not in (".pyc", ".md"):
            files.append([inside.as_posix(), digest(path.read_bytes())])
    return digest(files)
