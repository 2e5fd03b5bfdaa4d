"""`verif cluster`: render, policies, doctor, release."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import typer
import yaml
from rich.table import Table

from verif.cluster.config import load_cluster
from verif.errors import ClusterError
from verif.project import merged, parse_overrides
from verif.recipe import Recipe, load_recipe, parse_recipe
from verif.system.console import Console
from verif.system.git import ask

app = typer.Typer(
    add_completion=False,
    help="Kubernetes: render what would be applied, check a cluster.",
    no_args_is_help=True,
)
CLUSTER = Path("infra/cluster.yaml")


def _load(recipe: str, pairs: list[str]) -> tuple[Recipe, dict[str, object]]:
    overrides = parse_overrides(pairs)
    if not overrides:
        return load_recipe(recipe), overrides
    raw = (
        yaml.safe_load((Path("recipes") / f"{recipe}.yaml").read_text("utf-8")) if load_recipe(recipe) else {}
    )
    return parse_recipe(merged(raw, overrides), f"recipes/{recipe}.yaml with overrides"), overrides


def _commit() -> str:
    head = ask(Path(), "rev-parse", "HEAD")
    if not head.ok:
        raise ClusterError(
            "this folder is not a git repository with a commit.", "Pods clone a commit: make one first."
        )
    return head.text


@app.command()
def render(
    recipe: str = typer.Argument(help="Recipe name."),
    set_: list[str] = typer.Option([], "--set", help="Override, e.g. train.steps=20."),
    cluster: Path = typer.Option(CLUSTER, help="The cluster file."),
) -> None:
    """Print the manifests a run of the recipe would apply, as YAML."""
    from verif.cluster.render import render as build

    loaded, overrides = _load(recipe, set_)
    manifests = build(loaded, load_cluster(cluster), _commit(), overrides)
    yaml.safe_dump_all(manifests, sys.stdout, sort_keys=False)
    if not manifests:
        print(f"# no stage of recipe {recipe!r} runs on Kubernetes", file=sys.stderr)


@app.command()
def policies(cluster: Path = typer.Option(CLUSTER, help="The cluster file.")) -> None:
    """Print what an administrator applies once per cluster file: ways out of pods, and what the orchestrator may create."""
    from verif.cluster.admission import admission_policies
    from verif.cluster.egress import stage_policies

    where = load_cluster(cluster)
    yaml.safe_dump_all([*stage_policies(where), *admission_policies(where)], sys.stdout, sort_keys=False)


@app.command()
def release(
    recipe: str = typer.Argument(help="Recipe name."),
    set_: list[str] = typer.Option([], "--set", help="The run's overrides, if they changed the verifier."),
    cluster: Path = typer.Option(CLUSTER, help="The cluster file."),
) -> None:
    """Take a recipe's verifier down, if an orchestrator died before it could; not while a Job asks it."""
    from verif.cluster.client import Kube
    from verif.cluster.verifier_lease import release as let_go

    (loaded, _), where = _load(recipe, set_), load_cluster(cluster)

    async def ask() -> bool:
        async with Kube.connected(where, patience_s=30) as kube:
            return await let_go(kube, loaded, where)

    gone = asyncio.run(ask())
    print("The verifier is gone." if gone else "The verifier stays: a Job still asks it.")


@app.command()
def doctor(
    recipe: str = typer.Argument(help="Recipe name."),
    cluster: Path = typer.Option(CLUSTER, help="The cluster file."),
) -> None:
    """Check git, the DVC remote and the cluster for what the recipe needs; nothing is submitted."""
    from verif.cluster.doctor import examine

    findings = examine(Path.cwd(), load_recipe(recipe), cluster)
    table = Table("check", "", "detail", "what to do")
    for f in findings:
        table.add_row(f.what, "ok" if f.ok else "missing", f.detail, "" if f.ok else f.fix)
    Console().print(table)
    bad = sum(not f.ok for f in findings)
    if bad:
        raise ClusterError(f"{bad} of {len(findings)} checks failed; nothing was submitted.")
