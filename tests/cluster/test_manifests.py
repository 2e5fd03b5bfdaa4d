"""Manifests are validated against the Kubernetes schemas and KubeRay's own, and say what we promise."""

from __future__ import annotations

import copy
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.kubernetes import GPU_RECIPES, kubernetes_errors

from verif.cluster.config import Cluster, load_cluster
from verif.cluster.jobs import job
from verif.cluster.rayjobs import rayjob
from verif.cluster.render import render, require_pinned
from verif.cluster.request import StageRequest
from verif.errors import ClusterError, RecipeError
from verif.recipe import Recipe, load_recipe


def with_defaults(value: Any, schema: dict[str, Any]) -> Any:
    """The API server fills in the schema's defaults before it validates."""
    if isinstance(value, dict):
        for key, sub in schema.get("properties", {}).items():
            if key not in value and "default" in sub:
                value[key] = copy.deepcopy(sub["default"])
            if key in value:
                with_defaults(value[key], sub)
    elif isinstance(value, list):
        for item in value:
            with_defaults(item, schema.get("items", {}))
    return value


def ray_errors(manifest: dict[str, Any], root: Path) -> list[str]:
    import jsonschema

    folder = Path(os.environ.get("VERIF_SCHEMAS") or root.parent / "shared" / "schemas")
    path = folder / "rayjobs.ray.io.v1.json"
    if not path.is_file():
        pytest.skip(f"KubeRay schema not found at {path}; set VERIF_SCHEMAS")
    schema = json.loads(path.read_text())
    validator = jsonschema.Draft7Validator(schema)
    return [
        f"{list(e.path)}: {e.message}"
        for e in validator.iter_errors(with_defaults(copy.deepcopy(manifest), schema))
    ]


@pytest.mark.slow
@pytest.mark.parametrize("name", GPU_RECIPES)
def test_every_manifest_of_every_recipe_is_valid(name: str, cluster: Cluster, root: Path) -> None:
    manifests = render(
        load_recipe(name, root / "recipes"), cluster.model_copy(update={"queue": "team"}), "a" * 40
    )
    assert {m["kind"] for m in manifests} >= {
        "Deployment",
        "Service",
        "NetworkPolicy",
        "PodDisruptionBudget",
        "Job",
    }
    assert kubernetes_errors([m for m in manifests if m["kind"] != "RayJob"]) == []
    for manifest in manifests:
        if manifest["kind"] == "RayJob":
            assert ray_errors(manifest, root) == []


def test_the_validators_do_find_faults(cluster: Cluster, request_: StageRequest, root: Path) -> None:
    broken = job(request_, cluster)
    broken["spec"]["template"]["spec"]["containers"][0]["imagePullPolicies"] = "Never"
    assert kubernetes_errors([broken])
    ray = rayjob(request_, cluster)
    ray["spec"]["backoffLimit"] = "none"
    assert ray_errors(ray, root)


def test_several_nodes_make_a_rayjob_that_never_resubmits(cluster: Cluster, root: Path) -> None:
    manifests = render(load_recipe("qwen-multi-node", root / "recipes"), cluster, "a" * 40)
    [ray] = [m for m in manifests if m["kind"] == "RayJob"]
    assert ray["spec"]["submissionMode"] == "HTTPMode"
    assert ray["spec"]["backoffLimit"] == 0
    assert ray["spec"]["shutdownAfterJobFinishes"] is True
    assert ray["spec"]["activeDeadlineSeconds"] == 72 * 3600
    assert ray["spec"]["rayClusterSpec"]["authOptions"] == {
        "mode": "token"
    }  # else whoever reaches it runs code
    [workers] = ray["spec"]["rayClusterSpec"]["workerGroupSpecs"]
    assert workers["replicas"] == 3
    limits = workers["template"]["spec"]["containers"][0]["resources"]["limits"]
    assert limits["nvidia.com/gpu"] == "8"


def test_pods_may_do_as_little_as_possible(cluster: Cluster, recipe: Recipe) -> None:
    for manifest in render(recipe, cluster, "a" * 40):
        if manifest["kind"] not in ("Job", "Deployment"):
            continue
        pod = manifest["spec"]["template"]["spec"]
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["automountServiceAccountToken"] is False
        for container in pod["containers"]:
            security = container["securityContext"]
            assert security["readOnlyRootFilesystem"] is True
            assert security["allowPrivilegeEscalation"] is False
            assert security["capabilities"] == {"drop": ["ALL"]}
            assert "@sha256:" in container["image"]
            assert "memory" in container["resources"]["limits"]
            assert all("valueFrom" in e or "SECRET" not in e["name"] for e in container.get("env", []))


def test_verifier_may_talk_to_its_judge_and_dns_only(cluster: Cluster, root: Path) -> None:
    manifests = render(load_recipe("tulu3-8b", root / "recipes"), cluster, "a" * 40)
    [policy] = [m for m in manifests if m["kind"] == "NetworkPolicy" and "Egress" in m["spec"]["policyTypes"]]
    reached = set()
    for rule in policy["spec"]["egress"]:
        for to in rule["to"]:
            place = to.get("namespaceSelector", {}).get("matchLabels", {}).get("kubernetes.io/metadata.name")
            place = (
                place
                or to.get("ipBlock", {}).get("cidr")
                or to["podSelector"]["matchLabels"]["app.kubernetes.io/component"]
            )
            reached |= {(place, p["protocol"], p["port"]) for p in rule["ports"]}
    names = {("kube-system", 53), ("169.254.20.10/32", 53), ("openshift-dns", 53), ("openshift-dns", 5353)}
    wanted = {(place, protocol, port) for place, port in names for protocol in ("UDP", "TCP")}
    assert reached == wanted | {("judge", "TCP", 8000)}
    [service] = [
        m for m in manifests if m["kind"] == "Deployment" and not m["metadata"]["name"].endswith("-judge")
    ]
    container = service["spec"]["template"]["spec"]["containers"][0]
    assert container["readinessProbe"]["httpGet"]["path"] == "/ready"
    assert container["livenessProbe"]["httpGet"]["path"] == "/health"


@pytest.mark.parametrize("name", GPU_RECIPES)
def test_a_judge_that_reasons_is_served_with_its_parser(name: str, cluster: Cluster, root: Path) -> None:
    manifests = render(load_recipe(name, root / "recipes"), cluster, "a" * 40)
    [judge] = [m for m in manifests if m["kind"] == "Deployment" and m["metadata"]["name"].endswith("-judge")]
    arguments = judge["spec"]["template"]["spec"]["containers"][0]["args"]
    assert arguments[arguments.index("--reasoning-parser") + 1] == "deepseek_r1"


def test_a_judge_without_a_parser_is_served_without_one(cluster: Cluster, recipe: Recipe) -> None:
    assert "--reasoning-parser" not in json.dumps(render(recipe, cluster, "a" * 40))


def test_the_name_is_a_function_of_content(request_: StageRequest) -> None:
    assert request_.name == replace(request_).name
    assert request_.run == replace(request_, attempt=2).run
    assert request_.name != replace(request_, attempt=2).name
    assert request_.run != replace(request_, overrides={"train.steps": 21}).run
    assert request_.run != replace(request_, commit="d" * 40).run
    assert len(request_.name) <= 63


def test_owner_queue_and_priority(cluster: Cluster, request_: StageRequest) -> None:
    owner = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "worker", "uid": "u1"}}
    made = job(request_, cluster.model_copy(update={"queue": "team", "priority_class": "batch"}), owner)
    assert made["metadata"]["ownerReferences"][0]["uid"] == "u1"
    assert made["metadata"]["labels"]["kueue.x-k8s.io/queue-name"] == "team"
    assert made["spec"]["suspend"] is True
    assert made["spec"]["template"]["spec"]["priorityClassName"] == "batch"
    assert made["spec"]["template"]["spec"]["nodeSelector"] == {"nvidia.com/gpu.product": "H800"}


def test_unpinned_models_are_refused_with_the_command_that_pins(root: Path, recipe: Recipe) -> None:
    with pytest.raises(RecipeError, match="verif recipe pin tulu3-8b"):
        require_pinned(load_recipe("tulu3-8b", root / "recipes"))
    require_pinned(recipe)


def test_images_must_be_by_digest(tmp_path: Path) -> None:
    path = tmp_path / "cluster.yaml"
    path.write_text(yaml.safe_dump({"repository": "https://x", "images": {"cpu": "verif/cpu:latest"}}))
    with pytest.raises(ClusterError, match="by digest"):
        load_cluster(path)
    with pytest.raises(ClusterError, match=r"cluster\.example\.yaml"):
        load_cluster(tmp_path / "none.yaml")


def test_the_example_cluster_file_is_valid(root: Path) -> None:
    assert load_cluster(root / "infra/cluster.example.yaml").namespace == "verif"


@pytest.mark.slow
def test_render_command_prints_yaml_and_takes_overrides(root: Path) -> None:
    command = [
        str(Path(sys.executable).with_name("verif")),
        "cluster",
        "render",
        "tulu3-8b",
        "--cluster",
        "infra/cluster.example.yaml",
    ]
    done = subprocess.run(
        [*command, "--set", "train.steps=7"], cwd=root, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    manifests = list(yaml.safe_load_all(done.stdout))
    train = next(m for m in manifests if m["kind"] == "Job" and "-train-" in m["metadata"]["name"])
    environment = {e["name"]: e["value"] for e in train["spec"]["template"]["spec"]["containers"][0]["env"]}
    assert json.loads(environment["VERIF_OVERRIDES"]) == {"train.steps": 7}
    wrong = subprocess.run(
        [*command, "--set", "train.stepz=7"], cwd=root, capture_output=True, text=True, check=False
    )
    assert wrong.returncode == 2
    assert "train.stepz" in wrong.stderr
