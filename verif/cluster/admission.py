"""What the API server lets the orchestrator create and delete, whatever the orchestrator believes it is.

Its role may read no secret, but who may create a Job may mount any secret of the namespace. Kubernetes' own
ValidatingAdmissionPolicy closes that: the images, accounts, secrets, volumes and commands of this cluster file and no
others. Applied by an administrator, like `egress`; expressions are CEL, and tests/cluster/test_admission.py runs them.
"""

from __future__ import annotations

import json

from verif.cluster.config import Cluster
from verif.cluster.jobs import COMMAND
from verif.cluster.pod_spec import Manifest

NAME = "verif-orchestrator"
ENVIRONMENT = (
    "DVC_SITE_CACHE_DIR", "HF_HOME", "HOME", "PYTHONPATH", "TMPDIR", "VERIF_CHECKPOINTS", "VERIF_COMMIT", "VERIF_DATA",
    "VERIF_EXECUTOR", "VERIF_OVERRIDES", "VERIF_OVERRIDES_DIGEST", "VERIF_PARENT_RUN", "VERIF_RECIPE", "VERIF_REPOSITORY",
    "VERIF_ROLE", "VERIF_RUN_ID", "VERIF_STAGE", "VERIF_VERIFIER_URL", "VERIF_WORKSPACE", "VLLM_BATCH_INVARIANT",
)  # fmt: skip
FLAGS = (
    "--recipe", "--host", "--port", "--state", "--judge-url", "--revision", "--served-model-name",
    "--tensor-parallel-size", "--enable-prefix-caching", "--reasoning-parser",
)  # fmt: skip
"""What services are started with: no other option, which might load code or write a file."""
KINDS = (("batch", "jobs"), ("ray.io", "rayjobs"), ("apps", "deployments"))
BESIDES = (
    ("networking.k8s.io", "networkpolicies"),
    ("", "services"),
    ("", "configmaps"),
    ("policy", "poddisruptionbudgets"),
)
TEMPLATES = (
    "request.kind.kind == 'RayJob' ? [object.spec.rayClusterSpec.headGroupSpec.template] + "
    "(has(object.spec.rayClusterSpec.workerGroupSpecs) ? "
    "object.spec.rayClusterSpec.workerGroupSpecs.map(g, g.template) : []) : "
    "(request.kind.kind in ['Job', 'Deployment'] ? [object.spec.template] : [])"
)


def admission_policies(cluster: Cluster) -> list[Manifest]:
    """Two policies and what binds them to the namespace."""
    rules = [(value, message) for message, value in _rules(cluster)]
    variables = [
        {"name": "pods", "expression": f"({TEMPLATES}).map(t, t.spec)"},
        {"name": "secrets", "expression": _secrets(cluster)},
    ]
    ours = "request.name.startsWith('verif-') && !(request.name in ['verif-stage', 'verif-orchestrator'])"
    return [
        *_policy(cluster, NAME, "CREATE", (*KINDS, *BESIDES), rules, variables),
        *_policy(
            cluster,
            f"{NAME}-deletes",
            "DELETE",
            KINDS,
            [(ours, "it takes down what it made, nothing else")],
            [],
        ),
    ]


def _secrets(cluster: Cluster) -> str:
    stages = [cluster.remote_secret, cluster.tracking_secret, cluster.hub_secret, cluster.verifier_secret]
    services = [cluster.hub_secret, cluster.verifier_secret]
    return f"request.kind.kind == 'Deployment' ? {_list(services)} : {_list(stages)}"


def _rules(cluster: Cluster) -> list[tuple[str, str]]:
    """What must hold, and the words for when it does not."""
    every = "variables.pods.all(p, {})".format
    each = "variables.pods.all(p, p.containers.all(c, {}))".format
    command = _list(COMMAND)
    return [
        ("the pods run as the stages' account, without its token", every(
            f"has(p.serviceAccountName) && p.serviceAccountName == '{cluster.service_account}' && "
            "has(p.automountServiceAccountToken) && p.automountServiceAccountToken == false")),
        ("the pods have one kind of container, of the images in the cluster file", every(
            "!has(p.initContainers) && !has(p.ephemeralContainers) && "
            f"p.containers.all(c, c.image in {_list(sorted(cluster.images.values()))})")),
        ("the pods read the secrets that stages or services have, and no others", each(
            "(!has(c.envFrom) || c.envFrom.all(f, has(f.secretRef) && f.secretRef.name in variables.secrets)) && "
            "(!has(c.env) || c.env.all(e, !has(e.valueFrom)))")),
        ("the pods mount scratch, the claim for checkpoints and recipes", every(
            "!has(p.volumes) || p.volumes.all(v, has(v.emptyDir) || (has(v.configMap) && "
            "v.configMap.name.startsWith('verif-verifier-')) || (has(v.persistentVolumeClaim) && "
            f"v.persistentVolumeClaim.claimName == '{cluster.checkpoints_claim}'))")),
        ("the images are pulled with the credentials in the cluster file", every(
            f"!has(p.imagePullSecrets) || p.imagePullSecrets.all(s, s.name in {_list(cluster.pull_secrets)})")),
        ("the pods are told what stages are told, and clone the repository in the cluster file", each(
            f"!has(c.env) || c.env.all(e, e.name in {_list(ENVIRONMENT)} && "
            f"(e.name != 'VERIF_REPOSITORY' || e.value == {_text(cluster.repository)}))")),
        ("the pods run a stage, the verifier or its judge", each(
            "request.kind.kind == 'Job' ? "
            f"has(c.command) && c.command == {command} && !has(c.args) : (request.kind.kind == 'RayJob' ? "
            "!has(c.command) && !has(c.args) : (!has(c.command) || (size(c.command) == 3 && c.command[0] == 'vllm' && "
            "c.command[1] == 'serve' && !c.command[2].startsWith('-'))) && "
            f"(!has(c.args) || c.args.all(a, !a.startsWith('-') || a in {_list(FLAGS)})))")),
        ("nothing else is executed in the pods", each(
            "(!has(c.lifecycle) || (!has(c.lifecycle.postStart) && (!has(c.lifecycle.preStop) || "
            "!has(c.lifecycle.preStop.exec)))) && (!has(c.livenessProbe) || !has(c.livenessProbe.exec)) && "
            "(!has(c.readinessProbe) || !has(c.readinessProbe.exec)) && "
            "(!has(c.startupProbe) || !has(c.startupProbe.exec))")),
        ("a RayJob runs a stage on a cluster of its own, without more containers or packages", (
            f"request.kind.kind != 'RayJob' || (object.spec.entrypoint == '{' '.join(COMMAND)}' && "
            "object.spec.submissionMode == 'HTTPMode' && !has(object.spec.submitterPodTemplate) && "
            "!has(object.spec.clusterSelector) && !has(object.spec.runtimeEnvYAML) && "
            "!has(object.spec.rayClusterSpec.autoscalerOptions) && "
            "!has(object.spec.rayClusterSpec.gcsFaultToleranceOptions))")),
        ("a network policy is a verifier's and lets it out to pods only", (
            "request.kind.kind != 'NetworkPolicy' || (has(object.spec.podSelector.matchLabels) && "
            "'app.kubernetes.io/component' in object.spec.podSelector.matchLabels && "
            "object.spec.podSelector.matchLabels['app.kubernetes.io/component'] in ['verifier', 'judge'] && "
            "(!has(object.spec.egress) || object.spec.egress.all(r, has(r.to) && r.to.all(t, !has(t.ipBlock)))))")),
        ("a service leads to a verifier or its judge, within the cluster", (
            "request.kind.kind != 'Service' || ((!has(object.spec.type) || object.spec.type == 'ClusterIP') && "
            "!has(object.spec.externalIPs) && has(object.spec.selector) && "
            "'app.kubernetes.io/component' in object.spec.selector && "
            "object.spec.selector['app.kubernetes.io/component'] in ['verifier', 'judge'])")),
        ("what it makes is called verif-", "object.metadata.name.startsWith('verif-')"),
    ]  # fmt: skip


def _policy(
    cluster: Cluster, name: str, operation: str, kinds: tuple[tuple[str, str], ...],
    rules: list[tuple[str, str]], variables: list[Manifest],
) -> list[Manifest]:  # fmt: skip
    """A policy about one operation of the orchestrator's account, and its binding to the namespace."""
    account = f"system:serviceaccount:{cluster.namespace}:{cluster.orchestrator_account}"
    full = f"{name}.{cluster.namespace}"
    meta = {"name": full, "labels": {"app.kubernetes.io/part-of": "verif"}}
    matched = [
        {"apiGroups": [group], "apiVersions": ["*"], "operations": [operation], "resources": [resource]}
        for group, resource in kinds
    ]
    spec: Manifest = {
        "failurePolicy": "Fail",
        "matchConstraints": {"resourceRules": matched},
        "matchConditions": [
            {"name": "orchestrator", "expression": f"request.userInfo.username == '{account}'"}
        ],
        "validations": [{"expression": value, "message": f"verif: {message}"} for value, message in rules],
    } | ({"variables": variables} if variables else {})
    binding: Manifest = {
        "policyName": full,
        "validationActions": ["Deny"],
        "matchResources": {
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": cluster.namespace}}
        },
    }
    group = "admissionregistration.k8s.io/v1"
    return [
        {"apiVersion": group, "kind": "ValidatingAdmissionPolicy", "metadata": meta, "spec": spec},
        {"apiVersion": group, "kind": "ValidatingAdmissionPolicyBinding", "metadata": meta, "spec": binding},
    ]


def _list(values: object) -> str:
    return json.dumps(list(values), ensure_ascii=False)  # type: ignore[call-overload]


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)
