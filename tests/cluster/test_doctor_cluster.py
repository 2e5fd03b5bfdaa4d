"""The doctor asks the cluster: rights, kinds, queue, storage, secrets, GPU nodes, and whether it answers at all."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from support.doctor_api import Api

from verif.cluster import cluster_checks
from verif.cluster.client import Kube
from verif.cluster.cluster_checks import check_cluster, check_images
from verif.cluster.config import Cluster
from verif.errors import ClusterError
from verif.recipe import Recipe, load_recipe


async def test_everything_missing_is_reported_at_once(
    api: tuple[Api, Kube], cluster: Cluster, root: Path
) -> None:
    server, kube = api
    server.denied = {("create", "jobs"), ("watch", "rayjobs"), ("get", "pods/log")}
    server.missing = {"rayjobs", "team", "verif-remote", "verif-hub", "verif-verifier", "verif-checkpoints"}
    recipe = load_recipe("qwen-multi-node", root / "recipes")
    findings = {
        f.what: f for f in await check_cluster(kube, recipe, cluster.model_copy(update={"queue": "team"}))
    }
    bad = {what for what, f in findings.items() if not f.ok}
    assert {"rights", "RayJob CRD", "Kueue queue", "claim verif-checkpoints"} <= bad
    assert {"secret verif-remote", "secret verif-verifier"} <= bad
    assert "secret verif-hub" not in findings, "public models need no token"
    assert findings["rights"].detail == "create jobs, watch rayjobs, get pods/log"
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


async def test_what_may_not_be_read_counts_only_where_it_must_be(
    api: tuple[Api, Kube], cluster: Cluster, root: Path
) -> None:
    server, kube = api
    server.hidden = {"rayjobs", "team", "verif-remote", "verif-stage", "verif-checkpoints"}
    recipe = load_recipe("qwen-multi-node", root / "recipes")
    findings = {
        f.what: f for f in await check_cluster(kube, recipe, cluster.model_copy(update={"queue": "team"}))
    }
    assert findings["RayJob CRD"].detail == "may not be read"
    assert not findings["RayJob CRD"].ok
    for what in ("Kueue queue", "secret verif-remote", "service account verif-stage"):
        assert findings[what].ok
        assert findings[what].detail.endswith("not checked")


def test_an_image_for_every_role_that_the_recipe_needs(cluster: Cluster, root: Path, recipe: Recipe) -> None:
    def only(*roles: str) -> Cluster:
        return cluster.model_copy(update={"images": {r: i for r, i in cluster.images.items() if r in roles}})

    assert check_images(
        recipe, only("trainer")
    ).ok  # both of its stages have GPUs, and no verifier is asked for
    large = load_recipe("tulu3-8b", root / "recipes")
    assert check_images(large, cluster).ok
    finding = check_images(large, only("orchestrator"))
    assert finding.detail == "the cluster file names none for cpu, trainer, verifier"
    assert "verif images build" in finding.fix


async def test_no_kubeconfig_and_wrong_context_are_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from kubernetes_asyncio.config import kube_config

    missing = tmp_path / "none"
    monkeypatch.setattr(kube_config, "KUBE_CONFIG_DEFAULT_LOCATION", str(missing))
    with pytest.raises(ClusterError, match=rf"no usable kubeconfig: {missing} does not exist"):
        await Kube.connect("verif")
    missing.write_text("")
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


async def test_a_server_that_does_not_answer_is_said_to_have_been_given_its_time(
    api: tuple[Api, Kube], cluster: Cluster, recipe: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    server, kube = api
    server.silent = True
    assert cluster_checks.ANSWER_S == 15
    monkeypatch.setattr(cluster_checks, "ANSWER_S", 0.2)
    (finding,) = await asyncio.wait_for(check_cluster(kube, recipe, cluster), 10)
    assert not finding.ok
    assert finding.detail.endswith(": no answer within 0.2 s")


async def test_the_queue_is_asked_for_in_the_newest_version_first(
    api: tuple[Api, Kube], cluster: Cluster, recipe: Recipe
) -> None:
    server, kube = api
    server.missing = {"kueue.x-k8s.io/v1beta2"}
    queued = cluster.model_copy(update={"queue": "team"})
    findings = {f.what: f for f in await check_cluster(kube, recipe, queued)}
    assert findings["Kueue queue"].ok
    asked = [path.split("/")[3] for path in server.asked if "kueue.x-k8s.io" in path]
    assert asked == ["v1beta2", "v1beta1"]
    server.missing |= {"team"}
    findings = {f.what: f for f in await check_cluster(kube, recipe, queued)}
    assert findings["Kueue queue"].detail == "team does not exist"


async def test_the_policies_that_an_administrator_applies_are_asked_for(
    api: tuple[Api, Kube], cluster: Cluster, recipe: Recipe
) -> None:
    server, kube = api
    server.missing = {"verif-stage-egress", "verif-orchestrator.verif"}
    server.hidden = {"verif-judge-egress"}
    findings = {f.what: f for f in await check_cluster(kube, recipe, cluster)}
    for what in ("network policy verif-stage-egress", "admission policy verif-orchestrator.verif"):
        assert not findings[what].ok
        assert "verif cluster policies" in findings[what].fix
    assert findings["network policy verif-judge-egress"].detail == "may not be read; not checked"
    assert findings["network policy verif-stage-hub"].ok
    assert "almost any address" in findings["egress"].detail
