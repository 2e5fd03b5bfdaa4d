"""Who may speak with the verifier on the cluster, under which labels, and how many of it stay up through a drain."""

from __future__ import annotations

from verif.cluster.config import Cluster
from verif.cluster.pod_spec import Manifest
from verif.cluster.request import VERIFIER_PORT

JUDGE_PORT = 8000
NODE_LOCAL_DNS = "169.254.20.10/32"
"""Where NodeLocal DNSCache listens; it runs in the host's network, so no namespace or label selects it."""


def labels_of(name: str, component: str) -> dict[str, str]:
    """The labels of a part of the verifier: what its pods carry and its selectors ask for."""
    return {
        "app.kubernetes.io/managed-by": "verif",
        "app.kubernetes.io/part-of": "verif",
        "app.kubernetes.io/name": name,
        "app.kubernetes.io/component": component,
    }


def disruption_budget(cluster: Cluster, name: str, labels: dict[str, str]) -> Manifest:
    """A node drain takes one replica at a time, and is not held up for good by a service that has only one."""
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": name, "namespace": cluster.namespace, "labels": labels},
        "spec": {"maxUnavailable": 1, "selector": {"matchLabels": labels}},
    }


def dns_egress() -> list[Manifest]:
    """To whoever answers names: the cluster's DNS, a cache on the node (a link-local address), or OpenShift's own."""

    def named(namespace: str) -> Manifest:
        return {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}}}

    def ports(*numbers: int) -> list[Manifest]:
        return [{"protocol": protocol, "port": port} for port in numbers for protocol in ("UDP", "TCP")]

    return [
        {"to": [named("kube-system"), {"ipBlock": {"cidr": NODE_LOCAL_DNS}}], "ports": ports(53)},
        {"to": [named("openshift-dns")], "ports": ports(53, 5353)},
    ]


def network_policies(cluster: Cluster, name: str, has_judge: bool) -> list[Manifest]:
    """The service: in from verif's pods and Prometheus, out to its judge and DNS only. The judge: in from the service."""
    verifier, judge = labels_of(name, "verifier"), labels_of(f"{name}-judge", "judge")
    dns = dns_egress()
    to_judge: Manifest = {
        "to": [{"podSelector": {"matchLabels": judge}}],
        "ports": [{"protocol": "TCP", "port": JUDGE_PORT}],
    }

    def policy(name: str, labels: dict[str, str], spec: Manifest) -> Manifest:
        return {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "NetworkPolicy",
            "metadata": {"name": name, "namespace": cluster.namespace, "labels": labels},
            "spec": {"podSelector": {"matchLabels": labels}, **spec},
        }

    out = [
        policy(
            name,
            verifier,
            {
                "policyTypes": ["Ingress", "Egress"],
                "ingress": [
                    {
                        "from": [
                            {"podSelector": {"matchLabels": {"app.kubernetes.io/part-of": "verif"}}},
                            {
                                "namespaceSelector": {
                                    "matchLabels": {"kubernetes.io/metadata.name": "monitoring"}
                                }
                            },
                        ],
                        "ports": [{"protocol": "TCP", "port": VERIFIER_PORT}],
                    }
                ],
                "egress": [*dns, to_judge] if has_judge else dns,
            },
        )
    ]
    if has_judge:
        out.append(
            policy(
                f"{name}-judge",
                judge,
                {
                    "policyTypes": ["Ingress"],
                    "ingress": [
                        {
                            "from": [{"podSelector": {"matchLabels": verifier}}],
                            "ports": [{"protocol": "TCP", "port": JUDGE_PORT}],
                        }
                    ],
                },
            )
        )
    return out
