"""The doctor finds what is missing before anything is submitted, and says what to do."""

from __future__ import annotations

import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from cluster_apiserver import api_client, failure

from verif.cluster.client import Kube
from verif.cluster.config import Cluster
from verif.cluster.doctor import (
    check_cluster,
    check_labels,
    check_recipe,
    check_remote,
    check_repository,
    require_submittable,
)
from verif.errors import ClusterError
from verif.recipe import Recipe, load_recipe


def git(cwd: Path, *arguments: str) -> None:
    subprocess.run(
        ["git", "-c", "user.email=t@example.org", "-c", "user.name=T", *arguments],
        cwd=cwd,
        check=True,
        capture_output=True,
    )


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    git(tmp_path, "init", "-q", "--bare", "remote")
    git(tmp_path, "init", "-q", "-b", "main", "clone")
    clone = tmp_path / "clone"
    (clone / "a.txt").write_text("a")
    git(clone, "add", "a.txt")
    git(clone, "commit", "-qm", "a")
    git(clone, "remote", "add", "origin", "../remote")
    return clone


def test_dirty_tree_and_unpushed_commit_are_named(repository: Path) -> None:
    tree, push = check_repository(repository)
    assert tree.ok
    assert not push.ok
    assert "git push" in push.fix
    git(repository, "push", "-q", "origin", "main")
    (repository / "a.txt").write_text("b")
    (repository / "new.py").write_text("")
    tree, push = check_repository(repository)
    assert push.ok
    assert not tree.ok
    assert "a.txt" in tree.detail
    assert "new.py" in tree.detail


def test_what_a_pod_could_not_reproduce_is_not_submitted(
    repository: Path, root: Path, recipe: Recipe
) -> None:
    with pytest.raises(ClusterError, match="git push"):
        require_submittable(repository, recipe)
    git(repository, "push", "-q", "origin", "main")
    require_submittable(repository, recipe)
    with pytest.raises(ClusterError, match="pinned models"):
        require_submittable(repository, load_recipe("tulu3-8b", root / "recipes"))


def test_unpinned_recipe_is_a_finding(root: Path, recipe: Recipe) -> None:
    assert check_recipe(recipe).ok
    finding = check_recipe(load_recipe("tulu3-8b", root / "recipes"))
    assert not finding.ok
    assert "verif recipe pin" in finding.fix


def test_a_judge_that_cannot_be_audited_is_a_finding(root: Path, recipe: Recipe) -> None:
    (finding,) = check_labels(recipe, root)
    assert not finding.ok
    assert finding.detail == "the recipe names none: the judge cannot be audited and training will refuse"
    assert "data.labelled" in finding.fix
    assert check_labels(load_recipe("local", root / "recipes"), root) == []


@pytest.mark.slow
def test_missing_and_unreachable_remote(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    dvc = [sys.executable, "-m", "dvc"]
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:/usr/bin:/bin")
    subprocess.run([*dvc, "init", "-q"], cwd=repository, check=True)
    assert "dvc remote add" in check_remote(repository).fix
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "x")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    subprocess.run([*dvc, "remote", "add", "-q", "-d", "team", "s3://bucket/x"], cwd=repository, check=True)
    subprocess.run(
        [*dvc, "remote", "modify", "-q", "team", "endpointurl", "http://127.0.0.1:9"],
        cwd=repository,
        check=True,
    )
    subprocess.run(
        [*dvc, "remote", "modify", "-q", "team", "connect_timeout", "1"], cwd=repository, check=True
    )
    finding = check_remote(repository)
    assert not finding.ok
    assert "could not be read" in finding.detail


class Api:
    """The parts of the API the doctor asks, with switches for what is missing."""

    def __init__(self) -> None:
        self.denied: set[tuple[str, str]] = set()
        self.missing: set[str] = set()
        self.nodes: list[dict[str, Any]] = []

    async def review(self, request: web.Request) -> web.Response:
        body = await request.json()
        asked = body["spec"]["resourceAttributes"]
        allowed = (asked["verb"], asked["resource"]) not in self.denied
        return web.json_response({**body, "status": {"allowed": allowed}}, status=201)

    async def thing(self, request: web.Request) -> web.Response:
        name = request.path.rsplit("/", 1)[-1]
        if name in self.missing:
            return failure(404, "NotFound", name)
        return web.json_response({"metadata": {"name": name}, "items": []})

    async def list_nodes(self, request: web.Request) -> web.Response:
        return web.json_response({"items": self.nodes})


@pytest.fixture
async def api() -> AsyncIterator[tuple[Api, Kube]]:
    api, app = Api(), web.Application()
    app.router.add_post("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", api.review)
    app.router.add_get("/api/v1/nodes", api.list_nodes)
    app.router.add_get("/{path:.*}", api.thing)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    kube = Kube(api_client(f"http://127.0.0.1:{runner.addresses[0][1]}"), "verif", patience_s=2)
    yield api, kube
    await kube.close()
    await runner.cleanup()


async def test_everything_missing_is_reported_at_once(
    api: tuple[Api, Kube], cluster: Cluster, root: Path
) -> None:
    server, kube = api
    server.denied = {("create", "jobs"), ("watch", "rayjobs")}
    server.missing = {"rayjobs", "team", "verif-remote", "verif-checkpoints"}
    recipe = load_recipe("qwen-multi-node", root / "recipes")
    findings = {
        f.what: f for f in await check_cluster(kube, recipe, cluster.model_copy(update={"queue": "team"}))
    }
    bad = {what for what, f in findings.items() if not f.ok}
    assert {"rights", "RayJob CRD", "Kueue queue", "secret verif-remote", "claim verif-checkpoints"} <= bad
    assert findings["rights"].detail == "create jobs, watch rayjobs"
    assert findings["service account verif-stage"].ok
    assert any("NVIDIA-H800" in what for what in bad)


async def test_a_cluster_that_has_everything_is_fine(
    api: tuple[Api, Kube], cluster: Cluster, recipe: Recipe
) -> None:
    server, kube = api
    server.nodes = [
        {
            "metadata": {"name": "n1", "labels": {"nvidia.com/gpu.product": "H800"}},
            "status": {"allocatable": {"nvidia.com/gpu": "8"}},
        }
    ]
    assert [f.what for f in await check_cluster(kube, recipe, cluster) if not f.ok] == []


async def test_no_kubeconfig_and_wrong_context_are_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from kubernetes_asyncio.config import kube_config

    missing = tmp_path / "none"
    monkeypatch.setattr(kube_config, "KUBE_CONFIG_DEFAULT_LOCATION", str(missing))
    with pytest.raises(ClusterError, match="no usable kubeconfig"):
        await Kube.connect("verif")
    config = tmp_path / "config"
    config.write_text(
        '{"apiVersion": "v1", "kind": "Config", "current-context": "dev", "contexts": [{"name": "dev",'
        '"context": {"cluster": "c", "user": "u"}}],'
        '"clusters": [{"name": "c", "cluster": {"server": "http://127.0.0.1:1"}}], "users": [{"name": "u", "user": {}}]}'
    )
    monkeypatch.setattr(kube_config, "KUBE_CONFIG_DEFAULT_LOCATION", str(config))
    with pytest.raises(ClusterError, match=r"'dev'.*'gpu'"):
        await Kube.connect("verif", context="gpu")
