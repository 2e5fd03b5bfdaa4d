"""The admission policy lets through every manifest of every recipe, and nothing that would read another secret.

Its schema is checked everywhere; its expressions are run where a CEL interpreter is installed (pip: cel-python).
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.kubernetes import GPU_RECIPES, kubernetes_errors

from verif.cluster.admission import ENVIRONMENT, FLAGS, admission_policies
from verif.cluster.config import Cluster, load_cluster
from verif.cluster.pod_spec import Manifest
from verif.cluster.render import render
from verif.recipe import load_recipe


@pytest.fixture
def own(root: Path) -> Cluster:
    return load_cluster(root / "infra/cluster.example.yaml")


@pytest.fixture
def made(root: Path, own: Cluster) -> list[Manifest]:
    """All that runs of all recipes would create."""
    return [m for name in GPU_RECIPES for m in render(load_recipe(name, root / "recipes"), own, "a" * 40)]


def test_the_policies_are_valid_and_bound_to_the_orchestrator_in_its_namespace(own: Cluster) -> None:
    policies = admission_policies(own)
    assert kubernetes_errors(policies) == []
    names = {m["metadata"]["name"] for m in policies if m["kind"] == "ValidatingAdmissionPolicy"}
    bound = {m["spec"]["policyName"] for m in policies if m["kind"] == "ValidatingAdmissionPolicyBinding"}
    assert names == bound
    for policy in policies:
        if policy["kind"] == "ValidatingAdmissionPolicy":
            assert policy["spec"]["failurePolicy"] == "Fail"
            (condition,) = policy["spec"]["matchConditions"]
            assert "'system:serviceaccount:verif:verif-orchestrator'" in condition["expression"]
        else:
            assert policy["spec"]["validationActions"] == ["Deny"]


def test_whatever_the_orchestrator_may_create_is_looked_at(own: Cluster, root: Path) -> None:
    roles = yaml.safe_load_all((root / "infra/k8s/base/rbac.yaml").read_text())
    role = next(m for m in roles if m["kind"] == "Role")
    for verb, operation in (("create", "CREATE"), ("delete", "DELETE")):
        granted = {r for rule in role["rules"] if verb in rule["verbs"] for r in rule["resources"]}
        looked = {r for policy in admission_policies(own) if policy["kind"] == "ValidatingAdmissionPolicy"
                  for rule in policy["spec"]["matchConstraints"]["resourceRules"] if operation in rule["operations"]
                  for r in rule["resources"]}  # fmt: skip
        assert granted == looked
    assert not any(verb in ("update", "patch", "*") for rule in role["rules"] for verb in rule["verbs"])


def test_it_names_the_variables_and_options_that_the_manifests_have(made: list[Manifest]) -> None:
    variables, options = set(), set()

    def walk(node: Any) -> None:
        if isinstance(node, dict):
            variables.update(e["name"] for e in node.get("env") or [])
            options.update(a for a in node.get("args") or [] if a.startswith("-"))
            for value in node.values():
                walk(value)
        elif isinstance(node, list):
            for value in node:
                walk(value)

    walk(made)
    assert variables == set(ENVIRONMENT)
    assert options == set(FLAGS)


Refusals = Callable[[Manifest], list[str]]


@pytest.fixture
def refusals(own: Cluster) -> Refusals:
    """The messages of what an object violates, by the policy's own expressions."""
    celpy = pytest.importorskip("celpy", reason="no CEL interpreter (pip: cel-python)")
    spec = admission_policies(own)[0]["spec"]
    environment = celpy.Environment()

    def program(expression: str) -> Any:
        return environment.program(environment.compile(expression))

    variables = [(v["name"], program(v["expression"])) for v in spec["variables"]]
    rules = [(v["message"], program(v["expression"])) for v in spec["validations"]]

    def ask(obj: Manifest) -> list[str]:
        given = {
            "object": celpy.json_to_cel(obj),
            "request": celpy.json_to_cel({"kind": {"kind": obj["kind"]}}),
        }
        values: dict[Any, Any] = {}
        for name, made in variables:
            values[celpy.celtypes.StringType(name)] = made.evaluate(
                given | {"variables": celpy.celtypes.MapType(values)}
            )
        given["variables"] = celpy.celtypes.MapType(values)
        out = []
        for message, rule in rules:
            try:
                if not rule.evaluate(given):
                    out.append(message)
            except celpy.CELEvalError as error:  # an expression that fails refuses, too
                out.append(f"{message} ({error})")
        return out

    return ask


def test_every_manifest_of_every_recipe_is_let_through(made: list[Manifest], refusals: Refusals) -> None:
    assert {m["kind"] for m in made} >= {
        "Job",
        "RayJob",
        "Deployment",
        "NetworkPolicy",
        "Service",
        "ConfigMap",
    }
    for manifest in made:
        assert refusals(manifest) == [], manifest["metadata"]["name"]


def pod(obj: Manifest) -> Manifest:
    spec = obj["spec"]
    return (
        spec["rayClusterSpec"]["workerGroupSpecs"][0]["template"]
        if obj["kind"] == "RayJob"
        else spec["template"]
    )["spec"]


def first(obj: Manifest) -> Manifest:
    return pod(obj)["containers"][0]


SECRET = {"secretRef": {"name": "verif-prefect"}}
ATTACKS: dict[str, Callable[[Manifest], object]] = {
    "envFrom": lambda o: first(o).setdefault("envFrom", []).append(SECRET),
    "envFrom configMap": lambda o: first(o).setdefault("envFrom", []).append({"configMapRef": {"name": "x"}}),
    "secretKeyRef": lambda o: first(o).setdefault("env", []).append(
        {"name": "HOME", "valueFrom": {"secretKeyRef": {"name": "verif-mlflow", "key": "x"}}}),
    "secret volume": lambda o: pod(o)["volumes"].append({"name": "s", "secret": {"secretName": "verif-prefect"}}),
    "projected volume": lambda o: pod(o)["volumes"].append({"name": "s", "projected": {"sources": [
        {"serviceAccountToken": {"path": "t"}}]}}),
    "host": lambda o: pod(o)["volumes"].append({"name": "s", "hostPath": {"path": "/"}}),
    "csi": lambda o: pod(o)["volumes"].append({"name": "s", "csi": {"driver": "secrets-store.csi.k8s.io"}}),
    "other claim": lambda o: pod(o)["volumes"].append({"name": "s", "persistentVolumeClaim": {"claimName": "other"}}),
    "account": lambda o: pod(o).update(serviceAccountName="verif-orchestrator"),
    "no account": lambda o: pod(o).pop("serviceAccountName"),
    "token": lambda o: pod(o).update(automountServiceAccountToken=True),
    "token by default": lambda o: pod(o).pop("automountServiceAccountToken"),
    "image": lambda o: first(o).update(image="evil.example/x@sha256:" + "0" * 64),
    "init container": lambda o: pod(o).update(initContainers=[copy.deepcopy(first(o))]),
    "second container": lambda o: pod(o)["containers"].append(copy.deepcopy(first(o)) | {"envFrom": [SECRET]}),
    "pull secret": lambda o: pod(o).update(imagePullSecrets=[{"name": "verif-prefect"}]),
    "variable": lambda o: first(o).setdefault("env", []).append({"name": "LD_PRELOAD", "value": "/checkpoints/x.so"}),
    "repository": lambda o: first(o).setdefault("env", []).append({"name": "VERIF_REPOSITORY", "value": "https://evil"}),
    "command": lambda o: first(o).update(command=["sh", "-c", "env"]),
    "arguments": lambda o: first(o).update(args=["--trust-remote-code"]),
    "hook": lambda o: first(o).update(lifecycle={"postStart": {"exec": {"command": ["env"]}}}),
    "probe": lambda o: first(o).update(livenessProbe={"exec": {"command": ["env"]}}),
    "name": lambda o: o["metadata"].update(name="prefect-worker"),
}  # fmt: skip


@pytest.mark.parametrize("kind", ["Job", "RayJob", "Deployment"])
@pytest.mark.parametrize("attack", ATTACKS)
def test_what_would_read_another_secret_or_run_something_else_is_refused(
    attack: str, kind: str, made: list[Manifest], refusals: Refusals
) -> None:
    obj = copy.deepcopy(next(m for m in made if m["kind"] == kind))
    ATTACKS[attack](obj)
    assert refusals(obj)


def test_the_rest_of_a_rayjob_a_policy_and_a_service_is_looked_at_too(
    made: list[Manifest], refusals: Refusals
) -> None:
    def changed(kind: str, change: Callable[[Manifest], object]) -> Manifest:
        obj = copy.deepcopy(next(m for m in made if m["kind"] == kind))
        change(obj["spec"])
        return obj

    extra: dict[str, Any] = {"containers": [{"name": "x", "image": "evil"}]}
    for kind, change in (
        ("RayJob", lambda s: s.update(entrypoint="env")),
        ("RayJob", lambda s: s.update(submissionMode="K8sJobMode")),
        ("RayJob", lambda s: s.update(submitterPodTemplate={"spec": extra})),
        ("RayJob", lambda s: s.update(runtimeEnvYAML="pip: [evil]")),
        ("RayJob", lambda s: s.update(clusterSelector={"ray.io/cluster": "other"})),
        ("RayJob", lambda s: s["rayClusterSpec"].update(autoscalerOptions={"envFrom": [SECRET]})),
        (
            "RayJob",
            lambda s: s["rayClusterSpec"]["headGroupSpec"]["template"]["spec"].update(initContainers=[{}]),
        ),
        ("NetworkPolicy", lambda s: s.update(podSelector={})),
        ("NetworkPolicy", lambda s: s.update(podSelector={"matchLabels": {"verif.dev/stage": "train"}})),
        ("NetworkPolicy", lambda s: s.update(egress=[{"to": [{"ipBlock": {"cidr": "0.0.0.0/0"}}]}])),
        ("NetworkPolicy", lambda s: s.update(egress=[{}])),
        ("Service", lambda s: s.update(type="LoadBalancer")),
        ("Service", lambda s: s.update(selector={"app.kubernetes.io/name": "mlflow"})),
        ("Service", lambda s: s.update(externalIPs=["192.0.2.1"])),
    ):
        obj = changed(kind, change)
        assert refusals(obj), obj["spec"]
