"""What DVC's graph says of the stages: their order, their files, and whether one is out of date.

Written for DVC 3.67. Nothing here runs a stage (`verif.pipeline.run`) or moves results (`verif.system.run_cache`).
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from verif.errors import BusyError, RecipeError, StageError
from verif.system.processes import MARKER, marker


def stage_name(node: Any) -> str:
    """The name of a node of DVC's graph; empty for a file of `dvc add`, which is a node but no stage of dvc.yaml."""
    return str(getattr(node, "name", ""))


def stage_names(root: Path) -> list[str]:
    """The stages of dvc.yaml in an order that respects DVC's graph."""
    import networkx
    from dvc.exceptions import DvcException
    from dvc.repo import Repo

    try:
        with Repo(str(root)) as repo:
            graph = repo.index.graph  # edges point from a stage to what it needs
            order = networkx.lexicographical_topological_sort(graph.reverse(), key=stage_name)
            return [stage_name(node) for node in order if stage_name(node)]
    except DvcException as error:
        raise RecipeError(f"DVC cannot read the pipeline: {error}") from None


def pictures_of(root: Path, name: str) -> list[Path]:
    """The pictures among a stage's outputs, as far as they exist."""
    from dvc.repo import Repo

    with Repo(str(root)) as repo:
        (stage,) = [s for s in repo.index.stages if stage_name(s) == name]
        folders = [Path(out.fs_path) for out in stage.outs if Path(out.fs_path).is_dir()]
    return sorted(p for folder in folders for p in folder.rglob("*") if p.suffix in (".png", ".svg"))


def changed(root: Path, name: str) -> bool:
    """Whether DVC would have to do anything for this stage now."""
    return bool(status(root, f"{root / 'dvc.yaml'}:{name}"))


def status(root: Path, *targets: str) -> dict[str, Any]:
    """What DVC finds out of date; empty when nothing is."""
    from dvc.exceptions import DvcException
    from dvc.lock import LockError
    from dvc.repo import Repo

    try:
        with Repo(str(root)) as repo:
            return dict(repo.status(targets=list(targets) or None))
    except LockError:
        raise BusyError("another DVC command is working in this directory.", "Wait for it to end.") from None
    except DvcException as error:
        raise StageError(f"DVC: {error}") from None


def stage_environment(root: Path, run_id: str) -> dict[str, str]:
    """What a stage's process sees: this environment's commands, this clone's code, the run's marker."""
    env = dict(os.environ)
    env["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), env.get("PATH", "")])
    env["PYTHONPATH"] = os.pathsep.join(p for p in (str(root), env.get("PYTHONPATH", "")) if p)
    env[MARKER] = marker(root, run_id)
    env["DVC_NO_ANALYTICS"] = "1"
    return env
