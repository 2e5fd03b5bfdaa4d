"""What is long-lived on the cluster: large enough for the recipes, coherent, and closed to whom it does not concern."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from verif.cluster.config import load_cluster
from verif.cluster.pod_spec import Manifest
from verif.cluster.request import StageRequest
from verif.cluster.verifier import verifier
from verif.recipe import Resources, load_recipe

GPU_RECIPES = ("tulu3-8b", "r1-qwen-7b", "qwen-multi-node")


def kustomized(root: Path, overlay: str) -> list[Manifest]:
    if not shutil.which("kubectl"):
        pytest.skip("kubectl is not installed")
    command = ["kubectl", "kustomize", str(root / "infra/k8s/overlays" / overlay)]
    built = subprocess.run(command, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    return list(yaml.safe_load_all(built.stdout))


@pytest.mark.parametrize("overlay", ["dev", "gpu"])
def test_an_overlays_settings_reach_the_worker_and_mlflow(overlay: str, root: Path) -> None:
    manifests = kustomized(root, overlay)
    (settings,) = [m for m in manifests if m["kind"] == "ConfigMap"]
    assert set(settings["data"]) == {"VERIF_REPOSITORY", "VERIF_BRANCH", "MLFLOW_PUBLIC_HOST"}
    named = [
        source["configMapRef"]["name"]
        for pod in pods(manifests, "prefect-worker")
        for container in (*pod["initContainers"], *pod["containers"])
        for source in container["envFrom"]
        if "configMapRef" in source
    ]
    named += [
        entry["valueFrom"]["configMapKeyRef"]["name"]
        for pod in pods(manifests, "mlflow")
        for entry in pod["containers"][0]["env"]
        if "configMapKeyRef" in entry.get("valueFrom", {})
    ]
    assert named == [settings["metadata"]["name"]] * 3


def pods(manifests: list[Manifest], name: str) -> list[Manifest]:
    """The pod of each Deployment of that name."""
    return [m["spec"]["template"]["spec"] for m in manifests
            if m["kind"] == "Deployment" and m["metadata"]["name"] == name]  # fmt: skip


def gigabytes(quantity: str) -> float:
    number, unit = re.fullmatch(r"(\d+)(\w*)", quantity).groups()
    return int(number) * {"Mi": 2**-10, "Gi": 1, "Ti": 2**10}[unit]


@pytest.mark.slow
@pytest.mark.parametrize("name", GPU_RECIPES)
def test_the_largest_stage_fits_the_quota_beside_what_is_long_lived(name: str, root: Path) -> None:
    base = kustomized(root, "gpu")
    (quota,) = [m["spec"]["hard"] for m in base if m["kind"] == "ResourceQuota"]
    recipe = load_recipe(name, root / "recipes")
    gpus, memory = 0, 0.0
    for manifest in [*base, *verifier(recipe, load_cluster(root / "infra/cluster.example.yaml"))]:
        if manifest["kind"] == "Deployment":
            for container in manifest["spec"]["template"]["spec"]["containers"]:
                asked, copies = container["resources"]["requests"], manifest["spec"]["replicas"]
                gpus += copies * int(asked.get("nvidia.com/gpu", 0))
                memory += copies * gigabytes(asked["memory"])
    stages = [
        r for stage, r in recipe.resources.items() if stage != "verifier" and r.executor == "kubernetes"
    ]
    assert gpus + max(r.gpus * r.nodes for r in stages) <= int(quota["requests.nvidia.com/gpu"])
    assert memory + max(r.memory_gb * r.nodes for r in stages) <= gigabytes(quota["requests.memory"])


@pytest.mark.slow
@pytest.mark.parametrize("name", GPU_RECIPES)
def test_the_worker_has_the_memory_of_the_stages_that_run_in_it(name: str, root: Path) -> None:
    (worker,) = [m for m in kustomized(root, "gpu") if m["metadata"]["name"] == "prefect-worker"]
    limit = gigabytes(worker["spec"]["template"]["spec"]["containers"][0]["resources"]["limits"]["memory"])
    asked = load_recipe(name, root / "recipes").resources
    for stage in yaml.safe_load((root / "dvc.yaml").read_text())["stages"]:
        here = asked.get(stage, Resources())
        assert here.executor == "kubernetes" or here.memory_gb <= limit, stage


def test_the_worker_takes_runs_of_its_pool_and_writes_where_it_may(root: Path) -> None:
    (pod,) = pods(
        list(yaml.safe_load_all((root / "infra/k8s/base/worker.yaml").read_text())), "prefect-worker"
    )
    (checkout,), (worker,) = pod["initContainers"], pod["containers"]
    assert worker["args"][:6] == ["worker", "start", "--pool", "gpu", "--type", "process"]
    deployed = yaml.safe_load((root / "prefect.yaml").read_text())["deployments"]
    assert "gpu" in {deployment["work_pool"]["name"] for deployment in deployed}
    # A pool of another type would never give this worker a run.
    assert "work-pool create gpu --type process" in (root / "docs/gpu.md").read_text()
    for container in (checkout, worker):
        places = {entry["name"]: entry["value"] for entry in container["env"]}
        mounted = [Path(mount["mountPath"]) for mount in container["volumeMounts"]]
        for name in ("VERIF_HOME", "HOME", "TMPDIR", "DVC_SITE_CACHE_DIR"):
            assert Path(places[name]).parent in mounted, name


def matches(selector: Manifest, labels: dict[str, str]) -> bool:
    def holds(key: str, operator: str, values: tuple[str, ...] = ()) -> bool:
        found = labels.get(key)
        return {"Exists": key in labels, "In": found in values, "NotIn": found not in values}[operator]

    wanted, expressions = selector.get("matchLabels", {}), selector.get("matchExpressions", [])
    return all(labels.get(key) == value for key, value in wanted.items()) and all(
        holds(**e) for e in expressions
    )


def test_each_pod_is_reached_by_whom_it_must_be_and_the_judge_by_its_service_only(root: Path) -> None:
    recipe = load_recipe("qwen-multi-node", root / "recipes")
    service = verifier(recipe, load_cluster(root / "infra/cluster.example.yaml"))
    base = [m for f in ("network", "worker", "mlflow")
            for m in yaml.safe_load_all((root / f"infra/k8s/base/{f}.yaml").read_text())]  # fmt: skip
    policies = [m["spec"] for m in (*base, *service) if m["kind"] == "NetworkPolicy"]
    templates = {
        m["metadata"]["name"]: m["spec"]["template"] for m in (*base, *service) if m["kind"] == "Deployment"
    }
    labels = {template["metadata"]["labels"].get("app.kubernetes.io/component", name): template["metadata"]["labels"]
              for name, template in templates.items()}  # fmt: skip
    stage = StageRequest(recipe, "train", "0" * 40).labels
    labels |= {"stage": stage, "head": stage | {"ray.io/node-type": "head"}}
    assert set(labels) == {"prefect-worker", "mlflow", "verifier", "judge", "stage", "head"}

    def reaches(source: str, target: str, port: int) -> bool:
        """`source` is a pod of this namespace, or another namespace."""
        who = {"podSelector": labels[source]} if source in labels else {
            "namespaceSelector": {"kubernetes.io/metadata.name": source}
        }  # fmt: skip
        return any(
            peer.keys() == who.keys() and all(matches(peer[kind], who[kind]) for kind in peer)
            for policy in policies
            if "Ingress" in policy["policyTypes"] and matches(policy["podSelector"], labels[target])
            for rule in policy.get("ingress", [])
            if port in [p["port"] for p in rule.get("ports", [{"port": port}])]
            for peer in rule["from"]
        )

    everybody = [*labels, "kuberay-system", "monitoring", "default"]

    def who_reaches(target: str, port: int) -> set[str]:
        return {source for source in everybody if reaches(source, target, port)}

    assert who_reaches("head", 8265) == {"stage", "head", "kuberay-system"}
    assert who_reaches("stage", 8265) == {"stage", "head"}
    assert who_reaches("head", 8080) == {"stage", "head", "monitoring"}
    assert who_reaches("verifier", 8600) == {
        "stage",
        "head",
        "prefect-worker",
        "verifier",
        "judge",
        "monitoring",
    }
    assert who_reaches("judge", 8000) == {"verifier"}
    assert who_reaches("mlflow", 5000) == set(labels)
    assert who_reaches("prefect-worker", 8080) == set()


def test_mlflow_is_not_killed_while_it_migrates_or_starts_on_a_busy_node(root: Path) -> None:
    (pod,) = pods(list(yaml.safe_load_all((root / "infra/k8s/base/mlflow.yaml").read_text())), "mlflow")
    (container,) = pod["containers"]
    start = container["startupProbe"]  # until it has passed, the liveness probe does not count
    assert start["periodSeconds"] * start["failureThreshold"] >= 600
    assert start["httpGet"] == container["livenessProbe"]["httpGet"]
